package goflow

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Queue is a queue besides the one that a client or worker is made with.
type Queue struct {
	// Name is what OnQueue says: 1 to 128 of A-Z a-z 0-9 . _ : -
	Name   string
	Broker Broker
	// DeadLetters is where the queue's dead tasks go; nil: where those of the
	// worker do. Clients don't ask.
	DeadLetters Broker
}

// Queues adds queues. A client pushes to the one that OnQueue names, or to its own
// broker; a worker receives from all of them into one set of slots, of which each
// queue has one for itself, so that none starves another: give it at least as many
// slots as queues. A task stays in its queue until it is dead. ErrInvalid: a queue
// without a broker, a bad name, or one that is taken; and for a BatchWorker or
// Processor, which is handed the deliveries of one queue.
func Queues(queues ...Queue) QueuesOption { return QueuesOption{queues} }

// QueuesOption is what Queues returns, for a client and for a worker.
type QueuesOption struct{ queues []Queue }

func (o QueuesOption) applyClient(c *clientOptions) error { return o.add(&c.queues) }
func (o QueuesOption) applyWorker(w *workerOptions) error { return o.add(&w.queues) }

func (o QueuesOption) add(to *[]Queue) error {
	for _, q := range o.queues {
		if err := validQueue("Queues", q.Name); err != nil {
			return err
		}
		if q.Broker == nil {
			return invalid("Queues: queue %q has no broker", q.Name)
		}
		if slices.ContainsFunc(*to, func(other Queue) bool { return other.Name == q.Name }) {
			return invalid("Queues: queue %q is given twice", q.Name)
		}
		*to = append(*to, q)
	}
	return nil
}

func validQueue(option, name string) error {
	if validType(name) != nil { // the same rule
		return invalid("%s(%q): give 1 to 128 of A-Z a-z 0-9 . _ : -", option, name)
	}
	return nil
}

// OnQueue sends tasks to the queue of that name, one of the client's Queues: all of
// a job, or those of a push, which wins. A client that does not know the queue
// refuses the push with ErrInvalid. Handlers don't ask: a worker runs what it
// receives, from whichever queue.
func OnQueue(name string) QueueOption { return QueueOption{name} }

// QueueOption is what OnQueue returns, for a job and for a push.
type QueueOption struct{ name string }

func (o QueueOption) applyJob(j *jobOptions) error   { return o.set(&j.queue) }
func (o QueueOption) applyPush(p *pushOptions) error { return o.set(&p.queue) }

func (o QueueOption) set(to *string) error {
	*to = o.name
	return validQueue("OnQueue", o.name)
}

// routed puts the job's queue before what a push says.
func (j *jobOptions) routed(opts []PushOption) []PushOption {
	if j.queue == "" {
		return opts
	}
	return append([]PushOption{OnQueue(j.queue)}, opts...)
}

// route is a queue as a client knows it.
type route struct {
	broker Broker
	limits func(context.Context) (port.Limits, error)
	sends  *group[port.Message, struct{}] // nil: each push goes by itself
}

func newRoute(b Broker, linger time.Duration) route {
	r := route{broker: b, limits: limitsOf(b)}
	if inProcess(b) {
		return r
	}
	r.sends = newGroup(port.MaxMessages, func(ctx context.Context, msgs []port.Message) ([]struct{}, error) { return nil, b.Send(ctx, msgs) })
	r.sends.linger = linger
	r.sends.size, r.sends.mostSize = sizeOf, mostTogether
	return r
}

// mostTogether is what SQS takes in one call, in bytes:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
const mostTogether = 1 << 20

// sizeOf is about what a message counts there.
func sizeOf(m port.Message) int {
	size := len(m.Body)
	for name, value := range m.Attributes {
		size += len(name) + len("String") + len(value)
	}
	return size
}

// send sends one message with those of others, several as they are.
func (r route) send(ctx context.Context, msgs []port.Message) error {
	if r.sends == nil {
		return r.broker.Send(ctx, msgs)
	}
	_, err := r.sends.join(ctx, msgs)
	return err
}

// routes are a client's queues by name; "" is the one it was made with.
type routes map[string]route

func newRoutes(b Broker, o clientOptions) routes {
	r := routes{"": newRoute(b, o.linger)}
	for _, q := range o.queues {
		r[q.Name] = newRoute(q.Broker, o.linger)
	}
	return r
}

func (r routes) find(name string) (route, error) {
	found, ok := r[name]
	if !ok {
		names := slices.Sorted(maps.Keys(r))[1:]
		return found, fmt.Errorf("goflow: %w queue %q: this client knows %s: name its broker with Queues",
			ErrInvalid, name, listed(names))
	}
	return found, nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "no queue but its own"
	}
	return "its own and " + strings.Join(names, ", ")
}
