// Package check holds the history of a simulation against what GoFlow promises.
package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// Task is what a checker has to know of an errand.
type Task struct {
	N           int
	Named       string // the ID that it was pushed with; empty: the push made one
	Key         string // that it shares with others
	Group       string
	Delay       time.Duration
	TTL         time.Duration // 0: it does not expire
	MaxAttempts int
	Fails       int    // so many attempts, by themselves
	End         string // how a run ends
	Once        bool
	NoResult    bool
	Cancelled   bool // somebody tries to
	Expires     bool
	Kills       bool // it kills its process
	Unknown     bool // no worker has its type
}

// Facts are what the history does not say.
type Facts struct {
	Tasks   map[int]Task // by the errand's number
	Slots   int          // of a worker
	Ordered bool
	Faults  int  // that came
	Drained bool // nothing was left in time
	Left    []string
	Letters map[string]int          // the generation that died, by the tasks in the dead letters
	Rows    map[string]*history.Row // of the table, by ID
	Lease   time.Duration
	Drain   time.Duration // what a worker that stops gives its tasks
}

// Violation is a promise that was broken.
type Violation struct {
	Invariant string
	Text      string
}

// States of a row, as the table has them.
const (
	open = iota
	done
	dead
	cancelled
	expired
)

// run is one of a handler.
type run struct {
	actor, result       string
	attempt, generation int
	began, ended        time.Duration
	over, ok, cut       bool // it returned; well; its process died before
	why                 string
}

// story is the history of one task.
type story struct {
	Task
	id     string
	known  bool // it is one of the errands'
	events []history.Event
	runs   []*run
	sent   []history.Event // into the queue
	pushes []history.Event
}

// History is what happened, task by task.
type History struct {
	facts   Facts
	events  []history.Event
	stories map[string]*story
	order   []*story // as they came
	numbers map[string]int
	pushing map[int]int     // how often each errand was begun to be pushed
	died    map[string]bool // processes
	paused  map[string]bool // processes that stood still
	judged  map[string]int  // how much each invariant was held against
	broken  []Violation
}

// QueueName is what the queue of tasks is called in a history, DeadName the dead letters.
const (
	QueueName = "tasks"
	DeadName  = "dead"
)

// New reads a history.
func New(events []history.Event, facts Facts) *History {
	h := &History{facts: facts, events: events, stories: map[string]*story{}, numbers: map[string]int{}, judged: map[string]int{}, pushing: map[int]int{}, died: map[string]bool{}, paused: map[string]bool{}}
	for i := range events {
		h.number(&events[i])
	}
	running := map[string]map[*run]bool{}
	for _, e := range events {
		if e.Kind == history.Killed {
			for r := range running[e.Actor] {
				r.cut, r.ended = true, e.At
			}
			delete(running, e.Actor)
			h.died[e.Actor] = true
		}
		if e.Kind == history.Paused {
			h.paused[e.Actor] = true
		}
		if e.Task == "" {
			continue
		}
		s := h.story(e.Task)
		s.events = append(s.events, e)
		s.tell(e, running)
	}
	return h
}

// number learns which errand a task is.
func (h *History) number(e *history.Event) {
	n := -1
	switch e.Kind {
	case history.Pushing:
		h.pushing[e.N]++
	case history.Pushed:
		n = e.N
	case history.Began:
		n, _ = strconv.Atoi(e.Text) // the handler wrote it
	case history.Sent:
		var body struct {
			Payload struct {
				N *int `json:"n"`
			} `json:"payload"`
		}
		if json.Unmarshal([]byte(e.Text), &body) == nil && body.Payload.N != nil {
			n = *body.Payload.N
		}
	}
	if n >= 0 && e.Task != "" {
		h.numbers[e.Task] = n
	}
}

func (h *History) story(id string) *story {
	s := h.stories[id]
	if s == nil {
		s = &story{id: id}
		if n, ok := h.numbers[id]; ok {
			s.Task, s.known = h.facts.Tasks[n]
		}
		h.stories[id] = s
		h.order = append(h.order, s)
	}
	return s
}

// tell adds an event to a task's story.
func (s *story) tell(e history.Event, running map[string]map[*run]bool) {
	switch e.Kind {
	case history.Began:
		r := &run{actor: e.Actor, attempt: e.N, generation: e.Generation, began: e.At}
		s.runs = append(s.runs, r)
		if running[e.Actor] == nil {
			running[e.Actor] = map[*run]bool{}
		}
		running[e.Actor][r] = true
	case history.Ended:
		for r := range running[e.Actor] {
			if r.attempt == e.N && r.generation == e.Generation && s.has(r) {
				r.over, r.ended = true, e.At
				r.result, r.ok = strings.CutPrefix(e.Text, "ok: ")
				if !r.ok {
					r.why = e.Text
				}
				r.ok = r.ok && s.endsWell(r)
				delete(running[e.Actor], r)
				break
			}
		}
	case history.Sent:
		if name(e.Actor) == QueueName {
			s.sent = append(s.sent, e)
		}
	case history.Pushed:
		s.pushes = append(s.pushes, e)
	}
}

// mixed tells whether a task that is not Once was pushed again under its ID: the
// first message then takes no claim.
func (s *story) mixed() bool {
	claims := 0
	for _, e := range s.sent {
		if strings.Contains(e.Text, `"once":true`) {
			claims++
		}
	}
	return !s.Once && claims > 0 && claims < len(s.sent)
}

func (s *story) has(r *run) bool {
	return slices.Contains(s.runs, r)
}

// endsWell tells whether a run that was not cut off is a success.
func (s *story) endsWell(r *run) bool {
	return r.generation > 1 || s.End != "panic" && s.End != "goexit"
}

// finishes tells whether an event ends a task whose result nobody keeps.
func (s *story) finishes(e *history.Event) bool {
	_, ok := strings.CutPrefix(e.Text, "ok: ")
	return e.Kind == history.Ended && s.NoResult && ok && s.endsWell(&run{generation: e.Generation})
}

// name is a queue's without its suffix.
func name(queue string) string {
	return strings.TrimSuffix(queue, ".fifo")
}

// breaks notes that a promise was broken.
func (h *History) breaks(invariant, format string, args ...any) {
	h.broken = append(h.broken, Violation{Invariant: invariant, Text: fmt.Sprintf(format, args...)})
}

// Runs is how often a handler ran.
func (h *History) Runs() (n int) {
	for _, s := range h.order {
		n += len(s.runs)
	}
	return n
}

// Tasks is how many tasks there were.
func (h *History) Tasks() (n int) {
	for _, s := range h.order {
		if len(s.sent) > 0 {
			n++
		}
	}
	return n
}
