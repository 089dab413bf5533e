package goflow

import "time"

// now is the time by the broker's clock, which may be minutes from ours: what it
// says of the first receive, and what has passed since. A later receive, or one
// that came to us by way of others, says only when the first one was; what time it
// is then, our own clock has to know.
func (a *attempt) now() time.Time {
	if a.delivery.Receives > 1 || a.delivery.FirstReceivedAt.IsZero() || a.since.IsZero() {
		return time.Now()
	}
	return a.delivery.FirstReceivedAt.Add(time.Since(a.since))
}
