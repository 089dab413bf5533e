package homes

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Need is what a scenario needs of its home.
type Need struct {
	// Ordered: a queue that keeps order, and so delays nothing.
	Ordered bool
	// Patient: one of its tasks may run for as long as SeesCancelWithin, beside whose
	// tasks nobody else's need run.
	Patient bool
	// Lease is 0 for a home that is at work, and may be one that others use too.
	// Else it is a home of its own, whose leases last that long and which the
	// scenario starts; that is needed only of one that Stops.
	Lease time.Duration
}

// Open returns a home with Register's handlers, a backoff of at most a second and
// no grace for unknown types.
type Open func(t *testing.T, n Need) Home

// Home is a place where handlers run.
type Home struct {
	Client      *goflow.Client
	Queue, Dead port.Broker
	Store       port.Store
	// Start begins work on the queue of h, until stop, which returns what Run did.
	Start func(t *testing.T, h Home, opts ...goflow.WorkerOption) (stop func() error)

	features Features
	ordered  bool
	another  func() Home // like this one
}

// scenario is one thing that every home does alike.
type scenario struct {
	name string
	run  func(t *testing.T, h Home)
	// lease is that of the home that it starts; 0: any home will do.
	lease   time.Duration
	patient bool
}

// Test asks one home everything that all homes do alike, within run: once with a
// standard queue, and once with one that keeps order.
func Test(t *testing.T, run goflowtest.Runner, f Features, open Open) {
	t.Helper()
	for name, ordered := range map[string]bool{"Standard": false, "Ordered": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, s := range scenarios(f, ordered) {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					run(t, func(t *testing.T) {
						need := Need{Ordered: ordered, Patient: s.patient, Lease: s.lease}
						h := open(t, need)
						h.features, h.ordered = f, ordered
						h.another = func() Home { return open(t, need) }
						s.run(t, h)
					})
				})
			}
		})
	}
}

func scenarios(f Features, ordered bool) []scenario {
	all := slices.Concat(endings(), timeouts(), redrives())
	if ordered {
		all = append(all, orders()...)
	} else {
		all = slices.Concat(all, delays(), pushes(), doubts(), waits(), cancels())
		if f.KeepsLeases {
			all = append(all, leases(f)...)
		}
	}
	if f.Stops {
		all = append(all, stops()...)
	}
	if f.SeveralQueues {
		all = append(all, queues(f)...)
	}
	return all
}

// patience is how long a task may take.
func (h Home) patience() time.Duration {
	if h.features.FakeTime {
		return 24 * time.Hour
	}
	return 2 * time.Minute
}

func (h Home) push(t *testing.T, job *goflow.Job[Act, Ran], act Act, opts ...goflow.PushOption) string {
	t.Helper()
	id, err := job.Push(t.Context(), h.Client, act, opts...)
	require.NoError(t, err)
	return id
}

func (h Home) wait(t *testing.T, id string) goflow.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), h.patience())
	defer cancel()
	rec, err := h.Client.Wait(ctx, id)
	require.NoError(t, err)
	return rec
}

// done awaits a task that has to succeed.
func (h Home) done(t *testing.T, id string) (goflow.Record, Ran) {
	t.Helper()
	rec := h.wait(t, id)
	require.Equal(t, task.Done, rec.State, rec.Error)
	var ran Ran
	require.NoError(t, json.Unmarshal(rec.Result, &ran))
	return rec, ran
}

// told waits until a run has told something.
func (h Home) told(t *testing.T, who, what string) (told Told) {
	t.Helper()
	rec := h.wait(t, goflow.IDFrom(who+what))
	require.NoError(t, json.Unmarshal(rec.Result, &told))
	return told
}

// once makes sure that a Sole task did not run again when its copies had their
// time, which is half a lease where one of them meets another.
func (h Home) once(t *testing.T, act Act) {
	t.Helper()
	pause := h.features.SeesCancelWithin + 2*time.Second
	if h.features.FakeTime {
		pause = 10 * time.Minute
	}
	h.done(t, h.push(t, Plain, Act{}, goflow.Delay(pause)))
	rec, err := h.Client.Get(t.Context(), goflow.IDFrom(act.Tell+twice))
	require.NoError(t, err)
	require.Equal(t, task.Unknown, rec.State, errTwice)
}

// eventually waits until f is true.
func (h Home) eventually(t *testing.T, f func() bool, why string) {
	t.Helper()
	require.Eventually(t, f, h.patience(), 10*time.Millisecond, why)
}

// death is how a task has to die.
type death struct {
	attempts        int
	reason, message string
}

// dead awaits a task that has to die, and its dead letter.
func (h Home) dead(t *testing.T, id string, want death) {
	t.Helper()
	rec := h.wait(t, id)
	require.Equal(t, []any{task.Dead, want.attempts, want.reason}, []any{rec.State, rec.Attempts, rec.Reason}, rec.Error)
	require.Contains(t, rec.Error, want.message)
	letters, err := goflow.NewDeadLetterQueue(h.Dead, h.Queue, h.Store)
	require.NoError(t, err)
	h.eventually(t, func() bool {
		for letter, err := range letters.List(t.Context(), goflow.DeadLetterFilter{IDs: []string{id}}) {
			return err == nil && letter.Reason == want.reason
		}
		return false
	}, "no dead letter says why it died")
}
