// Package simulation runs the real core and the real adapters over a simulated
// cloud, in fake time: clients that push, read, cancel and redrive, workers that
// are killed, paused and stopped, services that lose answers, deliver twice and
// throttle. A seed says all that happens; the same seed always gives the same
// history, which package check then holds against what GoFlow promises.
//
// A run has two phases. In the storm faults come; after it there are none, and
// everything has to end within a bounded time.
package simulation
