package goflow

import (
	"context"
	"slices"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// used is how many slots the source has. The caller holds the lock.
func (s *source) used() int { return s.active + s.asked }

// free is how many slots the source may take now: what the others leave, less the
// one that each of them has for itself. Of those who wait, the one with the fewest
// goes first. The caller holds the lock.
func (s *source) free() int {
	free, settling := s.opts.concurrency, 0
	for _, other := range s.sources {
		free -= other.used()
		settling += other.settling
		if other != s && other.used() == 0 && !other.closed {
			free--
		}
	}
	hungrier := func(other *source) bool { return other.waiting && other.used() < s.used() }
	if settling >= maxSettling || slices.ContainsFunc(s.sources, hungrier) {
		return 0
	}
	return max(free, 0)
}

// waitForRoom blocks until a slot is free and not too many outcomes are being
// stored. It returns how many messages to ask for, whose slots are then kept; 1
// when ctx has ended.
func (s *source) waitForRoom(ctx context.Context) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = true
	for s.free() == 0 && ctx.Err() == nil {
		s.room.Wait()
	}
	s.asked = s.ask(min(max(s.free(), 1), port.MaxMessages))
	s.waiting = false
	s.room.Broadcast()
	return s.asked
}

// ask is how many of the free slots the source keeps for a receive. It may last a
// whole poll wait, so one that had little asks for little; and while others have
// more to do, it goes beyond its share one by one only. The caller holds the lock.
func (s *source) ask(free int) int {
	if len(s.sources) == 1 {
		return free
	}
	busy := 1
	for _, other := range s.sources {
		if other != s && other.more {
			busy++
		}
	}
	if busy > 1 {
		free = min(free, max(s.opts.concurrency/busy-s.used(), 1))
	}
	return min(free, max(2*s.brought, 1))
}

func (w *Worker) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.room.Broadcast()
}

// count moves the counters and wakes the pollers.
func (s *source) count(active, settling int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active += active
	s.settling += settling
	s.room.Broadcast()
}

// close gives the source's own slot to the others.
func (s *source) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.closed = 0, true
	s.room.Broadcast()
}
