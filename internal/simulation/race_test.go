//go:build race

package simulation_test

// raceShare is by how much fewer seeds are simulated under the race detector, which
// takes its time, and now and then ends a long run by a check of its own that fails.
// internal/prove compares many histories under it.
const raceShare = 6
