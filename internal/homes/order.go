package homes

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// orders are about queues that keep order.
func orders() []scenario {
	return []scenario{
		{name: "RetryHoldsUpItsGroupAndNoOther", run: func(t *testing.T, h Home) {
			a := h.steps(t, Act{FailUntil: 2, After: 5}, Act{}, Act{})
			b := h.steps(t, Act{}, Act{})
			ranA, ranB := h.inOrder(t, a), h.inOrder(t, b)
			require.Equal(t, 2, ranA[0].Attempt)
			require.True(t, ranB[1].Began.Before(ranA[0].Began), "the other group waited")
		}},
		{name: "LongTaskHoldsUpItsGroupAndNoOther", run: func(t *testing.T, h Home) {
			const long = 1500 * time.Millisecond
			a := h.steps(t, Act{Millis: int(long / time.Millisecond)}, Act{})
			b := h.steps(t, Act{})
			ranA, ranB := h.inOrder(t, a), h.inOrder(t, b)
			require.GreaterOrEqual(t, ranA[1].Began.Sub(ranA[0].Began), long)
			if h.features.GroupsSideBySide {
				require.True(t, ranB[0].Began.Before(ranA[1].Began), "the other group waited")
			}
		}},
		{name: "DeadTaskLetsItsGroupGoOn", run: func(t *testing.T, h Home) {
			ids := h.steps(t, Act{MendedIn: 9}, Act{}, Act{MendedIn: 9}, Act{})
			h.inOrder(t, []string{ids[1], ids[3]})
			for _, id := range []string{ids[0], ids[2]} {
				h.dead(t, id, death{1, "permanent", errBad.Error()})
			}
		}},
		{name: "OrderHoldsWhateverFails", run: orderHolds},
	}
}

func orderHolds(t *testing.T, h Home) {
	t.Helper()
	var groups [3][]string
	for i := range groups {
		var acts []Act
		for n := range 12 {
			acts = append(acts, []Act{{}, {FailUntil: 2 + i%2, After: 1}, {MendedIn: 9}, {FailUntil: 2}}[n%4])
		}
		groups[i] = h.steps(t, acts...)
	}
	for _, ids := range groups {
		var lasting []string
		for n, id := range ids {
			if n%4 != 2 {
				lasting = append(lasting, id)
				continue
			}
			require.Equal(t, task.Dead, h.wait(t, id).State)
		}
		h.inOrder(t, lasting)
	}
}

// group makes tasks of one group that nobody else has, where there is order.
func (h Home) group() []goflow.PushOption {
	if !h.ordered {
		return nil
	}
	return []goflow.PushOption{goflow.Group(rand.Text())}
}

// steps pushes the tasks of a group.
func (h Home) steps(t *testing.T, acts ...Act) (ids []string) {
	t.Helper()
	group := h.group()
	for _, act := range acts {
		ids = append(ids, h.push(t, Plain, act, group...))
	}
	return ids
}

// inOrder awaits the runs in which tasks succeeded: none began before the one
// before it.
func (h Home) inOrder(t *testing.T, ids []string) (runs []Ran) {
	t.Helper()
	var times []time.Time
	for _, id := range ids {
		_, ran := h.done(t, id)
		runs, times = append(runs, ran), append(times, ran.Began)
	}
	require.True(t, slices.IsSortedFunc(times, time.Time.Compare), "they ran at %v", times)
	return runs
}
