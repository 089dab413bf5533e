package goflow

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// JobOption configures a job in NewJob or Mux.Handle.
type JobOption interface{ applyJob(*jobOptions) error }

// PushOption configures one push. It wins over the job's option.
type PushOption interface{ applyPush(*pushOptions) error }

// WorkerOption configures a Worker or Processor. For a policy it is the
// default of jobs that say nothing themselves.
type WorkerOption interface{ applyWorker(*workerOptions) error }

// ClientOption configures a Client.
type ClientOption interface{ applyClient(*clientOptions) error }

// PolicyOption says how a task is retried. It can be given to a job, a push or
// a worker: the push wins over the job, the job over the worker.
type PolicyOption func(*policy) error

// SharedOption can be given to a client and to a worker.
type SharedOption func(*shared) error

type (
	jobOption    func(*jobOptions) error
	pushOption   func(*pushOptions) error
	workerOption func(*workerOptions) error
	clientOption func(*clientOptions) error
)

func (o PolicyOption) applyJob(j *jobOptions) error       { return o(&j.policy) }
func (o PolicyOption) applyPush(p *pushOptions) error     { return o(&p.policy) }
func (o PolicyOption) applyWorker(w *workerOptions) error { return o(&w.policy) }
func (o SharedOption) applyClient(c *clientOptions) error { return o(&c.shared) }
func (o SharedOption) applyWorker(w *workerOptions) error { return o(&w.shared) }
func (o jobOption) applyJob(j *jobOptions) error          { return o(j) }
func (o pushOption) applyPush(p *pushOptions) error       { return o(p) }
func (o workerOption) applyWorker(w *workerOptions) error { return o(w) }
func (o clientOption) applyClient(c *clientOptions) error { return o(c) }

type jobOptions struct {
	policy      policy
	once        bool
	cancellable bool
	noResult    bool
	queue       string
}

type pushOptions struct {
	policy    policy
	delay     time.Duration
	expiresIn time.Duration
	headers   map[string]string
	id        string // the program's own; empty: Push makes one
	track     bool
	unique    uniqueKey
	group     string
	fairKey   string
	queue     string
}

type shared struct {
	log       *slog.Logger
	recordTTL time.Duration
}

type clientOptions struct {
	shared shared
	queues []Queue
	linger time.Duration
}

type workerOptions struct {
	policy           policy
	shared           shared
	concurrency      int
	drain            time.Duration
	margin           time.Duration
	unknownTypeGrace time.Duration
	dead             port.Broker
	noDead           bool
	queues           []Queue
}

// MaxAttempts is how often a task runs before it is dead: 1 to 1000,
// DefaultMaxAttempts unless set.
func MaxAttempts(n int) PolicyOption {
	return func(p *policy) error {
		if n < 1 || n > 1000 {
			return invalid("MaxAttempts(%d): give 1 to 1000", n)
		}
		p.maxAttempts = n
		return nil
	}
}

// Timeout is how long one run may take before its context ends: 1 ms to 11
// hours. Unless set it is DefaultTimeout, and in a Lambda function all the time
// that the function has left, less its Margin.
func Timeout(d time.Duration) PolicyOption {
	return func(p *policy) error {
		if d < time.Millisecond || d > maxDelay {
			return invalid("Timeout(%v): give 1ms to %v", d, maxDelay)
		}
		p.timeout = d
		return nil
	}
}

// Backoff is the pause after a failed attempt: random between nothing and
// base, doubled with each further failure, never over limit. 1 ms ≤ base ≤
// limit ≤ 11 hours; DefaultBackoffBase and DefaultBackoffCap unless set.
// Full jitter, as in https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
func Backoff(base, limit time.Duration) PolicyOption {
	return func(p *policy) error {
		if base < time.Millisecond || limit < base || limit > maxDelay {
			return invalid("Backoff(%v, %v): give 1ms ≤ base ≤ limit ≤ %v", base, limit, maxDelay)
		}
		p.backoffBase, p.backoffCap = base, limit
		return nil
	}
}

// Once makes a job effectively once: a task whose outcome is stored is not run
// again, and not run beside itself as long as its handler returns when its
// context ends. It costs one more write per task.
func Once() JobOption {
	return jobOption(func(j *jobOptions) error { j.once = true; return nil })
}

// Delay keeps the task from running earlier: 0 to 7 days. Default 0. Above the
// broker's own limit, 15 minutes on SQS, the task has a record from the push on,
// as with Track, is run as by Once, and its message is sent on by a worker each
// time that the limit is over: docs/wire-format.md says what that costs. It is
// never early, and late by what the queue's backlog makes each of them.
func Delay(d time.Duration) PushOption {
	return pushOption(func(p *pushOptions) error {
		if d < 0 || d > maxPushDelay {
			return invalid("Delay(%v): give 0 to %v", d, maxPushDelay)
		}
		p.delay = d
		return nil
	})
}

// ExpiresIn lets the task expire unrun when it is not started within d of being
// queued: 1 ms or more, counted by the broker's clock and the delay included; by
// that of the machine in a function, and when the message has been received before.
// Such a task is recorded as Expired; one that has failed once is not. Default:
// never.
func ExpiresIn(d time.Duration) PushOption {
	return pushOption(func(p *pushOptions) error {
		if d < time.Millisecond {
			return invalid("ExpiresIn(%v): give 1ms or more", d)
		}
		p.expiresIn = d
		return nil
	})
}

