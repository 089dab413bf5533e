package faults

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// Bounds of a request.
const (
	maxBody     = 17 << 20 // more than both services take
	forwardTime = time.Minute
)

// Config says what a Proxy does.
type Config struct {
	Service Service
	Target  string // the URL of the service
	Seed    uint64 // the nth request of an operation meets the same fate under the same seed
	Odds    Odds
	Delays  time.Duration // the longest delay; most are much shorter. 0: 1 s
	Bursts  Bursts
	Keys    *Keys // whose keys are good; nil: all are
}

// Proxy is a reverse proxy that fails as it is told. Until Storm it forwards
// everything. A request that it has begun to forward is carried out, even if
// whoever sent it has gone.
type Proxy struct {
	Config
	reverse   *httputil.ReverseProxy
	transport *http.Transport

	mu      sync.Mutex
	idle    *sync.Cond // a request is no longer under way
	under   int        // way: how many are
	away    bool
	since   time.Time // the storm; zero: there is none
	streams map[string]*rand.Rand
	bursts  *bursts
	counts  Counts
}

// New returns a proxy, or an error for odds or a target that make no sense.
func New(c Config) (*Proxy, error) {
	target, err := url.Parse(c.Target)
	if err != nil || target.Host == "" {
		return nil, fmt.Errorf("faults: target %.60q: give a URL such as http://127.0.0.1:4566", c.Target)
	}
	if err := c.Odds.check(); err != nil {
		return nil, err
	}
	if c.Delays <= 0 {
		c.Delays = time.Second
	}
	p := &Proxy{
		Config: c, transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		streams: map[string]*rand.Rand{}, counts: Counts{},
	}
	p.idle = sync.NewCond(&p.mu)
	p.bursts = newBursts(c.Bursts, p.stream("bursts"))
	p.reverse = &httputil.ReverseProxy{
		Transport: p.transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: modify, ErrorHandler: unanswered,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // what is cut off is counted
	}
	return p, nil
}

// Storm begins with the faults, or ends them.
func (p *Proxy) Storm(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since = time.Time{}
	if on {
		p.since = time.Now()
	}
}

// Leave makes the service one that is away, and returns when no request to it
// is under way any more and no connection open, or with ctx's error.
func (p *Proxy) Leave(ctx context.Context) error {
	defer context.AfterFunc(ctx, p.idle.Broadcast)()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = true
	for p.under > 0 && ctx.Err() == nil {
		p.idle.Wait()
	}
	p.transport.CloseIdleConnections()
	return ctx.Err()
}

// Return ends what Leave began.
func (p *Proxy) Return() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}

// Counts are what happened so far; None are those that were forwarded.
func (p *Proxy) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := Counts{}
	for op, kinds := range p.counts {
		all[op] = copyOf(kinds)
	}
	return all
}

func copyOf(kinds map[Kind]int) map[Kind]int { return maps.Clone(kinds) }

// ServeHTTP is what happens to a request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := p.begin(r)
	defer p.end(f)
	switch f.kind {
	case Away, Refuse:
		panic(http.ErrAbortHandler) // which closes the connection
	case Error500, Error503, Throttle, Expired:
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody)) // so that the connection may be used again
		p.Service.write(w, f.kind)
		return
	case Delay:
		pause(r.Context(), f.delay)
	case Part:
		if p.takePart(w, r, f) {
			return
		}
	case None, Cut: // what is cut off, is so on its way back
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), forwardTime)
	defer cancel()
	p.reverse.ServeHTTP(w, r.WithContext(context.WithValue(ctx, fateKey{}, f)))
}

// takePart leaves some items of a batch in the request, or answers it itself if
// none is left. What is no batch goes on as it is.
func (p *Proxy) takePart(w http.ResponseWriter, r *http.Request, f *fate) (answered bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler) // whoever sent it has gone
	}
	f.kind = None
	if b, err := newBatch(f.op, body); err == nil {
		rest, mend, err := b.part(func() bool { return f.luck.IntN(3) == 0 })
		if err == nil {
			body, f.mend, f.kind = rest, mend, Part
		}
	}
	if len(body) == 0 && f.kind == Part {
		p.answerAlone(w, f)
		return true
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Del("Content-Length")
	return false
}

// answerAlone answers a batch of which nothing is left.
func (p *Proxy) answerAlone(w http.ResponseWriter, f *fate) {
	body, err := f.mend([]byte("{}"))
	if err != nil {
		panic(http.ErrAbortHandler) // the request makes no sense
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, _ = w.Write(body) // whoever asked has gone
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
