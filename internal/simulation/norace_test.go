//go:build !race

package simulation_test

const raceShare = 1 // all of them
