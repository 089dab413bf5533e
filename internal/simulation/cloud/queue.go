package cloud

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// queue is one of SQS. All of it is guarded by Cloud.mu.
type queue struct {
	cloud       *Cloud
	url         string
	ordered     bool
	maxReceives int
	batch       int // messages that a receive brings at the most
	dead        *queue
	messages    []*message // in the order in which they were sent
	known       map[string]time.Time
	changed     chan struct{} // closed and replaced when a message comes or comes back
}

// message is one in a queue.
type message struct {
	id, task, body, group string
	attributes            map[string]string
	sent, first           time.Time
	visible               time.Time // from when on it may be handed out
	receives              int
	handle                string               // of the last receive
	leases                map[string]time.Time // when each receive's lease ends, as far as its process knows
	ghost                 bool                 // it was deleted, and comes once more
	movedFrom             string               // the queue whose dead letters it is in; "": it was sent there
}

// AddQueue makes a queue at url, with its dead letters. A receive brings no more than
// a batch.
func (c *Cloud) AddQueue(url string, maxReceives, batch int, deadURL string) {
	make1 := func(url string) *queue {
		q := &queue{cloud: c, url: url, ordered: strings.HasSuffix(url, ".fifo"), batch: batch, known: map[string]time.Time{}, changed: make(chan struct{})}
		c.queues[url] = q
		return q
	}
	q := make1(url)
	q.maxReceives, q.dead = maxReceives, make1(deadURL)
}

// Messages are the IDs of the tasks whose messages are in the queue, ghosts left out.
func (c *Cloud) Messages(url string) (tasks []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.queues[url].messages {
		if !m.ghost {
			tasks = append(tasks, m.task)
		}
	}
	return tasks
}

// Letters are the tasks whose messages are in the queue, with the generation that
// died.
func (c *Cloud) Letters(url string) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	letters := map[string]int{}
	for _, m := range c.queues[url].messages {
		letters[m.task] = max(letters[m.task], generation(m)-1)
	}
	return letters
}

// dedupTime is for how long a FIFO queue knows a message again.
const dedupTime = 5 * time.Minute

// put adds a message, unless a FIFO queue knows it.
func (q *queue) put(m *message, dedup string) {
	if until, ok := q.known[dedup]; q.ordered && ok && time.Now().Before(until) {
		return
	}
	if q.ordered {
		q.known[dedup] = time.Now().Add(dedupTime)
	}
	q.messages = append(q.messages, m)
	q.wake()
	q.cloud.Log.Add(history.Event{Actor: q.name(), Kind: history.Sent, Task: m.task, Generation: generation(m), Text: m.body})
}

func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

func (q *queue) name() string { return q.url[strings.LastIndexByte(q.url, '/')+1:] }

// take leases up to n messages, and moves those away that were received too often.
// Of one task it takes one: which of two is the first in their process, would be
// chance that no seed repeats. The next receive brings the other.
func (q *queue) take(r *rand.Rand, n int, lease time.Duration) (taken []*message) {
	now := time.Now()
	blocked := map[string]bool{} // groups of which something is under way
	tasks := map[string]bool{}
	candidates := slices.Clone(q.messages)
	if q.ordered {
		for _, m := range candidates {
			blocked[m.group] = blocked[m.group] || m.receives > 0 && m.visible.After(now)
		}
	} else if q.cloud.Latency == nil {
		r.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
	}
	for _, m := range candidates {
		if len(taken) == min(n, q.batch) {
			break
		}
		switch {
		case q.ordered && (blocked[m.group] || m.visible.After(now)):
			blocked[m.group] = true
			continue
		case tasks[m.task], m.visible.After(now) && !q.again(r, m):
			continue
		case q.dead != nil && m.receives >= q.maxReceives:
			q.move(m)
			continue
		}
		q.lease(r, m, lease)
		tasks[m.task] = true
		taken = append(taken, m)
	}
	return taken
}

// again tells whether a message that is leased, or was deleted, is delivered
// once more. One that waits for its delay is not: SQS never does that.
func (q *queue) again(r *rand.Rand, m *message) bool {
	if q.ordered || m.receives == 0 || m.ghost {
		return false
	}
	return q.cloud.Weather.Strikes(r, Duplicate)
}

func (q *queue) lease(r *rand.Rand, m *message, lease time.Duration) {
	now := time.Now()
	m.receives++
	if m.first.IsZero() {
		m.first = now
	}
	m.handle = m.id + "/" + pick(r)
	text := ""
	switch {
	case m.ghost:
		text = string(Ghost)
	case m.visible.After(now):
		text = string(Duplicate)
	}
	m.visible = now.Add(lease)
	m.leases[m.handle] = m.visible
	q.cloud.Log.Add(history.Event{Actor: q.name(), Kind: history.Received, Task: m.task, N: m.receives, Text: text})
	if m.ghost {
		q.drop(m)
	}
}

// move hands a message to the dead letters.
func (q *queue) move(m *message) {
	q.drop(m)
	m.visible, m.receives, m.first, m.handle, m.movedFrom = time.Now(), 0, time.Time{}, "", q.name()
	q.cloud.Log.Add(history.Event{Actor: q.name(), Kind: history.Moved, Task: m.task})
	q.dead.messages = append(q.dead.messages, m)
	q.dead.wake()
}

func (q *queue) drop(m *message) {
	q.messages = slices.DeleteFunc(q.messages, func(other *message) bool { return other == m })
	q.wake() // its group may go on
}

// over tells whether the lease of a receive has ended.
func (m *message) over(handle string) bool { return !m.leases[handle].After(time.Now()) }

// find returns the message of a receipt handle, and whether the handle is its last.
func (q *queue) find(handle string) (m *message, last bool) {
	id, _, _ := strings.Cut(handle, "/")
	for _, m := range q.messages {
		if m.id == id {
			return m, m.handle == handle
		}
	}
	return nil, false
}

// remove deletes a message. By an old handle SQS may or may not do it.
func (q *queue) remove(r *rand.Rand, handle string) {
	m, last := q.find(handle)
	if m == nil || m.ghost || !last && (q.ordered || chance(r, .5)) {
		return
	}
	q.cloud.Log.Add(history.Event{Actor: q.name(), Kind: history.Deleted, Task: m.task, Generation: generation(m)})
	if !q.ordered && q.cloud.Weather.Strikes(r, Ghost) {
		m.ghost, m.visible = true, time.Now().Add(between(r, time.Millisecond, 30*time.Second))
		q.wake()
		return
	}
	q.drop(m)
}

// change sets when a message is handed out again. It tells whether there is such
// a lease; of an old handle SQS may not know that it is over.
func (q *queue) change(r *rand.Rand, handle string, lease time.Duration) bool {
	m, last := q.find(handle)
	if m == nil || m.ghost || !m.visible.After(time.Now()) {
		return false
	}
	if !last && chance(r, .5) {
		return false
	}
	if !last { // it says so, and does nothing
		return true
	}
	m.visible = time.Now().Add(lease)
	if q.cloud.Weather.Strikes(r, Late) {
		m.visible = m.visible.Add(between(r, time.Millisecond, 5*time.Second))
	}
	q.wake()
	return true
}

// next is when the next message may be handed out; zero: none is there.
func (q *queue) next() (at time.Time) {
	for _, m := range q.messages {
		if at.IsZero() || m.visible.Before(at) {
			at = m.visible
		}
	}
	return at
}

// pick draws a name that nobody else has.
func pick(r *rand.Rand) string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	b := make([]byte, 12)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}
