package main

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/demo/chaos"
)

func TestBadChaosFlags(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"-chaos: it has workers of its own": {"-chaos", "-memory"},
		"-seed 5: only -chaos is random":    {"-seed", "5"},
		"they are of -chaos":                {"-tasks", "500"},
		"-frozen: they are of -chaos":       {"-frozen"},
		"each has emulators of its own":     {"-chaos", "-faults", "-frozen"},
		"-tasks 99: give 100 to 100000":     {"-chaos", "-tasks", "99"},
	} {
		require.ErrorContains(t, run(t.Context(), args, io.Discard), want)
	}
}

func TestSeedDecidesTheChaosPlan(t *testing.T) {
	t.Parallel()
	planned := func(seed uint64) (all []order) {
		for _, e := range chaosPlan("http://127.0.0.1", newLottery(seed, 0), 2000) {
			all = append(all, order{Type: e.taskType, Payload: e.payload, pushed: e.how})
		}
		return all
	}
	require.Len(t, planned(1), 2000)
	require.Equal(t, planned(1), planned(1))
	require.NotEqual(t, planned(1), planned(2))
}

// calmStorm is a storm in which every task was pushed and nothing went wrong.
func calmStorm(out io.Writer) (*storm, found, []chaos.Entry) {
	s := &storm{
		demo:    &demo{out: out},
		errands: chaosPlan("http://127.0.0.1", newLottery(1, 0), 2000),
		fleet:   &fleet{lives: map[int]*chaos.Life{1: {}}},
	}
	f := found{records: map[string]goflow.Record{}, dead: map[string]bool{}}
	var entries []chaos.Entry
	for i, e := range s.errands {
		s.tasks = append(s.tasks, e.expectation)
		e.id = "00000000-03e8-7000-8000-" + string(encode(100000000000+i)) // pushed in the second 1
		rec := goflow.Record{ID: e.id, State: e.state, Result: e.result}
		switch {
		case e.state == task.Dead:
			f.dead[e.id] = true
		case e.cancel && e.how.Delay > 0:
			e.state, e.cancelled, rec.State = task.Cancelled, time.Unix(2, 0), task.Cancelled
		case e.holds != nil:
			rec.Result = json.RawMessage(`{"attempt":9}`)
		case e.result == nil || string(e.result) == "null" && e.taskType != "sample.echo":
			entries = append(entries, ran(e, 30, chaos.Began), ran(e, 31, chaos.Effect), ran(e, 31, chaos.Ended), ran(e, 32, chaos.Stored))
			rec.Result = encode(chaos.Report{Run: "run of " + e.id})
		}
		f.records[e.id] = rec
	}
	return s, f, entries
}

func ran(e *errand, second int64, what string) chaos.Entry {
	return chaos.Entry{At: time.Unix(second, 0), Worker: 1, Task: e.id, Run: "run of " + e.id, What: what}
}

func (s *storm) first(kind string) *errand {
	for _, e := range s.errands {
		if e.kind == kind {
			return e
		}
	}
	return nil
}

func TestChaosReportSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	const lost, twice = "lost=1 once_twice=0\n", "lost=0 once_twice=1\n"
	for name, c := range map[string]struct {
		spoil func(s *storm, f *found, entries *[]chaos.Entry)
		want  string // the end of the last line; "": all is well
		why   string
	}{
		"nothing": {spoil: func(*storm, *found, *[]chaos.Entry) {}},
		"not finished": {want: lost, why: "echo: unknown, not done", spoil: func(s *storm, f *found, _ *[]chaos.Entry) {
			delete(f.records, s.first("echo").id)
		}},
		"another result": {want: lost, why: "hash: result {}", spoil: func(s *storm, f *found, _ *[]chaos.Entry) {
			id := s.first("hash").id
			f.records[id] = goflow.Record{ID: id, State: task.Done, Result: []byte("{}")}
		}},
		"flaky too early": {want: lost, why: "flaky, fails 2: result", spoil: func(s *storm, f *found, _ *[]chaos.Entry) {
			id := s.first("flaky, fails 2").id
			f.records[id] = goflow.Record{ID: id, State: task.Done, Result: []byte(`{"attempt":2}`)}
		}},
		"result of no run": {want: lost, why: "long: result", spoil: func(s *storm, f *found, _ *[]chaos.Entry) {
			id := s.first("long").id
			f.records[id] = goflow.Record{ID: id, State: task.Done, Result: []byte(`{"run":"another"}`)}
		}},
		"before its delay": {want: lost, why: "delayed: ran", spoil: func(s *storm, _ *found, entries *[]chaos.Entry) {
			*entries = append(*entries, ran(s.first("delayed"), 1, chaos.Began))
		}},
		"run though cancelled": {want: lost, why: "before it was due, and ran", spoil: func(s *storm, _ *found, entries *[]chaos.Entry) {
			*entries = append(*entries, ran(s.first("cancelled before it is due, copied"), 40, chaos.Began))
		}},
		"left in the queue": {want: lost, spoil: func(_ *storm, f *found, _ *[]chaos.Entry) { f.left = 1 }},
		"no dead letter": {want: "lost=0 once_twice=0\n", why: "1 missing", spoil: func(s *storm, f *found, _ *[]chaos.Entry) {
			delete(f.dead, s.first("panic").id)
		}},
		"run again": {want: twice, why: "began 8s after the result", spoil: func(s *storm, _ *found, entries *[]chaos.Entry) {
			again := ran(s.first("once, long"), 40, chaos.Began)
			again.Run = "again"
			*entries = append(*entries, again)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			s, f, entries := calmStorm(&out)
			c.spoil(s, &f, &entries)
			err := s.reportChaos(f, entries)
			if c.want == "" {
				require.NoError(t, err, out.String())
				require.Regexp(t, `\ndemo: pushed=2000 succeeded=1720 failed=280 lost=0 once_twice=0\n$`, out.String())
				return
			}
			require.ErrorIs(t, err, errNotAsExpected)
			require.Regexp(t, `\ndemo: pushed=2000 .*`+c.want+`$`, out.String())
			require.Contains(t, out.String(), c.why)
		})
	}
}
