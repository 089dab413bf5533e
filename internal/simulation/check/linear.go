package check

import (
	"encoding/json"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// patience is how long one task's history may take to be checked.
const patience = 10 * time.Second

// output is what a client read: a generation with its result; empty while there is none.
type output struct {
	generation int
	result     string
}

// register is a task as clients see it: in each generation the first result that
// is written stays, and a read shows the latest.
func register() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return output{} },
		Step: func(state, in, out any) (bool, any) {
			now, _ := state.(output)
			if written, ok := in.(output); ok {
				if now.result == "" || written.generation > now.generation {
					return true, written
				}
				return true, now
			}
			read, _ := out.(output)
			return read == now, now
		},
		Equal: func(a, b any) bool { return a == b },
	}
}

// readsAreLinearizable is I15, for tasks that nobody cancels and that end well.
func (h *History) readsAreLinearizable() {
	for _, s := range h.order {
		operations := s.operations()
		if operations == nil {
			continue
		}
		h.judged["I15"]++
		if porcupine.CheckOperationsTimeout(register(), operations, patience) == porcupine.Illegal {
			h.breaks("I15", "what clients read of task %s is not linearizable", s.id)
		}
	}
}

// operations are the writes and strong reads of a task; nil without reads.
func (s *story) operations() (all []porcupine.Operation) {
	reading := map[string]time.Duration{}
	reads := 0
	for _, e := range s.events {
		switch {
		case e.Kind == history.Reading:
			reading[e.Actor] = e.At
		case e.Kind == history.Read && e.N == 1 && e.Text == "":
			out := output{}
			if e.After.State == done {
				out = output{generation: e.After.Generation, result: resultOf(e.After.Result)}
			} else if e.After.State != open {
				return nil // no run has written that
			}
			all = append(all, porcupine.Operation{ClientId: len(all), Call: int64(reading[e.Actor]), Output: out, Return: int64(e.At)})
			reads++
		}
	}
	if reads == 0 {
		return nil
	}
	stored := s.stored()
	for _, r := range s.runs {
		if r.ok {
			in := output{generation: r.generation, result: r.result}
			end, ok := stored[in]
			if !ok {
				end = 1 << 62 // it may be on its way for ever
			}
			all = append(all, porcupine.Operation{ClientId: len(all), Input: in, Call: int64(r.ended), Return: int64(end)})
		}
	}
	return all
}

// stored is when each result came into the table.
func (s *story) stored() map[output]time.Duration {
	at := map[output]time.Duration{}
	for _, e := range s.events {
		if e.Kind == history.Wrote && e.After.State == done {
			out := output{generation: e.After.Generation, result: resultOf(e.After.Result)}
			if _, again := at[out]; !again {
				at[out] = e.At
			}
		}
	}
	return at
}

// resultOf is the part of a result by which runs differ.
func resultOf(raw string) string {
	var result struct {
		By string `json:"by"`
	}
	if json.Unmarshal([]byte(raw), &result) != nil {
		return raw
	}
	return result.By
}
