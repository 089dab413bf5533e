package cloud

import (
	"bytes"
	"context"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/internal/simulation/wire"
)

// SDK returns what the process calls SQS and DynamoDB by in a cloud that is behind
// the wire: the SDK's real clients.
func (p *Process) SDK() (sqs.API, dynamo.API) {
	transport := wire.New(p.Queues(), p.Table(), fault)
	transport.SetSkew(p.Cloud.Skew)
	queues, tables := wire.Clients(socket{p: p, to: transport}, p.backoff)
	return sdkQueues{Client: queues, seen: p.Queues()}, tables
}

// backoff depends on the instant, and not on who else has asked: no call but those
// of one process can fail at the same one, and their next requests are on their way
// for different times.
func (p *Process) backoff(attempt int) time.Duration {
	h := fnv.New64a()
	_, _ = io.WriteString(h, p.Name+strconv.FormatInt(time.Now().UnixNano(), 36)) // never fails
	r := rand.New(rand.NewPCG(p.Cloud.seed, h.Sum64()))                           //nolint:gosec // a seed has to repeat it
	return between(r, 10*time.Millisecond, 200*time.Millisecond<<attempt)
}

// sdkQueues is SQS's client of a process whose leases are watched.
type sdkQueues struct {
	*awssqs.Client

	seen Queues
}

// ChangeMessageVisibilityBatch sets when leases end. Whether one is over counts now,
// and not when the request arrives.
func (q sdkQueues) ChangeMessageVisibilityBatch(ctx context.Context, in *awssqs.ChangeMessageVisibilityBatchInput, optFns ...func(*awssqs.Options)) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
	for _, e := range in.Entries {
		q.seen.touched(*in.QueueUrl, *e.ReceiptHandle)
	}
	began := time.Now()
	out, err := q.Client.ChangeMessageVisibilityBatch(ctx, in, optFns...)
	if err == nil {
		q.seen.learned(in, out, began)
	}
	return out, err
}

// socket lets the requests of a process through while it runs.
type socket struct {
	p  *Process
	to *wire.Transport
}

// Do carries out one request. What happens to it is drawn from a stream that the
// process, the operation and the body name.
func (s socket) Do(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	operation, about := request.Header.Get("X-Amz-Target"), letters(body)
	if operation == receive { // how many slots are free is chance, too, and a process makes one at a time
		about = ""
	}
	r := s.p.Cloud.Stream(s.p.Name, operation, about)
	waking := rand.New(rand.NewPCG(r.Uint64(), 0)) //nolint:gosec // a seed has to repeat it
	if !s.p.Runs(waking, momentOfCalls) {
		return nil, errOver
	}
	sent := request.WithContext(context.WithValue(request.Context(), sending{}, &sending{p: s.p, r: r}))
	sent.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := s.to.Do(sent)
	if !s.p.Runs(waking, momentOfCalls) {
		return nil, errOver
	}
	return answer, err
}

// receive is how a request says that it is one for messages.
const receive = "AmazonSQS.ReceiveMessage"

// letters says how often each byte is in a body: in which order the SDK writes the
// attributes of a message, or the adapter the items of a batch, is chance.
func letters(body []byte) string {
	var counts [1 << 8]byte
	for _, b := range body {
		counts[b]++
	}
	return string(counts[:])
}

// sending is a request on its way to the wire, as its context has it.
type sending struct {
	p *Process
	r *rand.Rand
}

// onTheWire is what a fault of the weather looks like on the wire.
type onTheWire struct {
	is Fault
	as []wire.Fault
}

func faults() []onTheWire {
	return []onTheWire{
		{Refused, []wire.Fault{{Kind: wire.Refused}, {Kind: wire.CutBefore}}},
		{LostAnswer, []wire.Fault{{Kind: wire.CutAfter}, {Kind: wire.Truncated}}},
		{Throttled, []wire.Fault{{Kind: wire.Rejected}, {Kind: wire.Failed, Status: http.StatusTooManyRequests}}},
		{ServerError, []wire.Fault{
			{Kind: wire.Failed},
			{Kind: wire.Failed, Status: http.StatusServiceUnavailable, Body: "<h1>Service Unavailable</h1>"},
			{Kind: wire.FailedAfter},
			{Kind: wire.FailedAfter, Status: http.StatusGatewayTimeout, Body: "<h1>Gateway Timeout</h1>"},
		}},
	}
}

// fault draws what the wire does to a request.
func fault(ctx context.Context, operation string) (f wire.Fault) {
	s, ok := ctx.Value(sending{}).(*sending)
	if !ok {
		panic("a request came without its process") // all come through a socket
	}
	w := s.p.Cloud.Weather
	before, after := way(s.r, w), way(s.r, w)
	if took := before + after; took > 2*longest { // so it is slow
		s.p.suffers(Slow, took.String()+" "+operation)
	}
	for _, may := range faults() {
		hit, as := w.Strikes(s.r, may.is), may.as[s.r.IntN(len(may.as))]
		if hit && f.Kind == wire.None {
			f = as
			s.p.suffers(may.is, string(as.Kind)+" "+operation)
		}
	}
	if w.out(isOfQueues(operation)) {
		f = wire.Fault{Kind: wire.Failed, Status: http.StatusServiceUnavailable}
	}
	f.Before, f.After = before, after
	return f
}

func isOfQueues(operation string) bool {
	switch operation {
	case "BatchExecuteStatement", "BatchGetItem", "DescribeTable":
		return false
	}
	return true
}
