package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is what happens to a request.
type Kind string

// What can happen to a request.
const (
	None     Kind = ""          // it is forwarded, and its answer brought back
	Refuse   Kind = "refused"   // its connection is closed, nothing was forwarded
	Delay    Kind = "delayed"   // it is forwarded late
	Error500 Kind = "500"       // answered with an internal error, not forwarded
	Error503 Kind = "503"       // answered by what stands in front of the service, which is away
	Throttle Kind = "throttled" // answered so in the service's words, not forwarded
	Part     Kind = "in part"   // a batch: some of its items fail, the others are forwarded; a single one fails
	Cut      Kind = "cut off"   // forwarded and carried out; its answer never comes, or half of it
	Away     Kind = "away"      // the service is, as by Proxy.Leave, or it does not answer
	Expired  Kind = "expired"   // signed by a key whose time is over
)

// Odds are how likely each kind is for a request, each within 0 and 1 and
// together at most 1. Those of Away and Expired don't count: these come as they
// must. Part is None for what is no batch.
type Odds map[Kind]float64

// Stormy are the odds of the chaos demo: about one request in seven fails.
func Stormy() Odds {
	return Odds{Refuse: 0.02, Delay: 0.05, Error500: 0.015, Error503: 0.015, Throttle: 0.02, Part: 0.04, Cut: 0.02}
}

// check judges the odds, and what drawing from them relies on.
func (o Odds) check() error {
	sum := 0.0
	for _, kind := range o.kinds() {
		if o[kind] < 0 || o[kind] > 1 {
			return fmt.Errorf("faults: odds %v of %q: give 0 to 1", o[kind], kind)
		}
		sum += o[kind]
	}
	if sum > 1 {
		return fmt.Errorf("faults: odds of %v in all: give at most 1", sum)
	}
	return nil
}

// kinds are those that have odds, always in the same order.
func (o Odds) kinds() []Kind { return slices.Sorted(maps.Keys(o)) }

// at is the kind at a point within 0 and 1.
func (o Odds) at(point float64) Kind {
	for _, kind := range o.kinds() {
		if point -= o[kind]; point < 0 {
			return kind
		}
	}
	return None
}

// Counts are how often each kind happened, by operation.
type Counts map[string]map[Kind]int

// Faults are all but None, over all operations.
func (c Counts) Faults() map[Kind]int {
	sums := map[Kind]int{}
	for _, kinds := range c {
		for kind, n := range kinds {
			if kind != None {
				sums[kind] += n
			}
		}
	}
	return sums
}

// Requests is how many there were.
func (c Counts) Requests() (n int) {
	for _, kinds := range c {
		for _, count := range kinds {
			n += count
		}
	}
	return n
}

// Lines say it for people, an operation a line.
func (c Counts) Lines() (lines []string) {
	for _, op := range slices.Sorted(maps.Keys(c)) {
		requests := Counts{op: c[op]}
		words := []string{fmt.Sprintf("%s: %d requests", op, requests.Requests())}
		sums := requests.Faults()
		for _, kind := range slices.Sorted(maps.Keys(sums)) {
			words = append(words, fmt.Sprintf("%d %s", sums[kind], kind))
		}
		lines = append(lines, strings.Join(words, ", "))
	}
	return lines
}
