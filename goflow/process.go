package goflow

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Processor takes one delivery to its outcome: the one engine of every home.
// It is safe for concurrent use.
type Processor struct {
	mux      *Mux
	store    Store
	opts     workerOptions
	limitsOf func(context.Context) (port.Limits, error)
	hops     *group[port.Message, struct{}] // of messages that are sent on
	flights  *flights
	suspects chan struct{} // holds the place of the one suspect that may run
	stuck    *stuckCount
	cancels  *cancelWatch

	keepsValues bool // the store does, as it is in this process
}

// NewProcessor returns a processor for deliveries of broker b. The errors are
// those of NewWorker.
func NewProcessor(b Broker, s Store, m *Mux, opts ...WorkerOption) (*Processor, error) {
	o, err := newWorkerOptions(opts)
	if err == nil && len(o.queues) > 0 {
		err = invalid("Queues: only a Client and a Worker have further queues")
	}
	if err == nil {
		err = cmp.Or(complete(b, s, m), apart("", o.dead, b), alike("", b, o.dead))
	}
	if err != nil {
		return nil, err
	}
	return newProcessor(b, s, m, o), nil
}

func newProcessor(b Broker, s Store, m *Mux, o workerOptions) *Processor {
	return &Processor{
		keepsValues: inProcess(s),
		mux:         m, store: s, opts: o, limitsOf: limitsOf(b), hops: newHops(b), cancels: newCancelWatch(s),
		flights: &flights{}, suspects: make(chan struct{}, 1), stuck: &stuckCount{},
	}
}

// Process runs a delivery's task and makes its outcome durable; the home then
// only acks, releases or leaves the message. When ctx ends with the cause
// ErrLeaseLost or ErrStopping, the handler's context ends with it. While a task
// runs that can be cancelled, its record is read every 30 seconds.
func (p *Processor) Process(ctx context.Context, d Delivery) Outcome {
	return p.process(ctx, &d, custody{})
}

// process is one delivery from top to bottom: decode, admit, run, settle.
func (p *Processor) process(ctx context.Context, d *Delivery, c custody) Outcome {
	a := &attempt{Processor: p, delivery: d, custody: c}
	if outcome := a.begin(ctx); outcome != nil {
		return *outcome
	}
	heeding, ignore := a.heed(ctx)
	result, err := a.run(heeding)
	cause := context.Cause(heeding)
	ignore() // before it lands: a copy of it may take off then, and be heeded
	return a.conclude(ctx, cause, answer{result, err})
}

// begin is what comes before the run: nil means that it may run, else it is over.
func (a *attempt) begin(ctx context.Context) *Outcome {
	if err := a.open(); err != nil {
		return new(a.freeKey(ctx, a.bury(ctx, reasonMalformed, err)))
	}
	if !a.takeOff() {
		return new(a.release(a.lease(ctx) / 2)) // a copy of it runs here right now
	}
	outcome := a.mayRun(ctx)
	if outcome == nil {
		return nil
	}
	a.land()
	return new(a.freeKey(ctx, *outcome))
}

func (a *attempt) mayRun(ctx context.Context) *Outcome {
	if early := a.early(); early > 0 {
		return new(a.hop(ctx, early))
	}
	if outcome := a.admit(ctx); outcome != nil {
		return outcome
	}
	if !a.hold.lasts() { // it was long on its way to here, and another may run it
		a.handlerReturned()
		return new(a.leaveUnrun(ctx))
	}
	return nil
}

// conclude is what comes after the run, whose context ended with that cause, if it
// did.
func (a *attempt) conclude(ctx context.Context, cause error, r answer) Outcome {
	a.handlerReturned()
	outcome := a.settle(ctx, cause, r)
	a.land()
	return a.freeKey(ctx, outcome)
}

// leaveUnrun takes the mark of a start back to which no run came, where it has a claim:
// others may have marked starts since, and without one it would take theirs.
func (a *attempt) leaveUnrun(ctx context.Context) Outcome {
	if !a.marked || a.rec.Epoch == 0 {
		return Outcome{Action: Leave}
	}
	return Outcome{Action: Leave, Err: a.giveBack(ctx, 0).Err}
}

