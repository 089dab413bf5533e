// Package goflow is a task queue for Go on AWS's serverless parts. A program
// pushes tasks, they travel through a broker (SQS), handlers run them in a pool
// of workers, in a Lambda function or in the program itself, and every outcome
// lands in a store (DynamoDB), where any number of clients read or await it.
//
// # A tour
//
//   - [NewJob] defines a task type with its payload and result; [Job.Handle]
//     gives it a handler on a [Mux], [Job.Push] and [Job.Wait] use it.
//   - [Client] pushes tasks and reads outcomes.
//   - [Worker] is the long-lived pool. [Processor] takes one delivery to its
//     outcome; it is the one engine of every home that a handler can run in.
//   - [GoFlow] is the small front door: [NewLocalMode] runs everything in the
//     process, [New] sends tasks to workers elsewhere.
//
// # Delivery
//
// A task whose push returned nil runs at least once, and reaches exactly one
// terminal record. The record is stored before the message is deleted, so a
// crash at any moment costs a second run and never a task. With [Once] a task
// whose result is stored is not run again, nor run beside itself.
//
// The core imports the standard library only; package port declares the two
// interfaces that adapters implement, and this package names the part of it
// that programs meet.
package goflow
