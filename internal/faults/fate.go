package faults

import (
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"time"
)

// fate is what happens to one request.
type fate struct {
	op      string
	kind    Kind
	entered bool // it counts as under way
	delay   time.Duration
	half    bool // what is cut off, is so in the middle of its answer
	luck    *rand.Rand
	mend    func(body []byte) ([]byte, error) // the answer to a part
}

type fateKey struct{}

// begin draws what happens to a request.
func (p *Proxy) begin(r *http.Request) *fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &fate{op: operation(r)}
	if p.away {
		f.kind = Away
		return f
	}
	p.under++
	f.entered = true
	p.draw(f)
	if f.kind != Refuse && p.Keys != nil && !p.Keys.Good(keyID(r), time.Now()) {
		f.kind = Expired
	}
	return f
}

// draw takes the same from the stream of the operation, whatever comes of it.
func (p *Proxy) draw(f *fate) {
	if p.since.IsZero() {
		return
	}
	stream := p.stream(f.op)
	point, long := stream.Float64(), stream.Float64()
	f.half = stream.IntN(2) == 0
	f.luck = rand.New(rand.NewPCG(stream.Uint64(), 0)) //nolint:gosec // a seed has to repeat it
	f.delay = time.Duration(long * long * long * float64(p.Delays))
	if f.kind = p.bursts.at(time.Since(p.since)); f.kind == None {
		f.kind = p.Odds.at(point)
	}
}

// stream is the source of chance of an operation.
func (p *Proxy) stream(name string) *rand.Rand {
	if p.streams[name] == nil {
		p.streams[name] = rand.New(rand.NewPCG(p.Seed, streamOf(string(p.Service)+"."+name))) //nolint:gosec // a seed has to repeat it
	}
	return p.streams[name]
}

func streamOf(name string) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name)) // it never fails
	return sum.Sum64()
}

func (p *Proxy) end(f *fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.counts[f.op] == nil {
		p.counts[f.op] = map[Kind]int{}
	}
	p.counts[f.op][f.kind]++
	if f.entered {
		p.under--
		p.idle.Broadcast()
	}
}
