package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// meter counts what is asked of AWS.
type meter struct {
	next  aws.HTTPClient
	dials atomic.Int64

	mu      sync.Mutex
	counts  map[string]int
	dollars float64
}

// metered puts a meter into a configuration.
func metered(cfg *aws.Config) *meter {
	client, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		client = awshttp.NewBuildableClient()
	}
	m := &meter{counts: map[string]int{}}
	m.next = client.WithTransportOptions(func(t *http.Transport) {
		dial := t.DialContext
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			m.dials.Add(1)
			return dial(ctx, network, address)
		}
	})
	cfg.HTTPClient = m
	return m
}

// Do counts a request and makes it.
func (m *meter) Do(r *http.Request) (*http.Response, error) {
	target := r.Header.Get("X-Amz-Target")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	m.mu.Lock()
	m.counts[target[strings.LastIndexByte(target, '.')+1:]]++
	m.dollars += price(target, body)
	m.mu.Unlock()
	return m.next.Do(r)
}

// price is about what a request costs: PROVISIONAL, until adapters/cost is there.
func price(target string, body []byte) float64 {
	if strings.HasPrefix(target, "AmazonSQS") {
		return 0.4e-6 * float64(1+len(body)/(64<<10))
	}
	var in struct {
		Statements   []json.RawMessage
		RequestItems map[string]struct{ Keys []json.RawMessage }
	}
	_ = json.Unmarshal(body, &in)
	units := 0.0
	for _, s := range in.Statements {
		units += 0.625e-6 * float64(1+len(s)/1400)
	}
	for _, t := range in.RequestItems {
		units += 0.0625e-6 * float64(len(t.Keys))
	}
	return units
}

// bill is what has been counted.
type bill struct {
	calls   map[string]int
	total   int
	dollars float64
	dials   int
}

func (m *meter) bill() bill {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := bill{calls: map[string]int{}, dollars: m.dollars, dials: int(m.dials.Load())}
	for op, n := range m.counts {
		b.calls[op] = n
		b.total += n
	}
	return b
}
