package goflow

import (
	"context"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

const (
	// mostPollers bounds the receives of one source under way. Sixteen bring 16,000
	// tasks a second where a round trip takes 10 ms.
	mostPollers = 16
	// mostAhead is how many deliveries may wait for a slot: a receive of full ten is
	// a tenth of the price.
	mostAhead = port.MaxMessages
	// restLeases is for how many leases nothing is received ahead, once something
	// has had to be given back unstarted.
	restLeases = 10
)

// used is how many slots the source has, or will have. The caller holds the lock, as
// in all that follows but where they say otherwise.
func (s *source) used() int { return s.active + s.asked + len(s.ready) }

// free is how many slots the source may take now: what the others leave, less the
// one that each of them has for itself. Of those who wait, the one with the fewest
// goes first.
func (s *source) free() int {
	free := s.opts.concurrency
	for _, other := range s.sources {
		free -= other.used()
		if other != s && other.used() == 0 && !other.closed {
			free--
		}
	}
	hungrier := func(other *source) bool { return other.stalled > 0 && other.used() < s.used() }
	if slices.ContainsFunc(s.sources, hungrier) {
		return 0
	}
	return max(free, 0)
}

// full tells whether too many outcomes are being stored.
func (w *Worker) full() bool {
	settling := 0
	for _, s := range w.sources {
		settling += s.settling
	}
	return settling >= maxSettling
}

// waitForRoom blocks until the source may receive. It returns how many messages to
// ask for, 1 when ctx has ended, and how many slots had been taken by then. It takes
// the lock itself.
func (s *source) waitForRoom(ctx context.Context) (room, started int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled++
	for s.ask() == 0 && ctx.Err() == nil {
		s.room.Wait()
		s.mu.Unlock()
		stepAside()
		s.mu.Lock()
	}
	room = max(s.ask(), 1)
	s.asked += room
	s.stalled--
	s.room.Broadcast()
	return room, s.started
}

// ask is how many messages the source may ask for now.
func (s *source) ask() int {
	switch {
	case s.full():
		return 0
	case s.ahead:
		return s.askAhead()
	case len(s.sources) > 1:
		return min(s.askShare(), port.MaxMessages)
	}
	return min(s.free(), port.MaxMessages)
}

// askAhead asks for full ten wherever it can: when no more wait for a slot than slots
// are free; and where slots are taken quicker than a receive answers and none is under
// way, early enough for none to stay empty.
func (s *source) askAhead() int {
	ahead := s.used() - s.opts.concurrency // for which there will be no slot
	most := s.mostAhead()
	if ahead > 0 && (s.asked > 0 || ahead > min(s.pace, most/2)) {
		return 0
	}
	return min(most-ahead, port.MaxMessages)
}

// mostAhead is how many deliveries may wait for a slot: as many as are likely to have
// one within a quarter of a lease, after half of which they are given back.
func (s *source) mostAhead() int {
	if s.stint == 0 || time.Now().Before(s.restless) {
		return 0
	}
	return int(min(time.Duration(s.opts.concurrency)*s.keeper.lease/4/s.stint, mostAhead))
}

// learnStint learns from a lane that had its slot since then. It takes the lock itself.
func (s *source) learnStint(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	took := max(time.Since(since), 1)
	if s.stint > 0 {
		took = max((3*s.stint+took)/4, 1)
	}
	s.stint = took
}

// askShare is how many of the free slots the source keeps for a receive. It may last a
// whole poll wait, so one that had little asks for little; and while others have
// more to do, it goes beyond its share one by one only.
func (s *source) askShare() int {
	free := s.free()
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

// adapt learns from a receive. While they come back full and there is room for
// more, there is one poller more; one whose receive was not full ends, unless it is the
// only one. It takes the lock itself.
func (s *source) adapt(n, room, started int, another func()) (goOn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < room {
		return s.lastOrLess()
	}
	s.pace = s.started - started
	if n == port.MaxMessages && s.pollers < mostPollers && s.ask() == n {
		s.pollers++
		s.polling.Go(another)
	}
	return true
}

// stay tells whether a poller that had room for so many goes on: the only one does. It
// takes the lock itself.
func (s *source) stay(room int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.lastOrLess()
	if !last {
		s.asked -= room
		s.room.Broadcast()
	}
	return last
}

// lastOrLess tells whether there is one poller only; else there is now one less.
func (s *source) lastOrLess() bool {
	if s.pollers == 1 {
		return true
	}
	s.pollers--
	return false
}

// grant gives slots to the lanes that wait for one.
func (w *Worker) grant() {
	active := 0
	for _, s := range w.sources {
		active += s.active
	}
	for _, s := range w.sources {
		for len(s.ready) > 0 && active < w.opts.concurrency && !w.full() {
			s.ready[0].since = time.Now()
			close(s.ready[0].slot)
			s.ready = slices.Delete(s.ready, 0, 1)
			s.active++
			s.started++
			active++
		}
	}
}

// arrived notes that a receive has brought n messages of as many as there was room for.
// It takes the lock itself.
func (s *source) arrived(n, room int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.more, s.brought = n > 0 && n == room, n
	s.asked -= room - n
	s.room.Broadcast()
}

// line puts a lane behind those that wait for a slot. It takes the lock itself.
func (s *source) line(l *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked -= len(l.steps)
	s.ready = append(s.ready, l)
	s.grant()
	s.room.Broadcast()
}

// takeSlot waits for a slot: for half a lease, then the lane goes back to where others
// may have one. It takes the lock itself.
func (s *source) takeSlot(ctx context.Context, l *lane) bool {
	select {
	case <-l.slot:
		return true
	default:
	}
	var late <-chan time.Time
	if s.keeper.lease > 0 {
		timer := time.NewTimer(s.keeper.lease / 2)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-l.slot:
		followOn() // the one that has left it goes first
		return true
	case <-late:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	place := slices.Index(s.ready, l)
	if place < 0 {
		return true // it has just got one
	}
	s.ready = slices.Delete(s.ready, place, place+1)
	s.restless = time.Now().Add(restLeases * s.keeper.lease)
	s.room.Broadcast()
	return false
}

// unsettled is how many deliveries the worker holds. It takes the lock itself.
func (s *source) unsettled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}

func (w *Worker) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.room.Broadcast()
}

// count moves the counters, and gives away what that frees. It takes the lock itself.
func (s *source) count(active, settling int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active += active
	s.settling += settling
	s.grant()
	s.room.Broadcast()
}

// leave ends a poller. The last one gives the source's own slot to the others. It
// takes the lock itself.
func (s *source) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pollers--; s.pollers == 0 {
		s.asked, s.closed = 0, true
	}
	s.room.Broadcast()
}
