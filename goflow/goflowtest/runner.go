package goflowtest

import "testing"

// Runner runs the body f of one subtest. testing/synctest.Test is one: there
// time is fake, and a test of a long lease takes no time.
type Runner func(t *testing.T, f func(t *testing.T))

// RealTime is the Runner for everything that needs the network or the real
// clock.
func RealTime(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	f(t)
}
