// Package sqs is a [port.Broker] over one queue of Amazon SQS, standard or FIFO.
// The dead-letter queue is a second Broker.
//
// # Semantics
//
// Delivery is at least once, and in no order unless the queue is a FIFO queue.
// [Broker.Send], [Broker.Extend]
// and [Broker.Ack] are one batch call for up to ten items, with an error per
// item; Send makes several where the messages together are over 1 MiB. The
// SDK's retries stay on for these, so that a connection that SQS has closed is
// no failed task; [port.ErrAmbiguous] is the answer as soon as one of the
// attempts may have reached the queue. Receive is never retried: the core
// paces its polls.
//
// A long poll is never cancelled. SQS leases messages to a poll that has gone
// away, and nobody sees them for a whole visibility timeout
// (https://github.com/aws/aws-sdk-go-v2/issues/2068). So [Broker.Receive]
// whose context ends waits for the poll in progress, for at most PollWait and
// ten seconds more, and returns what that brings.
//
// The lease is the broker's own and is asked for in each receive; the queue's
// visibility timeout does not count. A delivery's ID is the SQS message ID, and
// its LeaseEnd counts from before the request was sent. SQS may not notice
// that a lease was lost: Extend then answers nil, or ErrLeaseLost.
//
// Attributes travel as String attributes of the message. Of what others sent,
// attributes that hold text are passed on as text and binary ones are left out.
//
// Errors are one line with the queue's name, the cause and what to do about it,
// and wrap a sentinel of package port and the SDK's error.
//
// # Order
//
// A queue whose name ends in .fifo keeps the order of a message group. The group
// is the message's Group, or its ID, which makes it a group of its own; the
// deduplication ID is its ID: within five minutes SQS takes a message with the
// same one and drops it. A message is never delayed there. Where a batch takes
// several requests, those behind one that failed are not sent, so that nothing
// overtakes; within one request SQS may take a later message and not an earlier
// one. On a standard queue the group is about fairness alone:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
//
// A FIFO queue with 120,000 messages under leases returns nothing more, without
// an error.
//
// # Limits
//
// A message is at most the queue's MaximumMessageSize, 1 MiB by default, with
// names, types and values of its attributes counted. It has one to ten
// attributes or none, and text that XML 1.0 takes. It is delayed by at most 15
// minutes, leased for at most 12 hours from its receipt on. Delays and leases
// are whole seconds: fractions are rounded up. A queue holds about 120,000
// messages under leases; more is ErrUnavailable from Receive.
//
// # Permissions
//
//	Send                 sqs:SendMessage
//	Receive              sqs:ReceiveMessage
//	Extend               sqs:ChangeMessageVisibility
//	Ack                  sqs:DeleteMessage
//	Limits, Size, Check  sqs:GetQueueAttributes
//	Resolve              sqs:GetQueueUrl
//	Provision            sqs:CreateQueue, sqs:SetQueueAttributes, sqs:GetQueueAttributes
//	Move                 sqs:StartMessageMoveTask, sqs:ListMessageMoveTasks, sqs:ReceiveMessage,
//	                     sqs:DeleteMessage, sqs:GetQueueAttributes on the dead-letter queue,
//	                     sqs:SendMessage, sqs:GetQueueAttributes on the queue
//	CancelMove           sqs:CancelMessageMoveTask, sqs:ListMessageMoveTasks, sqs:GetQueueAttributes
//
// A queue that is encrypted with a key of its own needs kms:Decrypt and
// kms:GenerateDataKey besides.
//
// # Local use
//
// The SDK reads AWS_ENDPOINT_URL, so an emulator needs no code. Emulators are
// laxer than SQS, so what SQS would refuse is refused here, before the wire.
package sqs
