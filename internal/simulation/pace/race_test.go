//go:build race

package pace_test

// share is the part of the tasks that are run: the race detector makes all of it
// many times slower.
const share = 8
