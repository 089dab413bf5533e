package check_test

import (
	"fmt"
	"strconv"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/simulation/check"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// How a row can be.
const (
	open = iota
	done
	dead
	cancelled
	expired
)

// Two processes that work.
const (
	ann = "worker-0.1"
	ben = "worker-1.1"
)

// tale is a history that a test tells event by event, one a second. What the end of
// the world looks like follows from it.
type tale struct {
	events []history.Event
	facts  check.Facts
	n      int // the errand that it is about
	rows   map[string]*history.Row
	runs   map[string]history.Event // the last of each process
	now    time.Duration
}

func newTale() *tale {
	one := check.Task{N: 1, MaxAttempts: 3}
	return &tale{
		n: 1, rows: map[string]*history.Row{}, runs: map[string]history.Event{},
		facts: check.Facts{
			Tasks: map[int]check.Task{1: one}, Slots: 2, Faults: 1, Drained: true,
			Lease: 10 * time.Second, Drain: 5 * time.Second,
			Letters: map[string]int{}, Rows: map[string]*history.Row{},
		},
	}
}

// about changes what is known of the errand, which is a new one after the first.
func (s *tale) about(n int, change func(*check.Task)) {
	s.n = n
	t := check.Task{N: n, MaxAttempts: 3}
	if known, ok := s.facts.Tasks[n]; ok {
		t = known
	}
	change(&t)
	s.facts.Tasks[n] = t
}

// on goes over to an errand like any other.
func (s *tale) on(n int) { s.about(n, func(*check.Task) {}) }

func (s *tale) id() string { return "task-" + strconv.Itoa(s.n) }

// turn is which of its kind an event is.
type turn struct{ n, generation int }

func (s *tale) add(e history.Event) {
	s.now += time.Second
	e.At = s.now
	s.events = append(s.events, e)
}

func (s *tale) of(actor string, kind history.Kind, at turn, text string) {
	s.add(history.Event{Actor: actor, Kind: kind, Task: s.id(), N: at.n, Generation: at.generation, Text: text})
}

func (s *tale) pushing() { s.add(history.Event{Actor: "client-1.1", Kind: history.Pushing, N: s.n}) }

// pushed is a push that has said how it ended.
func (s *tale) pushed(how string) { s.of("client-1.1", history.Pushed, turn{s.n, 0}, how) }

// held is a push that was refused for a key, which another task holds.
func (s *tale) held(owner string) {
	s.of("client-1.1", history.Held, turn{}, owner)
	s.pushed("refused")
}

// sent is a message of a generation that has come into the queue.
func (s *tale) sent(generation int) { s.sentWith(generation, "") }

func (s *tale) sentWith(generation int, more string) {
	s.of(check.QueueName, history.Sent, turn{0, generation}, fmt.Sprintf(`{"v":1,"payload":{"n":%d}%s}`, s.n, more))
}

// asked is a task that was pushed well.
func (s *tale) asked() {
	s.pushing()
	s.sent(1)
	s.pushed("ok")
}

func (s *tale) received() { s.of(check.QueueName, history.Received, turn{1, 0}, "") }

func (s *tale) deleted(generation int) {
	s.of(check.QueueName, history.Deleted, turn{0, generation}, "")
}

// letter is one that has come into the dead letters.
func (s *tale) letter(generation int) {
	s.of(check.DeadName, history.Sent, turn{0, generation + 1}, "")
	s.facts.Letters[s.id()] = generation
}

// began is a run after a receive of its own.
func (s *tale) began(actor string, attempt, generation int) {
	s.received()
	s.of(actor, history.Began, turn{attempt, generation}, strconv.Itoa(s.n))
	s.runs[actor+s.id()] = s.events[len(s.events)-1]
}

// ended ends the last run that an actor has begun of the task.
func (s *tale) ended(actor, text string) {
	r := s.runs[actor+s.id()]
	s.of(actor, history.Ended, turn{r.N, r.Generation}, text)
}

// wrote changes the task's row.
func (s *tale) wrote(actor string, to history.Row) {
	s.wroteFor(actor, to, 0, goflow.DefaultRecordTTL)
}

// wroteFor tells also how long the claim and the record last.
func (s *tale) wroteFor(actor string, to history.Row, claim, record time.Duration) {
	s.add(history.Event{Actor: actor, Kind: history.Wrote, Task: s.id(), Before: s.rows[s.id()], After: &to, Ends: claim, Expires: record})
	s.rows[s.id()] = &to
	s.facts.Rows[s.id()] = &to
}

// kept stores what a run has returned.
func (s *tale) kept(actor, result string, generation, epoch int) {
	s.wrote(actor, history.Row{State: done, Generation: generation, Epoch: epoch, Result: `{"by":"` + result + `"}`})
}

// ran is a run that returned a result.
func (s *tale) ran(actor, result string) {
	s.began(actor, 1, 1)
	s.ended(actor, "ok: "+result)
}

// failed are attempts that did, one after another, and are recorded.
func (s *tale) failed(attempts int) {
	for n := range attempts {
		s.began(ann, n+1, 1)
		s.ended(ann, "failed: no")
		if n+1 < attempts {
			s.wrote(ann, history.Row{Generation: 1, Attempts: n + 1, GiveBacks: n + 1})
		}
	}
}

// died is the end of a task: its row, its letter, its message.
func (s *tale) died(reason string, attempts int) {
	s.wrote(ann, history.Row{State: dead, Generation: 1, Attempts: attempts, Reason: reason})
	s.letter(1)
	s.deleted(1)
}

// went is the whole of a task that is done at once.
func (s *tale) went() {
	s.asked()
	s.ran(ann, "r")
	s.kept(ann, "r", 1, 0)
	s.deleted(1)
}

// read is what a client got by a strong read that it began some time ago.
func (s *tale) read(actor string, row history.Row) {
	s.add(history.Event{Actor: actor, Kind: history.Read, Task: s.id(), N: 1, After: &row})
}

func (s *tale) reading(actor string) {
	s.add(history.Event{Actor: actor, Kind: history.Reading, Task: s.id()})
}

// told is what a tale comes to.
func told(tell func(*tale)) *check.History {
	s := newTale()
	tell(s)
	return check.New(s.events, s.facts)
}
