package lambda

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/jamesTait-jt/goflow/goflow"
)

// stopTime is what a function gets between SIGTERM and SIGKILL, less some:
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
const stopTime = 400 * time.Millisecond

// Handler answers the SQS events of one queue. It may serve several invocations
// at once, as Lambda Managed Instances ask for.
type Handler struct{ worker *goflow.BatchWorker }

// NewHandler returns a handler that runs the tasks of queue by the handlers of
// m and keeps their outcomes in s. It needs goflow.DeadLetters or
// goflow.NoDeadLetters; goflow.Concurrency bounds how many handlers run at a
// time, goflow.Margin what is left to store and report. It makes no call before
// the first event. The errors are those of goflow.NewBatchWorker.
func NewHandler(queue goflow.Broker, s goflow.Store, m *goflow.Mux, opts ...goflow.WorkerOption) (*Handler, error) {
	w, err := goflow.NewBatchWorker(queue, s, m, opts...)
	if err != nil {
		return nil, err
	}
	return &Handler{worker: w}, nil
}

// Start serves the function's invocations and does not return. On SIGTERM the
// handler stops.
func Start(h *Handler) {
	awslambda.StartWithOptions(h.Handle, awslambda.WithEnableSIGTERM(h.Stop))
}

// Handle takes an event to its answer, which names the records whose messages
// have to stay. An error instead of an answer lets the whole batch come again,
// and slows Lambda down: only when nothing at all could be settled, and when a
// message that has to stay has no ID to name it by.
//
// Handle panics when goroutines of handlers that ignore their contexts have to
// be ended, for which there is only the end of the process: Lambda starts
// another one, and what has been stored is found finished.
func (h *Handler) Handle(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	outcomes, err := h.worker.Work(ctx, batch(event.Records))
	if err != nil {
		panic(fmt.Sprintf("goflow: this process has to end: %v", err))
	}
	return answer(event.Records, outcomes)
}

// Stop gives back what runs. Start calls it on SIGTERM.
func (h *Handler) Stop() { h.worker.Stop(stopTime) }

// answer names each message that stays once, and none that is not in the batch:
// Lambda takes any other name for the failure of the whole batch.
func answer(records []events.SQSMessage, outcomes []goflow.Outcome) (events.SQSEventResponse, error) {
	failures := []events.SQSBatchItemFailure{} // null would be read as no failure
	named := map[string]bool{}
	var troubles []error
	for i, o := range outcomes {
		if o.Err != nil {
			troubles = append(troubles, o.Err)
		}
		id := records[i].MessageId
		if o.Action == goflow.Ack || named[id] {
			continue
		}
		if id == "" {
			return events.SQSEventResponse{}, errors.New("goflow: a record without messageId cannot be reported as failed, so the whole batch is")
		}
		named[id] = true
		failures = append(failures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	if len(troubles) > 0 && len(troubles) == len(records) {
		return events.SQSEventResponse{}, fmt.Errorf("goflow: no task of %d could be settled, the first: %w", len(records), troubles[0])
	}
	return events.SQSEventResponse{BatchItemFailures: failures}, nil
}
