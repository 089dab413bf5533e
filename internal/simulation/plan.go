package simulation

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/simulation/check"
)

// Args is the payload of every task: what its handler does.
type Args struct {
	N    int           `json:"n"`              // of the errand
	Run  time.Duration `json:"run"`            // how long it takes
	Fail int           `json:"fail,omitempty"` // so many attempts of the first generation fail
	End  string        `json:"end,omitempty"`  // how the run ends; empty: well
}

// How a run can end.
const (
	endPermanent = "permanent"
	endPanic     = "panic"
	endGoexit    = "goexit"
	endDie       = "die"   // it kills its process
	endDeaf      = "deaf"  // it does not heed the end of its context
	endLater     = "later" // RetryAfter
	endSnooze    = "snooze"
	endLarge     = "large" // its result is more than a record holds
	endNever     = "never" // its result cannot be encoded
)

// Names of the jobs.
const (
	jobPlain       = "sim.plain"
	jobOnce        = "sim.once"
	jobCancellable = "sim.cancellable"
	jobNoResult    = "sim.noresult"
	jobUnknown     = "sim.unknown" // no worker has it
)

// What the jobs say of themselves.
const (
	maxAttempts  = 3
	runTimeout   = 15 * time.Second
	backoffBase  = 200 * time.Millisecond
	backoffCap   = 4 * time.Second
	snoozes      = 2
	retryAfter   = 3 * time.Second
	unknownGrace = 20 * time.Second
)

// errand is a task, and what is done to it besides.
type errand struct {
	job      string
	args     Args
	raw      string // the body of a message by hand, which nobody can read
	after    time.Duration
	cancel   time.Duration // after its push; 0: never
	reads    []time.Duration
	wait     bool
	twin     bool // twice in one push
	stubborn bool // pushed again when its push failed
	opts     []goflow.PushOption
	facts    check.Task
}

// newErrand draws the nth errand.
func newErrand(r *rand.Rand, n int, c *Config) *errand {
	e := &errand{
		job: jobPlain, args: Args{N: n, Run: time.Duration(r.Int64N(int64(300 * time.Millisecond)))},
		after: time.Duration(r.Int64N(int64(c.Storm * 2 / 3))), stubborn: r.IntN(2) == 0, wait: r.IntN(4) == 0,
	}
	e.job = []string{jobPlain, jobPlain, jobOnce, jobOnce, jobCancellable, jobNoResult}[r.IntN(6)]
	kinds := kinds()
	kinds[r.IntN(len(kinds))](r, e, c)
	if e.job == jobNoResult {
		e.wait = false
	}
	if !e.wait && e.job != jobNoResult {
		for range r.IntN(4) {
			e.reads = append(e.reads, time.Duration(r.Int64N(int64(c.Storm))))
		}
	}
	if c.Ordered && e.raw == "" {
		e.facts.Group = []string{"a", "b", "c"}[r.IntN(3)]
		e.opts = append(e.opts, goflow.Group(e.facts.Group))
	}
	e.facts.N, e.facts.MaxAttempts = n, maxAttempts
	e.facts.Once = e.facts.Once || e.job == jobOnce
	e.facts.NoResult = e.job == jobNoResult
	e.facts.Kills = e.args.End == endDie
	e.facts.Unknown = e.job == jobUnknown
	e.facts.Fails, e.facts.End = e.args.Fail, e.args.End
	return e
}

