package main

import (
	"runtime"
	"syscall"
)

// usage is what this process has used.
type usage struct {
	allocs    float64
	processor float64 // seconds
}

// used is the usage since the process began.
func used() usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{allocs: float64(m.Mallocs), processor: processorTime()}
}

// add adds what was used since before.
func (u *usage) add(before usage) {
	now := used()
	u.allocs += now.allocs - before.allocs
	u.processor += now.processor - before.processor
}

// processorTime is that of this process, in seconds, its own and the system's for it.
func processorTime() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(r.Utime) + seconds(r.Stime)
}
