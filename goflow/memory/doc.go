// Package memory implements both ports inside the process: for tests, for
// local mode, and as the reference of what an implementation has to do.
//
// # Two of each
//
// [Broker] and [Store] are strict: they move bytes only, and they enforce what
// SQS and DynamoDB enforce, also where an emulator does not. A program that
// works on them meets no limit of AWS for the first time in production.
//
// [LocalBroker] and [LocalStore] keep Go values as they are, and have no
// limits but a capacity. Their leases never end, as nobody but their own
// process could take the message over. They are what local mode runs on.
//
// All four may be used by any number of goroutines, start none, and follow the
// clock of a testing/synctest bubble when they are made inside it. What they
// are given stays the caller's: they copy bytes and maps, not Values.
package memory
