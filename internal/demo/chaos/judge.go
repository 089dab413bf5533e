package chaos

import (
	"fmt"
	"time"
)

// Grace is what a process that was stopped and continued gets to notice that
// its leases are over and to end its handlers.
const Grace = time.Second

// settling is how soon after its handler a run's result is stored.
const settling = 2 * time.Second

// Life is what was done to a worker's process.
type Life struct {
	Killed time.Time // from just before the signal on; zero: never
	Stops  []Span    // from just before SIGSTOP to just after SIGCONT
}

// Span is a time from and to.
type Span struct{ From, To time.Time }

// Case is what there is to judge.
type Case struct {
	Entries []Entry
	Lives   map[int]*Life        // by the number of the worker
	Once    map[string]bool      // the tasks that are Once
	Seen    map[string]time.Time // when a producer had a task's result at the latest
}

// Verdict is what became of the tasks that are Once.
type Verdict struct {
	// Twice says of each task that broke the promise of Once how it did. The
	// promise is not that there is one effect: a run that was killed before its
	// result was stored, or was cut off from its lease because its process was
	// stopped, has had an effect that nobody knows of, and the task runs again.
	// It is, as long as a handler returns when its context ends, that
	//   - no run begins after a result was stored: after the store confirmed
	//     it to a worker, or a producer read it;
	//   - no two runs overlap: there is no moment at which both are under way.
	// A run is under way from its first line until its last one, or until its
	// process was killed. The time in which its process was stopped, and Grace
	// after it, do not count: a handler that does not run can't return.
	Twice map[string]string
	// Effects whose result is not the one that was stored, by why they may be:
	// their process was killed or stopped while they ran or before the store
	// knew of it, or the run lost its lease for another reason.
	Killed, Stopped, Other int
}

// run is one run of a handler.
type run struct {
	id         string
	worker     int
	began, end time.Time
	effect     bool
	life       *Life
}

// Judge compares what was written down with the promise.
func Judge(c Case) Verdict {
	v := Verdict{Twice: map[string]string{}}
	stored := c.stored()
	for id, runs := range c.runs() {
		for i, r := range runs {
			if why := r.broke(stored[id], runs[i+1:]); why != "" {
				v.Twice[id] = why
			}
			if r.effect && r.id != stored[id].run {
				v.repeated(r)
			}
		}
	}
	return v
}

// broke says how a run broke the promise, given the result that was stored and
// the runs that began later; "": it did not.
func (r *run) broke(stored result, later []*run) string {
	if !stored.at.IsZero() && r.began.After(stored.at) && !r.life.stoppedIn(r.began, r.began) {
		return fmt.Sprintf("run %s of worker %d began %v after the result of run %s was stored",
			r.id, r.worker, r.began.Sub(stored.at), stored.run)
	}
	for _, other := range later {
		if overlap := r.overlap(other); overlap > 0 {
			return fmt.Sprintf("run %s of worker %d and run %s of worker %d overlap for %v",
				r.id, r.worker, other.id, other.worker, overlap)
		}
	}
	return ""
}

// repeated counts an effect whose result is not the one that was stored.
func (v *Verdict) repeated(r *run) {
	switch until := r.end.Add(settling); {
	case r.life.stoppedIn(r.began, until):
		v.Stopped++
	case !r.life.Killed.IsZero() && r.life.Killed.Before(until):
		v.Killed++
	default:
		v.Other++
	}
}

// runs returns the runs of each task that is Once, in the order of their beginning.
func (c Case) runs() map[string][]*run {
	byID, byTask := map[string]*run{}, map[string][]*run{}
	for _, e := range c.Entries {
		r := byID[e.Run]
		switch {
		case !c.Once[e.Task]:
		case e.What == Began:
			life := c.Lives[e.Worker]
			if life == nil {
				life = &Life{}
			}
			r = &run{id: e.Run, worker: e.Worker, began: e.At, end: life.end(), life: life}
			byID[e.Run], byTask[e.Task] = r, append(byTask[e.Task], r)
		case r == nil:
		case e.What == Effect:
			r.effect = true
		case e.What == Ended:
			r.end = e.At
		}
	}
	return byTask
}

// result is a run whose result is stored, and since when at the latest.
type result struct {
	run string
	at  time.Time
}

func (c Case) stored() map[string]result {
	results := map[string]result{}
	for id, at := range c.Seen {
		results[id] = result{at: at}
	}
	for _, e := range c.Entries {
		if e.What != Stored {
			continue
		}
		r := results[e.Task]
		if r.run == "" {
			r.run = e.Run // the first result wins
		}
		if r.at.IsZero() || e.At.Before(r.at) {
			r.at = e.At
		}
		results[e.Task] = r
	}
	return results
}

// overlap is how long both runs were under way at once.
func (r *run) overlap(other *run) (d time.Duration) {
	for _, a := range r.underWay() {
		for _, b := range other.underWay() {
			from, to := a.From, a.To
			if b.From.After(from) {
				from = b.From
			}
			if b.To.Before(to) {
				to = b.To
			}
			d += max(to.Sub(from), 0)
		}
	}
	return d
}

// underWay are the times in which the run was executed.
func (r *run) underWay() (spans []Span) {
	from := r.began
	for _, stop := range r.life.Stops {
		if stop.From.After(from) {
			spans = append(spans, Span{From: from, To: earliest(stop.From, r.end)})
		}
		if again := stop.To.Add(Grace); again.After(from) {
			from = again
		}
	}
	return append(spans, Span{From: from, To: r.end})
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// end is when a run ends that does not say so.
func (l *Life) end() time.Time {
	if l.Killed.IsZero() {
		return time.Unix(1<<40, 0) // never
	}
	return l.Killed
}

// stoppedIn tells whether the process was stopped then, or had just been.
func (l *Life) stoppedIn(from, to time.Time) bool {
	for _, stop := range l.Stops {
		if stop.From.Before(to) && stop.To.Add(Grace).After(from) {
			return true
		}
	}
	return false
}
