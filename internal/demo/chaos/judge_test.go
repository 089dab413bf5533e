package chaos_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/demo/chaos"
)

// at is a moment, in seconds from the beginning.
func at(seconds float64) time.Time {
	return time.Unix(0, 0).Add(time.Duration(seconds * float64(time.Second)))
}

// entry is a line of the one task's journal; the run is named after the worker.
func entry(seconds float64, worker int, what string) chaos.Entry {
	return chaos.Entry{At: at(seconds), Worker: worker, Task: "task", Run: string(rune('a' + worker)), What: what}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const began, effect, ended, stored = chaos.Began, chaos.Effect, chaos.Ended, chaos.Stored
	second := []chaos.Entry{entry(5, 2, began), entry(6, 2, effect), entry(6, 2, ended), entry(6.1, 2, stored)}
	for name, c := range map[string]struct {
		before  []chaos.Entry
		lives   map[int]*chaos.Life
		seen    float64 // 0: by nobody
		twice   string
		allowed [3]int // effects of killed and stopped processes, and of others
	}{
		"run once": {},
		"failed and run again": {
			before: []chaos.Entry{entry(1, 1, began), entry(2, 1, ended)},
		},
		"stored and run again": {
			before:  []chaos.Entry{entry(1, 1, began), entry(2, 1, effect), entry(2, 1, ended), entry(2.1, 1, stored)},
			twice:   "run c of worker 2 began 2.9s after the result of run b was stored",
			allowed: [3]int{2: 1},
		},
		"read by a producer and run again": {
			before:  []chaos.Entry{entry(1, 1, began), entry(2, 1, effect), entry(2, 1, ended)},
			seen:    4,
			twice:   "began 1s after the result",
			allowed: [3]int{2: 1},
		},
		"run beside itself": {
			before: []chaos.Entry{entry(1, 1, began), entry(5.5, 1, ended)},
			twice:  "run b of worker 1 and run c of worker 2 overlap for 500ms",
		},
		"run beside one that never ended": {
			before: []chaos.Entry{entry(1, 1, began)},
			twice:  "overlap for 1s",
		},
		"killed before it was stored": {
			before:  []chaos.Entry{entry(1, 1, began), entry(2, 1, effect)},
			lives:   map[int]*chaos.Life{1: {Killed: at(2.5)}},
			allowed: [3]int{0: 1},
		},
		"killed much later": {
			before:  []chaos.Entry{entry(1, 1, began), entry(1.5, 1, effect), entry(1.5, 1, ended)},
			lives:   map[int]*chaos.Life{1: {Killed: at(4.5)}},
			allowed: [3]int{2: 1},
		},
		"killed while the other ran": {
			before: []chaos.Entry{entry(1, 1, began)},
			lives:  map[int]*chaos.Life{1: {Killed: at(5.25)}},
			twice:  "overlap for 250ms",
		},
		"stopped, and cut off in its grace": {
			before:  []chaos.Entry{entry(1, 1, began), entry(5.5, 1, effect), entry(5.5, 1, ended)},
			lives:   map[int]*chaos.Life{1: {Stops: []chaos.Span{{From: at(1.5), To: at(5.2)}}}},
			allowed: [3]int{1: 1},
		},
		"stopped, and still running after its grace": {
			before: []chaos.Entry{entry(1, 1, began), entry(5.75, 1, ended)},
			lives:  map[int]*chaos.Life{1: {Stops: []chaos.Span{{From: at(1.5), To: at(4.5)}}}},
			twice:  "overlap for 250ms",
		},
		"run beside itself before it was stopped": {
			before: []chaos.Entry{entry(1, 1, began), entry(9, 1, ended)},
			lives:  map[int]*chaos.Life{1: {Stops: []chaos.Span{{From: at(5.125), To: at(8)}}}},
			twice:  "overlap for 125ms",
		},
		"began as soon as it was continued": {
			before:  []chaos.Entry{entry(1, 1, began), entry(2, 1, effect), entry(2, 1, ended), entry(2.1, 1, stored)},
			lives:   map[int]*chaos.Life{2: {Stops: []chaos.Span{{From: at(2), To: at(4.5)}}}},
			allowed: [3]int{1: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			full := chaos.Case{
				Entries: append(c.before, second...), Lives: c.lives,
				Once: map[string]bool{"task": true}, Seen: map[string]time.Time{},
			}
			if c.seen > 0 {
				full.Seen["task"] = at(c.seen)
			}
			got := chaos.Judge(full)
			if c.twice == "" {
				require.Empty(t, got.Twice)
			}
			require.Contains(t, got.Twice["task"], c.twice)
			require.Equal(t, c.allowed, [3]int{got.Killed, got.Stopped, got.Other})
			full.Once = nil
			require.Empty(t, chaos.Judge(full).Twice, "a task that is not Once promises nothing")
		})
	}
}

// TestJobsWriteDownWhatTheyDo runs a task that fails once, in memory.
func TestJobsWriteDownWhatTheyDo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	none, err := chaos.Read(path)
	require.NoError(t, err)
	require.Empty(t, none)
	journal, err := chaos.Open(path, 7)
	require.NoError(t, err)
	queue, store, mux := memory.NewBroker(), memory.NewStore(), goflow.NewMux()
	chaos.Register(mux, journal)
	worker, err := goflow.NewWorker(queue, journal.Store(store), mux, goflow.NoDeadLetters(),
		goflow.Backoff(time.Millisecond, time.Millisecond))
	require.NoError(t, err)
	client, err := goflow.NewClient(queue, store)
	require.NoError(t, err)
	id, err := client.Push(t.Context(), chaos.OnceType, []byte(`{"for":1000,"fail":1}`))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(t.Context()) }()
	rec, err := client.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, task.Done, rec.State)
	queue.Close()
	require.NoError(t, <-ended)
	require.NoError(t, journal.Close())

	entries, err := chaos.Read(path)
	require.NoError(t, err)
	var steps, runs []string
	for _, e := range entries {
		require.Equal(t, id, e.Task)
		require.Equal(t, 7, e.Worker)
		if e.What != chaos.Call {
			steps, runs = append(steps, e.What), append(runs, e.Run)
		}
	}
	require.Equal(t, []string{chaos.Began, chaos.Ended, chaos.Began, chaos.Effect, chaos.Ended, chaos.Stored}, steps)
	require.Contains(t, string(rec.Result), runs[len(runs)-1])
}
