package goflow

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// How long a worker waits before it asks again while broker or store fail: at
// most one call a second, and one log line per change of state.
const (
	firstTrouble = time.Second
	lastTrouble  = 30 * time.Second
)

// part is what of a worker's surroundings can fail by itself.
type part string

const (
	partReceive part = "receive"
	partSettle  part = "settle"
)

// health is what a worker knows of its broker and store.
type health struct {
	log      *slog.Logger
	troubled atomic.Bool // some part is failing

	mu      sync.Mutex
	last    time.Time // of a receive that was answered
	failing map[part]bool
	wait    time.Duration // before the next receive; 0: all is well
	until   time.Time     // end of that wait
}

func (h *health) lastReceive() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// failed makes the next receive wait, twice as long each time.
func (h *health) failed(p part, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.failing[p] {
		h.log.Error("broker or store failed, backing off", slog.String("part", string(p)), slog.Any("error", err))
	}
	if h.failing == nil {
		h.failing = map[part]bool{}
	}
	h.failing[p] = true
	h.troubled.Store(true)
	if now := time.Now(); !now.Before(h.until) { // several failures at a time are one
		h.wait = min(max(2*h.wait, firstTrouble), lastTrouble)
		h.until = now.Add(h.wait + jitter(h.wait/4))
	}
}

// worked ends the trouble of one part.
func (h *health) worked(p part) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p == partReceive {
		h.last = time.Now()
	}
	if h.failing[p] {
		h.log.Info("works again", slog.String("part", string(p)))
		delete(h.failing, p)
	}
	if len(h.failing) == 0 {
		h.troubled.Store(false)
		h.wait = 0
	}
}

// pause waits until the next receive may go out; false when ctx ends first.
func (h *health) pause(ctx context.Context) bool {
	for {
		h.mu.Lock()
		d := time.Until(h.until)
		h.mu.Unlock()
		if d <= 0 {
			return ctx.Err() == nil
		}
		if !sleep(ctx, d) {
			return false
		}
	}
}
