// Package dynamo is a [port.Store] over one table of Amazon DynamoDB.
//
// # The item
//
// One item per task. DynamoDB charges a write per 1,024 bytes begun, attribute
// names included, so names are one letter and what says nothing is left out:
//
//	name  type    present          meaning
//	id    B       always           the task's UUID, 16 bytes; the partition key
//	s     N       always           0 open, 1 done, 2 dead, 3 cancelled, 4 expired
//	g     N       always           generation, from 1 on
//	a     N       open, or not 0   failed attempts
//	o     N       open, or not 0   recorded give-backs
//	c     N       open, or not 0   starts without an outcome
//	e     N       once claimed     epoch of the last claim, from 1 on
//	l     N       while claimed    end of the claim, epoch milliseconds
//	w     S       while claimed    token of who holds it
//	r     B       not empty        result
//	x     S       not empty        why the task is dead, or its last attempt failed
//	d     S       dead             which kind of death, as the dead letter says it
//	p     B       client-chosen ID hash of type and payload, 16 bytes
//	t     N       with an expiry   when to forget the item, epoch seconds, rounded up
//
// A key of goflow.Unique is an item like that of an open task, whose id is made
// of the key and whose w is the ID of the task that holds it.
//
// A done record has 32 bytes besides its result, so results of up to 992 bytes
// cost one write, and each further 1,024 one more.
//
// A result is binary: DynamoDB stores those bytes as they are, at the same size
// as a string, and any bytes come back equal. Text would have to be UTF-8.
//
// # Semantics
//
// Writes are PartiQL statements in BatchExecuteStatement, each with its own
// condition and error; reads are BatchGetItem. A first write is an INSERT, any
// other an UPDATE whose condition holds what the write assumes. All values are
// absolute, so a write whose answer was lost may be repeated. A guess that was
// wrong costs one more statement, in a second call with the others of the batch
// that guessed wrong; after six, ErrUnavailable.
//
// The SDK's retries stay on for whole calls. An item that DynamoDB throttles
// within a batch is ErrUnavailable, and the caller's to repeat. So is a call
// whose answer was lost.
//
// An item whose t is over counts as absent, since DynamoDB deletes within days.
//
// Claims end by the clock of the machine that asks, corrected by the Date that
// DynamoDB's last answer carried. Another may take over 2 s after that
// ([ClaimSlack]); a holder should stop 2 s before.
//
// Errors are one line with the table's name, the cause and what to do about it,
// and wrap a sentinel of package port and the SDK's error.
//
// # Limits
//
// An item has at most 400 KiB. IDs are UUIDs. An expiry is in whole seconds, a
// lease end in whole milliseconds. A call writes 25 items and 12 MiB, and reads
// 100; what is more takes several.
//
// # Permissions
//
//	Save, Claim, Reopen  dynamodb:PartiQLInsert, dynamodb:PartiQLUpdate
//	Load                 dynamodb:BatchGetItem
//	Check                dynamodb:DescribeTable
//	Provision            dynamodb:CreateTable, dynamodb:DescribeTable,
//	                     dynamodb:DescribeTimeToLive, dynamodb:UpdateTimeToLive
//
// dynamodb:PartiQLSelect is not needed and should not be granted: a SELECT
// without a key reads the whole table.
//
// # Local use
//
// The SDK reads AWS_ENDPOINT_URL, so an emulator needs no code. Emulators may
// never delete expired items, which makes no difference here.
package dynamo
