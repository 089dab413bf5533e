package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// deadTime bounds the wait for the next dead letter.
const deadTime = 20 * time.Second

// deadLetters receives the dead letters until all tasks that had to die are
// among them and no more come. One task may have sent several.
func (w world) deadLetters(ctx context.Context, tasks []*expectation) (map[string]bool, error) {
	search := newSearch(tasks, w.shared)
	into := make([]port.Delivery, port.MaxMessages)
	for deadline := time.Now().Add(deadTime); time.Now().Before(deadline); {
		n, err := w.dead.Receive(ctx, into)
		if err != nil {
			return search.found, err
		}
		own, news := search.sort(into[:n])
		if len(own) > 0 {
			if err := w.dead.Ack(ctx, own); err != nil {
				return search.found, err
			}
		}
		switch {
		case news:
			deadline = time.Now().Add(deadTime)
		case len(own) == 0 && search.complete():
			return search.found, nil
		}
	}
	return search.found, nil
}

// search is what is known of the dead letters.
type search struct {
	pushed   map[string]bool // by task; true: it had to die
	shared   bool
	found    map[string]bool // by task
	messages map[string]bool // by message
}

func newSearch(tasks []*expectation, shared bool) *search {
	s := &search{pushed: map[string]bool{}, shared: shared, found: map[string]bool{}, messages: map[string]bool{}}
	for _, e := range tasks {
		if e.id != "" {
			s.pushed[e.id] = e.state == task.Dead
		}
	}
	return s
}

// sort returns the demo's own among the dead letters, and whether any of all
// has not been seen before. In a shared queue the others are not touched: they
// come back when their leases end.
func (s *search) sort(ds []port.Delivery) (own []port.Delivery, news bool) {
	for _, d := range ds {
		news = news || !s.messages[d.ID]
		s.messages[d.ID] = true
		var note struct {
			ID string `json:"id"`
		}
		err := json.Unmarshal([]byte(d.Attributes["goflow-dead"]), &note)
		if _, ours := s.pushed[note.ID]; s.shared && !ours {
			continue
		}
		own = append(own, d)
		if err == nil {
			s.found[note.ID] = true
		}
	}
	return own, news
}

// complete tells whether every task that had to die is among the dead letters.
func (s *search) complete() bool {
	for id, doomed := range s.pushed {
		if doomed && !s.found[id] {
			return false
		}
	}
	return true
}
