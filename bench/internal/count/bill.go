package count

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/jamesTait-jt/goflow/adapters/cost"
)

// As they are called in the SDK, and so in a cost.Operation.
const (
	simpleQueue = "SQS"
	dynamoDB    = "DynamoDB"
)

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// answered reads an answer, adds what AWS would charge, and passes it on.
func (p *Proxy) answered(r *http.Response) error {
	c, ok := r.Request.Context().Value(callKey{}).(*call)
	if !ok {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return err
	}
	_ = r.Body.Close() // it was read
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	p.add(charged(c.operation, c.request, body, r.StatusCode == http.StatusOK))
	return nil
}

func (p *Proxy) add(u cost.Usage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for op, n := range u.Calls {
		p.total.Calls[op] += n
	}
	p.total.StandardRequests += u.StandardRequests
	p.total.WriteUnits += u.WriteUnits
	p.total.ReadUnits += u.ReadUnits
}

// charged is what one call costs on AWS, without the call itself.
func charged(op cost.Operation, request, answer []byte, fine bool) cost.Usage {
	if op.Service == simpleQueue {
		return cost.Usage{StandardRequests: cost.SQSRequests(payload(request) + payload(answer))}
	}
	if !fine {
		return refused(answer)
	}
	switch op.Name {
	case "GetItem", "BatchGetItem", "Query", "Scan":
		return cost.Usage{ReadUnits: reported(answer)}
	case "BatchExecuteStatement":
		return statements(request, answer)
	}
	return cost.Usage{WriteUnits: reported(answer)}
}

// refused: a condition that failed is charged like a write, nothing else is.
func refused(answer []byte) cost.Usage {
	if strings.Contains(string(answer), "ConditionalCheckFailed") {
		return cost.Usage{WriteUnits: cost.WriteUnits(0)}
	}
	return cost.Usage{}
}

// message is one that is sent or received, alone or in a batch. No contender sends
// binary attributes.
type message struct {
	Sent       string                      `json:"MessageBody"`
	Received   string                      `json:"Body"`
	Attributes map[string]messageAttribute `json:"MessageAttributes"`
}

type messageAttribute struct {
	Type string `json:"DataType"`
	Text string `json:"StringValue"`
}

// payload is how many bytes of messages a request or an answer carries.
func payload(body []byte) (size int) {
	var all struct {
		message
		Entries  []message `json:"Entries"`
		Messages []message `json:"Messages"`
	}
	if json.Unmarshal(body, &all) != nil {
		return 0 // a form or XML: one request, whatever its size
	}
	for _, m := range append(append(all.Entries, all.Messages...), all.message) {
		size += len(m.Sent) + len(m.Received)
		for name, a := range m.Attributes {
			size += len(name) + len(a.Type) + len(a.Text)
		}
	}
	return size
}
