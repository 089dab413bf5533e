package check

import (
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// holder is a task with a key, as far as its history goes.
type holder struct {
	sent, over bool
	live       int // messages in the queue
}

// keysHold is I20.
func (h *History) keysHold() {
	holders := map[string]*holder{}
	freed := map[string]map[string]bool{} // when a push began: by its actor, the tasks that need no key any more
	for i := range h.events {
		e := &h.events[i]
		if e.Kind == history.Pushing {
			freed[e.Actor] = map[string]bool{}
			for id, k := range holders {
				freed[e.Actor][id] = k.over && k.live == 0
			}
			continue
		}
		s := h.stories[e.Task]
		if s == nil || s.Key == "" {
			continue
		}
		k := holders[s.id]
		if k == nil {
			k = &holder{}
			holders[s.id] = k
		}
		switch {
		case e.Kind == history.Sent && name(e.Actor) == QueueName:
			h.sentWithKey(s, e, holders)
			k.sent, k.live = true, k.live+1
		case e.Kind == history.Deleted && name(e.Actor) == QueueName:
			k.live--
		case e.Kind == history.Wrote:
			k.over = k.over || e.After.State != open
		case e.Kind == history.Held:
			h.refusedForKey(s, e, freed[e.Actor])
		}
	}
}

// sentWithKey judges the first message of a task.
func (h *History) sentWithKey(s *story, e *history.Event, holders map[string]*holder) {
	if holders[s.id].sent || e.Generation > 1 {
		return
	}
	h.judged["I20"]++
	for id, other := range holders {
		if id != s.id && h.stories[id].Key == s.Key && other.sent && !other.over {
			h.breaks("I20", "task %s is sent at %v, and %s with the same key has no outcome", s.id, e.At, id)
		}
	}
}

// refusedForKey judges a push that another task's key stood in the way of. Who was
// pushed more than once may have taken the key again.
func (h *History) refusedForKey(s *story, e *history.Event, freed map[string]bool) {
	h.judged["I20"]++
	owner := h.stories[e.Text]
	switch {
	case e.Text == s.id:
		h.breaks("I20", "task %s is refused at %v for a key that it holds itself", s.id, e.At)
	case owner != nil && h.pushing[owner.N] == 1 && freed[owner.id]:
		h.breaks("I20", "task %s is refused at %v for the key of %s, which is over", s.id, e.At, owner.id)
	}
}