// attempt is one delivery on its way through the processor.
type attempt struct {
	*Processor
	custody
	delivery *Delivery
	env      *envelope
	local    localValue // a plain push in this process; nil: all is in the envelope
	due      *due       // of a task with a long delay; nil: it may run
	entry    *entry     // nil: unknown type
	policy   policy
	rec      Record // what the store knows, then what it is to know
	number   int    // of this attempt, from 1
	opened   time.Time
	marked   bool // the start is recorded
	suspect  bool // holds the place among suspects
}

// open decodes the message. Whatever is wrong with it, a.rec has the ID and
// generation under which the failure is recorded.
func (a *attempt) open() (err error) {
	if a.opened = a.since; a.opened.IsZero() {
		a.opened = time.Now()
	}
	a.rec = Record{State: task.Open, Generation: 1}
	if a.local, _ = a.delivery.Value.(localValue); a.local != nil {
		a.env, a.rec.ID = a.local.base().env, a.local.base().id
	} else {
		a.env, err = decodeEnvelope(a.delivery)
		a.rec.ID = a.env.taskID(a.delivery)
	}
	if dead := readDeadLetter(a.delivery); dead != nil {
		a.rec.Generation = dead.Generation + 1
	}
	if err == nil {
		err = a.readDue()
	}
	if err != nil {
		return err
	}
	if a.entry = a.mux.lookup(a.env.Type); a.entry != nil {
		a.policy = a.entry.policy
	}
	own, err := a.env.Options.policy()
	a.policy = own.or(a.policy).or(a.opts.policy).or(a.defaultPolicy())
	a.number = 1
	return err
}

// fresh tells whether the delivery can go on unread: nobody has had it before, and no
// record is to be expected. That of a job that is Once is what its claim says, as long
// as nothing else depends on it before.
func (a *attempt) fresh() bool {
	if a.delivery.Receives > 1 || a.rec.Generation > 1 || a.env.Once || a.due != nil {
		return false
	}
	return a.entry == nil || a.entry.once && a.env.TTL == 0 || !a.entry.once && !a.entry.cancellable
}

// once tells whether the run is to be claimed: the job or the push asks for it,
// copies of the message are to be expected, or another copy has been claimed.
func (a *attempt) once() bool {
	return a.entry != nil && a.entry.once || a.env.Once || a.due != nil || a.rec.Epoch > 0
}

// admit decides whether the task may run now: nil means yes.
func (a *attempt) admit(ctx context.Context) *Outcome {
	if !a.fresh() {
		if outcome := a.recall(ctx); outcome != nil {
			return outcome
		}
	}
	switch {
	case a.tooOld():
		return new(a.unrun(ctx, func() Outcome { return a.end(ctx, task.Expired) }))
	case a.entry == nil:
		return new(a.unknown(ctx))
	case a.number > a.policy.maxAttempts:
		return new(a.unrun(ctx, func() Outcome { return a.exhausted(ctx) }))
	}
	return a.secure(ctx)
}

// tooOld tells whether the time to live of a task that has never run is over.
func (a *attempt) tooOld() bool {
	began := a.number > 1 || a.rec.GiveBacks > 0
	sent := a.sentAt()
	return a.env.TTL > 0 && !began && !sent.IsZero() && a.now().Sub(sent) > milliseconds(a.env.TTL)
}

// unrun gives a task an outcome without a run. A copy of one that is Once may be
// running right now, so that takes the claim first.
func (a *attempt) unrun(ctx context.Context, end func() Outcome) Outcome {
	if a.once() {
		if outcome := a.claim(ctx); outcome != nil {
			return *outcome
		}
	}
	return end()
}

// secure takes what the run needs: the place of a suspect, the claim of a job
// that is Once, and the mark of its start.
func (a *attempt) secure(ctx context.Context) *Outcome {
	untraced := a.untraced()
	if untraced && a.suspectsWait && a.suspicious() {
		return &Outcome{Action: Release, postponed: true}
	}
	if untraced && !a.mayRunSuspect(ctx) {
		return new(a.release(a.suspectPause(ctx)))
	}
	if a.once() {
		if outcome := a.secureAlone(ctx); outcome != nil {
			a.clear()
			return outcome
		}
		untraced = a.untraced()
	}
	if untraced {
		return a.mark(ctx)
	}
	return nil
}

// untraced tells whether an earlier receive of the message has left no trace.
func (a *attempt) untraced() bool { return a.delivery.Receives-1 > a.rec.GiveBacks }

