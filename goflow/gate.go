package goflow

import (
	"math"
	"sync"
	"sync/atomic"
)

// gate lets pushes in until it is closed, and its close wait for those inside. Nobody
// waits to be let in or refused, however long another one stays.
type gate struct {
	inside atomic.Int64  // how many, plus shut once it is closed
	close  sync.Once     // adds shut
	left   sync.Once     // closes empty
	empty  chan struct{} // it is closed and nobody is inside
}

const shut = math.MinInt64

// enter tells whether the gate is open; who was let in has to leave.
func (g *gate) enter() bool {
	if g.inside.Add(1) > 0 {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() { g.look(g.inside.Add(-1)) }

func (g *gate) look(inside int64) {
	if inside == shut { // more than once, by those who are refused
		g.left.Do(func() { close(g.empty) })
	}
}

// shutAndWait closes the gate and waits until nobody is inside.
func (g *gate) shutAndWait() {
	g.close.Do(func() { g.look(g.inside.Add(shut)) })
	<-g.empty
}
