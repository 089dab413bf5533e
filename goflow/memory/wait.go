package memory

// waiter is a goroutine that sleeps until somebody wakes it. Its channel has
// room for the one wake-up that it gets, so waking never blocks.
type waiter struct {
	woken  chan struct{}
	called bool // the wake-up is on its way or taken
}

// waitlist holds who sleeps, the longest first. Whoever owns it guards it by
// its mutex, as all methods here.
type waitlist struct {
	asleep ring[*waiter]
	free   []*waiter
	called int // who were woken and have not gone on yet
}

func (l *waitlist) join() *waiter {
	var w *waiter
	if n := len(l.free); n > 0 {
		w, l.free = l.free[n-1], l.free[:n-1]
	} else {
		w = &waiter{woken: make(chan struct{}, 1)}
	}
	l.asleep.push(w)
	return w
}

// leave is called by every waiter when it goes on, and makes it ready for
// another. It reports whether the waiter had a wake-up that it did not take:
// then somebody else needs it.
func (l *waitlist) leave(w *waiter) (unused bool) {
	if !w.called {
		l.asleep.remove(w)
	} else {
		w.called = false
		l.called--
		select {
		case <-w.woken:
			unused = true
		default:
		}
	}
	l.free = append(l.free, w)
	return unused
}

func (l *waitlist) wakeOne() {
	if w, ok := l.asleep.pop(); ok {
		w.called = true
		l.called++
		w.woken <- struct{}{}
	}
}

// wakeUnlessCalled wakes one unless one is on its way already, who then wakes the
// next if there is more than it takes: so a quick sender wakes nobody in vain.
func (l *waitlist) wakeUnlessCalled() {
	if l.called == 0 {
		l.wakeOne()
	}
}

func (l *waitlist) wakeAll() {
	for l.asleep.n > 0 {
		l.wakeOne()
	}
}
