package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/handlers"
)

// expectation is a task, how it has to end, and under which ID it was pushed.
type expectation struct {
	kind     string // what the table calls it
	taskType string
	payload  json.RawMessage
	state    task.State
	runs     int             // attempts, the success included
	result   json.RawMessage // of a task that succeeds
	id       string
	how      pushed
}

// unknownType has no handler anywhere.
const unknownType = "sample.unknown"

// plan returns 200 tasks of all sample types, in turns, so that each kind is
// under way at any time.
func plan(site string) []*expectation {
	kinds := [][]*expectation{
		repeat(60, echoTask), repeat(30, hashTask),
		repeat(24, func(i int) *expectation {
			body := fmt.Sprintf("page %d", i)
			report := handlers.FetchReport{Status: 200, Bytes: int64(len(body))}
			return doomed("fetch", handlers.Fetch.Name(), 1, handlers.FetchArgs{URL: fmt.Sprintf("%s/ok/%d", site, i)}).returning(report)
		}),
		repeat(4, func(int) *expectation {
			return doomed("fetch 404", handlers.Fetch.Name(), 1, handlers.FetchArgs{URL: site + "/missing"})
		}),
		repeat(2, func(int) *expectation {
			return doomed("fetch 503", handlers.Fetch.Name(), attempts, handlers.FetchArgs{URL: site + "/broken"})
		}),
		repeat(40, flakyTask),
		repeat(5, func(int) *expectation {
			return doomed("flaky, too often", handlers.Flaky.Name(), attempts, handlers.FlakyArgs{Fail: attempts})
		}),
		repeat(15, func(i int) *expectation {
			return doomed("fail", handlers.Fail.Name(), 1, handlers.FailArgs{Message: fmt.Sprintf("failure %d", i)})
		}),
		repeat(10, func(int) *expectation {
			return doomed("panic", handlers.Panic.Name(), attempts, handlers.FailArgs{})
		}),
		repeat(10, func(i int) *expectation { return doomed("unknown type", unknownType, 0, i) }),
	}
	return inTurns(kinds)
}

func repeat(n int, make1 func(i int) *expectation) []*expectation {
	tasks := make([]*expectation, n)
	for i := range tasks {
		tasks[i] = make1(i)
	}
	return tasks
}

func inTurns(kinds [][]*expectation) (all []*expectation) {
	for round := 0; ; round++ {
		before := len(all)
		for _, kind := range kinds {
			if round < len(kind) {
				all = append(all, kind[round])
			}
		}
		if len(all) == before {
			return all
		}
	}
}

// echoTask takes turns through all that JSON can be.
func echoTask(i int) *expectation {
	values := []any{
		map[string]any{"n": i, "nested": map[string]any{"list": []int{1, 2, 3}}},
		[]any{i, "two", nil, true},
		fmt.Sprintf("text %d ✓ <&>", i), i, -0.5, true, nil,
	}
	value := values[i%len(values)]
	return doomed("echo", handlers.Echo.Name(), 1, value).returning(value)
}

func hashTask(i int) *expectation {
	const rounds = 1000
	text := fmt.Sprintf("text %d", i)
	sum := sha256.Sum256([]byte(text))
	for range rounds - 1 {
		sum = sha256.Sum256(sum[:])
	}
	report := handlers.HashReport{SHA256: hex.EncodeToString(sum[:]), Rounds: rounds}
	return doomed("hash", handlers.Hash.Name(), 1, handlers.HashArgs{Text: text, Rounds: rounds}).returning(report)
}

func flakyTask(i int) *expectation {
	fails := i % 4
	return doomed(fmt.Sprintf("flaky, fails %d", fails), handlers.Flaky.Name(), fails+1, handlers.FlakyArgs{Fail: fails}).
		returning(handlers.FlakyReport{Attempt: fails + 1})
}

// doomed is a task that ends dead.
func doomed(kind, taskType string, runs int, payload any) *expectation {
	return &expectation{kind: kind, taskType: taskType, payload: encode(payload), state: task.Dead, runs: runs}
}

// returning makes it a task that succeeds with this result.
func (e *expectation) returning(result any) *expectation {
	e.state, e.result = task.Done, encode(result)
	return e
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // the plan is made of what JSON can be
	}
	return raw
}
