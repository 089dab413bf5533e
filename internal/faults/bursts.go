package faults

import (
	"math/rand/v2"
	"time"
)

// Bursts are times in which everything of a service fails alike.
type Bursts struct {
	Every time.Duration // from the end of one to the next; half as long to one and a half times; 0: there are none
	For   time.Duration // how long one lasts, in the same way
}

// burst is one of them, since the beginning of the storm.
type burst struct {
	from, to time.Duration
	kind     Kind
}

// bursts draws one after the other.
type bursts struct {
	Bursts
	random *rand.Rand
	next   burst
}

func newBursts(b Bursts, random *rand.Rand) *bursts { return &bursts{Bursts: b, random: random} }

// at is what everything comes to then; None: it is not the time of a burst.
// Times must not go back.
func (b *bursts) at(since time.Duration) Kind {
	if b.Every <= 0 || b.For <= 0 {
		return None
	}
	for since >= b.next.to {
		from := b.next.to + b.about(b.Every)
		kinds := []Kind{Refuse, Error500, Error503, Throttle}
		b.next = burst{from: from, to: from + b.about(b.For), kind: kinds[b.random.IntN(len(kinds))]}
	}
	if since >= b.next.from {
		return b.next.kind
	}
	return None
}

// about is half of d to one and a half.
func (b *bursts) about(d time.Duration) time.Duration {
	return d/2 + time.Duration(b.random.Int64N(int64(d)))
}
