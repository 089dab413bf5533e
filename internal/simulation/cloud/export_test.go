package cloud

import (
	"time"
)

// Always is weather in which these faults, and no others, come whenever they can.
func Always(storm time.Duration, faults ...Fault) *Weather {
	now := time.Now()
	w := &Weather{calm: now.Add(storm), chances: map[Fault]float64{}, counts: map[Fault]int{}}
	for _, f := range faults {
		w.chances[f] = 1
	}
	return w
}
