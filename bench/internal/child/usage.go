package child

import (
	"runtime"
	"syscall"
	"time"
)

func used() (Usage, error) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	processor := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	return Usage{Allocations: float64(memory.Mallocs), Processor: processor.Seconds()}, err
}