// secureAlone claims the run, and looks at what the record says by then: others may
// have been quicker.
func (a *attempt) secureAlone(ctx context.Context) *Outcome {
	if outcome := a.claim(ctx); outcome != nil {
		return outcome
	}
	if a.number > a.policy.maxAttempts {
		return new(a.exhausted(ctx))
	}
	waits := a.suspectsWait && a.suspicious()
	if a.untraced() && !a.suspect && (waits || !a.mayRunSuspect(ctx)) { // it has become one
		return new(a.giveBack(ctx, a.suspectPause(ctx)))
	}
	return nil
}

// recall reads the record and brings the attempt up to what it says.
func (a *attempt) recall(ctx context.Context) *Outcome {
	rec, err := a.load(ctx)
	if err == nil && rec.State == task.Dead && rec.Generation < a.rec.Generation {
		rec, err = a.reopen(ctx, rec)
	}
	switch {
	case err != nil:
		return new(a.cutShort(ctx, err))
	case rec.State == task.Unknown:
		return nil
	case rec.State.Terminal() && rec.Generation == a.rec.Generation:
		return new(a.finished(ctx, rec))
	case rec.State.Terminal(), rec.Generation > a.rec.Generation:
		// It ended otherwise than by death, or a newer message carries it.
		return &Outcome{Action: Ack}
	}
	a.adopt(rec)
	return nil
}

// reopen begins the generation of a redriven message. Another copy of it may
// have been quicker, so the record is read again.
func (a *attempt) reopen(ctx context.Context, rec Record) (Record, error) {
	rec.Expires = a.expires()
	err := retryOne(ctx, func() error { return a.store.Reopen(ctx, []Record{rec}) })
	if err != nil {
		return rec, err
	}
	return a.load(ctx)
}

// cutShort decides after a call before the run that failed. Where a lost lease has ended
// it, or a pool's stop, that is why: the message is left, or may run elsewhere at once,
// or when the claim is over that was perhaps made. Other ends are those of a time that
// was long enough.
func (a *attempt) cutShort(ctx context.Context, err error) Outcome {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, ErrLeaseLost):
		return Outcome{Action: Leave}
	case errors.Is(cause, ErrStopping) && a.until.IsZero():
		return Outcome{Action: Release, interrupted: true}
	}
	return a.trouble(err)
}

// adopt takes over an open record. A crash leaves a start without outcome, and
// each of those counts like a failure.
func (a *attempt) adopt(rec Record) {
	a.rec = rec
	a.rec.State = task.Open
	a.number = rec.Attempts + rec.Starts + 1
}

// claim takes the sole right to run the task, for jobs that are Once.
func (a *attempt) claim(ctx context.Context) *Outcome {
	c := port.Claim{
		ID: a.rec.ID, Generation: a.rec.Generation, Token: rand.Text(),
		For: a.claimTime(ctx),
	}
	life := a.life(c.For)
	var recs []Record
	var start time.Time
	err := retryOne(ctx, func() (err error) {
		start = time.Now()
		c.Expires = start.Add(life)
		recs, err = a.store.Claim(ctx, []port.Claim{c})
		return err
	})
	switch {
	case errors.Is(err, port.ErrFinished):
		return new(a.finished(ctx, recs[0]))
	case errors.Is(err, port.ErrClaimed):
		return new(a.release(a.lease(ctx) / 2))
	case err != nil:
		return new(a.cutShort(ctx, err))
	}
	a.adopt(recs[0])
	c.Epoch = a.rec.Epoch
	if !a.hold.keepClaim(c, start) {
		return new(a.release(a.lease(ctx) / 2)) // another may have taken it by now
	}
	return nil
}

// mark records the start before the handler runs, because an earlier receive
// left no trace: perhaps the task killed its process.
func (a *attempt) mark(ctx context.Context) *Outcome {
	a.rec.Starts++
	epoch := a.rec.Epoch
	a.rec.Expires = a.expires()
	if epoch > 0 {
		a.rec.Expires = time.Now().Add(a.life(a.claimTime(ctx)))
	}
	a.rec.Epoch = 0 // a save that names its epoch would end the claim
	err := a.write(ctx)
	a.rec.Epoch = epoch
	if err != nil {
		a.clear()
		return new(a.unsaved(ctx, err))
	}
	a.marked = true
	return nil
}
