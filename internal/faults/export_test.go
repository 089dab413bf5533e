package faults

import (
	"math/rand/v2"
	"time"
)

// BurstsAt is what everything comes to at each of these times.
func BurstsAt(b Bursts, seed uint64, times []time.Duration) (kinds []Kind) {
	drawn := newBursts(b, rand.New(rand.NewPCG(seed, 0)))
	for _, since := range times {
		kinds = append(kinds, drawn.at(since))
	}
	return kinds
}
