package goflow

import "time"

// Goroutines that could go on at one instant do so in whatever order; a simulation,
// in which time stands still meanwhile, could not repeat what comes of it. So who
// lets several go on lets each come as far as it can before the next, and who decides
// by what is there first lets all others of that instant act. Each has steps of its
// own, so that none meets another. They cost less than a microsecond: the scheduler
// looks at sleepers that are due before it does anything else.

func oneAfterAnother() { time.Sleep(4 * time.Nanosecond) }

func followOn() { time.Sleep(2 * time.Nanosecond) }

func stepAside() { time.Sleep(time.Nanosecond) }
