package goflow

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// policy says how a task is retried. A zero field is not set.
type policy struct {
	maxAttempts             int
	timeout                 time.Duration
	backoffBase, backoffCap time.Duration
}

func defaultPolicy() policy {
	return policy{
		maxAttempts: DefaultMaxAttempts,
		timeout:     DefaultTimeout,
		backoffBase: DefaultBackoffBase,
		backoffCap:  DefaultBackoffCap,
	}
}

// or fills what p leaves open from next.
func (p policy) or(next policy) policy {
	if p.maxAttempts == 0 {
		p.maxAttempts = next.maxAttempts
	}
	if p.timeout == 0 {
		p.timeout = next.timeout
	}
	if p.backoffBase == 0 {
		p.backoffBase = next.backoffBase
	}
	if p.backoffCap == 0 {
		p.backoffCap = next.backoffCap
	}
	return p
}

// ceiling is the longest pause after so many failed attempts.
func (p policy) ceiling(failed int) time.Duration {
	doublings := min(max(failed-1, 0), 62)
	if p.backoffBase > p.backoffCap>>doublings { // shifting the cap down cannot overflow
		return p.backoffCap
	}
	return p.backoffBase << doublings
}

// pause draws the pause after so many failed attempts, with full jitter.
func (p policy) pause(failed int) time.Duration {
	return jitter(p.ceiling(failed))
}

// jitter draws a duration between nothing and d. It guards no secret; it comes from
// the one source of chance that a test can seed.
func jitter(d time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:])                                                        // never fails: crypto/rand ends the program instead
	return time.Duration(binary.BigEndian.Uint64(b[:]) % (uint64(max(d, 0)) + 1)) //nolint:gosec // both are within a duration
}

// defaultPolicy leaves it to a home with an end how long a run may take.
func (a *attempt) defaultPolicy() policy {
	p := defaultPolicy()
	if !a.until.IsZero() {
		p.timeout = maxDelay
	}
	return p
}
