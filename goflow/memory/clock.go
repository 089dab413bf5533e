package memory

import "time"

// clock tells the time by the monotonic clock alone, which takes half as long and never
// goes back.
type clock struct{ began time.Time }

func newClock() clock { return clock{time.Now()} }

func (c clock) now() time.Time { return c.began.Add(c.since()) }

func (c clock) since() time.Duration { return time.Since(c.began) }
