package cloud

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// Process is one that calls the cloud. A killed one stands still at its next call,
// and whatever its handlers do, until the simulation is over.
type Process struct {
	Name  string
	Cloud *Cloud
	// Mortal: faults may kill or pause it.
	Mortal bool

	mu     sync.Mutex
	killed bool
	died   chan struct{}
	paused time.Time // until then
	polled time.Time // when the last receive began
}

// Start returns a process.
func (c *Cloud) Start(name string, mortal bool) *Process {
	p := &Process{Name: name, Cloud: c, Mortal: mortal, died: make(chan struct{}), polled: time.Now()}
	c.Log.Add(history.Event{Actor: name, Kind: history.Started})
	return p
}

// Kill ends the process where it stands.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return
	}
	p.killed = true
	close(p.died)
	p.Cloud.Log.Add(history.Event{Actor: p.Name, Kind: history.Killed})
}

// Unpolled is how long ago the last receive of the process began.
func (p *Process) Unpolled() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.polled)
}

// Died is closed when the process was killed.
func (p *Process) Died() <-chan struct{} { return p.died }

// Dead tells whether it was killed.
func (p *Process) Dead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

// Pause stops the process for a while.
func (p *Process) Pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(d); until.After(p.paused) { // a longer one goes on
		p.paused = until
	}
	p.Cloud.Log.Add(history.Event{Actor: p.Name, Kind: history.Paused, Text: d.String()})
}

// Runs waits while the process is paused, and then for a moment that r draws, or all
// its goroutines would go on at one instant. It tells whether the process lives;
// a dead one stays in here until the simulation is over.
func (p *Process) Runs(r *rand.Rand, moment time.Duration) bool {
	for {
		p.mu.Lock()
		killed, wait := p.killed, time.Until(p.paused)
		p.mu.Unlock()
		if killed {
			<-p.Cloud.over
			return false
		}
		if wait <= 0 {
			return true
		}
		select {
		case <-time.After(wait + between(r, moment, 2*moment)):
		case <-p.died:
		}
	}
}

// Errors of requests, as the SDK has them.
var (
	errOver  = errors.New("the simulation is over")
	errCut   = &net.OpError{Op: "read", Net: "tcp", Err: io.ErrUnexpectedEOF}
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errBusy  = &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded", Fault: smithy.FaultClient}
	errFault = &smithy.GenericAPIError{Code: "InternalFailure", Message: "try again", Fault: smithy.FaultServer}
)

// call is one request of a process.
type call struct {
	op     string
	queues bool     // else it is for the table
	items  []string // what it is about
	tries  int      // as many as the SDK makes
	// effect is what the service does when the request arrives; it may take its time.
	effect func(ctx context.Context, r *rand.Rand) error
	// tried hears of each try; nil: nobody asks.
	tried func(ctx context.Context, err error)
}

// do makes a call as the SDK does: again when that may help.
func (p *Process) do(ctx context.Context, c call) (err error) {
	if p.Cloud.Wire {
		return p.serve(ctx, c)
	}
	for try := range c.tries {
		if try > 0 {
			r := p.Cloud.stream(p, "pause before "+c.op, c.items)
			if !Sleep(ctx, between(r, 10*time.Millisecond, 200*time.Millisecond<<try)) {
				return ctx.Err()
			}
		}
		err = p.try(ctx, c)
		if c.tried != nil {
			c.tried(ctx, err)
		}
		if err == nil || !again(err) {
			return err
		}
	}
	return err
}

// again tells whether the SDK repeats a call that failed so.
func again(err error) bool {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode() == errBusy.Code || api.ErrorCode() == errFault.Code
	}
	_, broken := errors.AsType[*net.OpError](err)
	return broken
}

// Sleep waits, and tells whether ctx lasted.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
