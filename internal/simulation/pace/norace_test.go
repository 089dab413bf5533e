//go:build !race

package pace_test

const share = 1 // all of it