// kinds are what an errand can be like. What is listed twice comes twice as often.
func kinds() []func(*rand.Rand, *errand, *Config) {
	usual := func(*rand.Rand, *errand, *Config) {}
	long := func(r *rand.Rand, e *errand, c *Config) { // needs its lease extended
		e.args.Run = c.Lease/2 + time.Duration(r.Int64N(int64(c.Lease)))
	}
	ends := func(end string) func(*rand.Rand, *errand, *Config) {
		return func(_ *rand.Rand, e *errand, _ *Config) { e.args.End = end }
	}
	return []func(*rand.Rand, *errand, *Config){
		usual, usual, usual, usual, usual, usual, usual, usual, long, long,
		func(_ *rand.Rand, e *errand, _ *Config) { e.args.Fail = 1 },
		func(_ *rand.Rand, e *errand, _ *Config) { e.args.Fail = 1 },
		func(_ *rand.Rand, e *errand, _ *Config) { e.args.Fail = maxAttempts },
		func(_ *rand.Rand, e *errand, _ *Config) { e.args.Fail = maxAttempts },
		ends(endPermanent), ends(endPanic), ends(endGoexit), ends(endLater), ends(endSnooze), ends(endNever),
		func(r *rand.Rand, e *errand, c *Config) {
			if r.IntN(2) == 0 {
				e.args.End = endDie
			}
		},
		func(_ *rand.Rand, e *errand, _ *Config) {
			if e.job != jobOnce { // a deaf one keeps its claim until it returns
				e.args.End = endDeaf
			}
		},
		func(r *rand.Rand, e *errand, _ *Config) {
			if r.IntN(8) == 0 { // half a megabyte takes its time
				e.args.End = endLarge
			}
		},
		delayed, delayed, farOff, farOff, named, named, shared, shared, shared, cancelled, cancelled, expiring, tracked,
		func(_ *rand.Rand, e *errand, _ *Config) { e.job = jobUnknown },
		func(r *rand.Rand, e *errand, _ *Config) {
			e.job, e.wait = "", false
			e.raw = []string{`{"v":1`, `{"v":9,"type":"sim.plain"}`, "no JSON at all", `{"v":1,"type":""}`}[r.IntN(4)] + strings.Repeat(" ", e.args.N)
		},
	}
}

func delayed(r *rand.Rand, e *errand, c *Config) {
	if c.Ordered { // such a queue takes no delays
		return
	}
	e.facts.Delay = time.Duration(1+r.IntN(20)) * time.Second
	e.opts = append(e.opts, goflow.Delay(e.facts.Delay))
}

// farOff is beyond what SQS delays, in some seeds: time is not free.
func farOff(r *rand.Rand, e *errand, c *Config) {
	if c.Ordered || !c.Far {
		return
	}
	e.facts.Delay, e.facts.Once = 15*time.Minute+time.Duration(r.IntN(600))*time.Second, true
	e.opts = append(e.opts, goflow.Delay(e.facts.Delay))
}

// named has an ID of its own, and is pushed again under it.
func named(r *rand.Rand, e *errand, _ *Config) {
	e.facts.Once, e.stubborn = true, true
	e.facts.Named = uuid(r)
	if e.twin = r.IntN(2) == 0; !e.twin {
		e.opts = append(e.opts, goflow.ID(e.facts.Named))
	}
}

// shared has a key that others of its type have, too, and takes long enough for them
// to come meanwhile.
func shared(r *rand.Rand, e *errand, _ *Config) {
	e.job = []string{jobPlain, jobOnce}[r.IntN(2)]
	e.facts.Key = e.job // one key a type: so few tasks would seldom meet at more
	e.args.Run += time.Duration(r.Int64N(int64(4 * time.Second)))
	e.args.Fail = r.IntN(2)
	e.opts = append(e.opts, goflow.Unique(e.facts.Key, time.Hour))
}

func cancelled(r *rand.Rand, e *errand, c *Config) {
	e.cancel = time.Duration(1 + r.Int64N(int64(c.Lease)))
	e.facts.Cancelled = true
	if r.IntN(2) == 0 {
		e.args.Fail = 2
	} else {
		e.args.Run = time.Duration(1 + r.Int64N(int64(runTimeout)))
	}
}

func expiring(r *rand.Rand, e *errand, _ *Config) {
	e.facts.Expires, e.facts.TTL = true, time.Duration(10+r.IntN(3000))*time.Millisecond
	e.opts = append(e.opts, goflow.ExpiresIn(e.facts.TTL))
}

func tracked(_ *rand.Rand, e *errand, _ *Config) {
	if e.job != jobNoResult {
		e.opts = append(e.opts, goflow.Track())
	}
}