// Linger is how long the first of several pushes waits for others, which then go by
// one call: 0 to 1 s. Default 0, which costs nobody any time: a push goes at once when
// none is under way, and those that come meanwhile go together when its call returns,
// or as soon as they fill one. A remote client leaves it to the other side.
func Linger(d time.Duration) ClientOption {
	return clientOption(func(c *clientOptions) error {
		if d < 0 || d > time.Second {
			return invalid("Linger(%v): give 0 to 1s", d)
		}
		c.linger = d
		return nil
	})
}

// Headers travel with the task and reach its handler through TaskFromContext. Names
// and values are UTF-8, and count towards the size of the message: too many are
// ErrTooLarge. They are not encrypted and may be logged: no secrets.
func Headers(h map[string]string) PushOption {
	return pushOption(func(p *pushOptions) error { p.headers = maps.Clone(h); return nil })
}

// Concurrency is how many handlers run at a time: 1 to 10,000, 10 × GOMAXPROCS
// unless set. Up to ten more messages of a single queue that keeps no order may wait
// for a slot, under leases that are kept, as a receive of ten costs what one of one
// does; what has waited for half a lease goes back to the queue.
func Concurrency(n int) WorkerOption {
	return workerOption(func(w *workerOptions) error {
		if n < 1 || n > 10_000 {
			return invalid("Concurrency(%d): give 1 to 10000", n)
		}
		w.concurrency = n
		return nil
	})
}

// Drain is how long running tasks get when the worker stops, before their
// contexts end: 0 or more, DefaultDrain unless set.
func Drain(d time.Duration) WorkerOption {
	return workerOption(func(w *workerOptions) error {
		if d < 0 {
			return invalid("Drain(%v): give 0 or more", d)
		}
		w.drain = d
		return nil
	})
}

// Margin is how long before the end of its time a BatchWorker ends the contexts
// of its handlers, to store and report what they come to: 10 ms to 5 minutes,
// DefaultMargin unless set, and never more than a quarter of the time there is.
// Half of it is the handlers', to return in.
func Margin(d time.Duration) WorkerOption {
	return workerOption(func(w *workerOptions) error {
		if d < 10*time.Millisecond || d > 5*time.Minute {
			return invalid("Margin(%v): give 10ms to 5m", d)
		}
		w.margin = d
		return nil
	})
}

// UnknownTypeGrace is how long a task whose type has no handler here is given
// back, for another deployment to run, before it is dead: 0 to a hundred years,
// DefaultUnknownTypeGrace unless set.
func UnknownTypeGrace(d time.Duration) WorkerOption {
	return workerOption(func(w *workerOptions) error {
		if d < 0 || d > maxSpan {
			return invalid("UnknownTypeGrace(%v): give 0 to %v", d, maxSpan)
		}
		w.unknownTypeGrace = d
		return nil
	})
}

// DeadLetters is the queue that dead tasks go to, with their reason. A worker
// needs it or NoDeadLetters. It is ErrInvalid if the worker receives from it.
func DeadLetters(b port.Broker) WorkerOption {
	return workerOption(func(w *workerOptions) error { w.dead, w.noDead = b, false; return nil })
}

// NoDeadLetters lets a worker record dead tasks and then delete them.
func NoDeadLetters() WorkerOption {
	return workerOption(func(w *workerOptions) error { w.dead, w.noDead = nil, true; return nil })
}

// Logger is where a client or worker logs. Payloads are never logged. Default:
// nowhere.
func Logger(l *slog.Logger) SharedOption {
	return func(s *shared) error {
		if l == nil {
			return invalid("Logger(nil): leave the option out to log nothing")
		}
		s.log = l
		return nil
	}
}

// RecordTTL is how long a record lives after its last write: a second to a hundred
// years, DefaultRecordTTL unless set, and longer while a claim of the task lasts.
// Keep it a day over the queue's retention, or a late copy of a finished task can
// run again.
func RecordTTL(d time.Duration) SharedOption {
	return func(s *shared) error {
		if d < time.Second || d > maxSpan {
			return invalid("RecordTTL(%v): give 1s to %v", d, maxSpan)
		}
		s.recordTTL = d
		return nil
	}
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("goflow: %w option %s", ErrInvalid, fmt.Sprintf(format, args...))
}

func newShared() shared {
	return shared{log: slog.New(slog.DiscardHandler), recordTTL: DefaultRecordTTL}
}

func newWorkerOptions(opts []WorkerOption) (workerOptions, error) {
	w := workerOptions{
		shared:           newShared(),
		drain:            DefaultDrain,
		margin:           DefaultMargin,
		unknownTypeGrace: DefaultUnknownTypeGrace,
	}
	var errs []error
	for _, o := range opts {
		errs = append(errs, o.applyWorker(&w))
	}
	if w.dead == nil && !w.noDead {
		errs = append(errs, invalid("DeadLetters is missing: name a dead-letter queue, or pass NoDeadLetters to record dead tasks only"))
	}
	return w, errors.Join(errs...)
}
