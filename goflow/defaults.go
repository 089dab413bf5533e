package goflow

import "time"

// Defaults of every option. Flags, documents and templates are tested against
// these values.
const (
	DefaultMaxAttempts      = 5                  // runs of a task before it is dead
	DefaultTimeout          = 5 * time.Minute    // of one run
	DefaultBackoffBase      = time.Second        // doubled with each failed attempt
	DefaultBackoffCap       = 15 * time.Minute   // longest pause between attempts
	DefaultConcurrencyPerP  = 10                 // handlers at a time, times GOMAXPROCS
	DefaultLease            = time.Minute        // of a received message
	DefaultPollWait         = 20 * time.Second   // the longest that SQS waits for a message
	DefaultDrain            = 25 * time.Second   // for running tasks when a worker stops
	DefaultMargin           = time.Second        // before the end of a Lambda function's time
	DefaultUnknownTypeGrace = 10 * time.Minute   // before a task that no handler knows is dead
	DefaultRecordTTL        = 8 * 24 * time.Hour // of a record, at least a day more than the queue's retention
	DefaultWorkers          = 5                  // of local mode
	DefaultQueue            = "goflow-tasks"
	DefaultDeadQueue        = "goflow-tasks-dead"
	DefaultTable            = "goflow-tasks"
)

// Bounds that hold whatever the options say.
const (
	// maxDelay caps backoff and RetryAfter below the 12 hours that SQS lets one
	// receive of a message last.
	maxDelay = 11 * time.Hour
	// maxSpan caps what is added to a time: with a time.Duration of any length that
	// would end in the past.
	maxSpan = 36_525 * 24 * time.Hour
	// maxHold is how long SQS lets one receive of a message last, whatever is
	// extended:
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
	maxHold = 12 * time.Hour
	// envelopeReserve is what a payload leaves free in a message, so that a dead
	// letter with its reason still fits.
	envelopeReserve = 8 << 10
	// retentionMargin is how long before a message's end of life a retry must
	// be due: SQS deletes late messages silently.
	retentionMargin = time.Hour
	// clocksDiffer is what the clocks of two machines, or of one and a service, may
	// differ by.
	clocksDiffer = time.Hour
	// maxSettling is from how many outcomes of one worker on, that are still being
	// stored, it starts nothing.
	maxSettling = 256
	// stopGrace is handlerGrace where the process is killed half a second after it
	// was told to stop:
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
	stopGrace = 150 * time.Millisecond
	// handlerGrace is what a handler gets to return after its context ended.
	handlerGrace = time.Second
)
