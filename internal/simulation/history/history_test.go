package history_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// TestEventsAreInOneOrder whatever order goroutines write them down in: by time, then
// by what they are. What is alike in all that stays as it was written.
func TestEventsAreInOneOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := history.NewLog()
		within := []history.Event{
			{Actor: "a", Kind: history.Began},
			{Actor: "a", Kind: history.Wrote, Task: "1"},
			{Actor: "a", Kind: history.Wrote, Task: "2", N: 1},
			{Actor: "a", Kind: history.Wrote, Task: "2", N: 2, Text: "x"},
			{Actor: "a", Kind: history.Wrote, Task: "2", N: 2, Text: "y"},
			{Actor: "b", Kind: history.Began, Generation: 2},
			{Actor: "b", Kind: history.Began, Generation: 1},
		}
		log.Add(within[5])
		log.Add(within[6])
		for i := range within[:5] {
			log.Add(within[4-i])
		}
		time.Sleep(time.Second)
		log.Add(history.Event{Actor: "a", Kind: history.Began, Task: "later"})
		require.Equal(t, time.Second, log.Now())
		got := log.Events()
		require.Equal(t, within, got[:len(within)])
		require.Equal(t, time.Second, got[len(within)].At)
		require.Equal(t, got, log.Events(), "asked again")
	})
}

// TestEventText: two histories are compared by their lines, so all of an event is in
// them.
func TestEventText(t *testing.T) {
	t.Parallel()
	full := history.Event{
		At: 1500 * time.Millisecond, Actor: "worker-1", Kind: history.Wrote, Task: "task", N: 3, Generation: 2, Text: "why",
		Before: &history.Row{State: 1}, After: &history.Row{State: 2, Generation: 3, Attempts: 4, GiveBacks: 5, Starts: 6, Epoch: 7, Reason: "r", Result: "s"},
		Ends: time.Second, Expires: time.Minute,
	}
	require.Equal(t, "   1.500000000s worker-1     wrote     task #3 generation 2 why"+
		" from {State:1 Generation:0 Attempts:0 GiveBacks:0 Starts:0 Epoch:0 Reason: Result:}"+
		" to {State:2 Generation:3 Attempts:4 GiveBacks:5 Starts:6 Epoch:7 Reason:r Result:s} claimed for 1s expires in 1m0s", full.String())
	require.Equal(t, "   0.000000000s a            started  ", (&history.Event{Actor: "a", Kind: history.Started}).String())
}
