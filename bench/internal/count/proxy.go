// Package count counts what contenders ask of the emulators from outside, the same
// way for each: by a reverse proxy between the two.
package count

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/adapters/cost"
)

// maxBody is more than both services take or give.
const maxBody = 17 << 20

// Proxy is between contenders and one emulator, on a free port of 127.0.0.1.
type Proxy struct {
	URL string

	reverse *httputil.ReverseProxy
	server  *http.Server

	mu    sync.Mutex
	total cost.Usage
}

// New returns a proxy for the emulator at a URL. It works until Close.
func New(emulator string) (*Proxy, error) {
	target, err := url.Parse(emulator)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it listens at once or not at all
	if err != nil {
		return nil, err
	}
	silent := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // contenders are stopped amid their calls
	p := &Proxy{URL: "http://" + listener.Addr().String(), total: cost.Usage{Calls: map[cost.Operation]int64{}}}
	p.reverse = &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:      &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true},
		ModifyResponse: p.answered, ErrorLog: silent,
	}
	p.server = &http.Server{Handler: p, ErrorLog: silent, ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(listener) }() // until Close
	return p, nil
}

// Close ends it, with the calls in progress.
func (p *Proxy) Close() { _ = p.server.Close() }

// Usage is what was used until now.
func (p *Proxy) Usage() cost.Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total.Sub(cost.Usage{}) // a copy
}

// call is a request on its way.
type call struct {
	operation cost.Operation
	request   []byte
}

type callKey struct{}

// ServeHTTP counts a call when it comes: a long poll that is never answered is
// one too.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c := &call{operation: operation(r, body), request: body}
	p.add(cost.Usage{Calls: map[cost.Operation]int64{c.operation: 1}})
	if c.operation.Service == dynamoDB {
		body = askForCapacity(body)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	p.reverse.ServeHTTP(w, r.WithContext(withCall(r.Context(), c)))
}

// operation is in a header, or in a form in the older protocol of SQS.
func operation(r *http.Request, body []byte) cost.Operation {
	service, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !ok {
		form, _ := url.ParseQuery(string(body)) // what is none has no Action
		return cost.Operation{Service: simpleQueue, Name: form.Get("Action")}
	}
	if strings.HasPrefix(service, dynamoDB) {
		return cost.Operation{Service: dynamoDB, Name: name}
	}
	return cost.Operation{Service: simpleQueue, Name: name}
}
