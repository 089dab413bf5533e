package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// Bytes besides payload and result, of a task without headers whose type has 16
// letters: docs/wire-format.md and adapters/dynamo have the formats.
const (
	envelopeBytes = 72 + 16
	recordBytes   = 32
	storedBytes   = 100 // that DynamoDB adds to each item that it stores
)

const (
	mostPayload = 1<<20 - 8<<10
	mostResult  = 400<<10 - 512
	month       = 30 * 24 * time.Hour
	tasks       = 1_000_000
)

// costing is stats --cost.
type costing struct {
	on              bool
	payload, result int // bytes
	meter           cost.Meter
}

func (c *costing) flags(f *pflag.FlagSet) {
	f.BoolVar(&c.on, "cost", false, "also print what this command, a million tasks and an idle worker cost on AWS")
	f.IntVar(&c.payload, "payload", 100, "with --cost: the `bytes` of a task's payload")
	f.IntVar(&c.result, "result", 100, "with --cost: the `bytes` of its result")
}

func (c *costing) check(f *pflag.FlagSet) error {
	switch {
	case !c.on && (f.Changed("payload") || f.Changed("result")):
		return config.Errorf("--payload and --result are for --cost: give that too")
	case c.payload < 0 || c.payload > mostPayload:
		return config.Errorf("--payload %d: give 0 to %d bytes", c.payload, mostPayload)
	case c.result < 0 || c.result > mostResult:
		return config.Errorf("--result %d: give 0 to %d bytes", c.result, mostResult)
	}
	return nil
}

// costs are what things cost, in dollars.
type costs struct {
	Command      used   `json:"command"`
	PayloadBytes int    `json:"payloadBytes"`
	ResultBytes  int    `json:"resultBytes"`
	Batched      way    `json:"millionTasksInFullBatches"`
	Single       way    `json:"millionTasksOneByOne"`
	Storage      stored `json:"millionRecordsStored"`
	Idle         idle   `json:"idleWorkerMonth"`
	PricesRegion string `json:"pricesRegion"`
	PricesDate   string `json:"pricesDate"`
	// Assumed is what the figures are for where the server does not say what it has.
	Assumed string `json:"assumed,omitempty"`
}

// used is what the command's own calls cost.
type used struct {
	Calls      map[string]int64 `json:"calls"`
	Requests   int64            `json:"sqsRequests"`
	WriteUnits float64          `json:"writeUnits"`
	ReadUnits  float64          `json:"readUnits"`
	Dollars    float64          `json:"dollars"`
}

// way is one of making a million tasks: push, receive, record, delete, read.
type way struct {
	CallsPerTask float64 `json:"callsPerTask"`
	SQS          float64 `json:"sqsDollars"`
	Writes       float64 `json:"writeDollars"`
	Reads        float64 `json:"readDollars"`
	Dollars      float64 `json:"dollars"`
}

type stored struct {
	Hours   float64 `json:"hours"`
	Dollars float64 `json:"dollars"`
}

type idle struct {
	Calls   int     `json:"calls"`
	Dollars float64 `json:"dollars"`
}

// of computes everything; ordered is whether the queue keeps order.
func (c *costing) of(ordered bool, recordTTL time.Duration) *costs {
	prices := cost.USEast1()
	request := prices.SQSStandard.Dollars
	if ordered {
		request = prices.SQSFIFO.Dollars
	}
	message, record := c.payload+envelopeBytes, c.result+recordBytes
	receives := int(month / goflow.DefaultPollWait)
	const gb = 1 << 30
	return &costs{
		Command:      usedBy(c.meter.Usage()),
		PayloadBytes: c.payload, ResultBytes: c.result,
		Batched: batched(message, record).priced(request),
		Single:  single(message, record).priced(request),
		Storage: stored{
			Hours:   recordTTL.Hours(),
			Dollars: rounded(tasks * float64(record+storedBytes) / gb * prices.StorageGBMonth.Dollars * float64(recordTTL) / float64(month)),
		},
		Idle:         idle{Calls: receives, Dollars: float64(receives) * request},
		PricesRegion: "us-east-1", PricesDate: prices.SQSStandard.Date,
	}
}

func usedBy(u cost.Usage) used {
	calls := map[string]int64{}
	for op, n := range u.Calls {
		calls[op.Service+"."+op.Name] = n
	}
	return used{
		Calls: calls, Requests: u.StandardRequests + u.FIFORequests, WriteUnits: u.WriteUnits, ReadUnits: u.ReadUnits, Dollars: u.Dollars(),
	}
}

// share is what one task has of calls, and of what they are billed.
type share struct{ calls, requests, writes, reads float64 }

// batched is that of a saturated pool whose results are read a hundred at a time:
// as many in a call as the services take.
func batched(message, record int) share {
	const mostSent, mostWritten, mostRead = 1 << 20, 12 << 20, 16 << 20
	together := min(port.MaxMessages, mostSent/message)
	written, read := min(port.MaxWrites, mostWritten/record), min(port.MaxReads, mostRead/record)
	carried := float64(cost.SQSRequests(together*message)) / float64(together)
	return share{
		calls:    2/float64(together) + 1/float64(port.MaxMessages) + 1/float64(written) + 1/float64(read),
		requests: 2*carried + 1/float64(port.MaxMessages),
		writes:   cost.WriteUnits(record), reads: cost.ReadUnits(record, false),
	}
}

// single is that of a task on its own, read once by Get.
func single(message, record int) share {
	return share{
		calls: 5, requests: float64(2*cost.SQSRequests(message) + 1),
		writes: cost.WriteUnits(record), reads: cost.ReadUnits(record, true),
	}
}

func (s share) priced(request float64) way {
	prices := cost.USEast1()
	w := way{
		CallsPerTask: rounded(s.calls), SQS: rounded(tasks * s.requests * request),
		Writes: rounded(tasks * s.writes * prices.WriteUnit.Dollars), Reads: rounded(tasks * s.reads * prices.ReadUnit.Dollars),
	}
	w.Dollars = rounded(w.SQS + w.Writes + w.Reads)
	return w
}

// rounded is without what binary fractions leave, as in 0.35000000000000003.
func rounded(f float64) float64 { return math.Round(f*1e9) / 1e9 }

func (c *costs) text() string {
	var calls int64
	for _, n := range c.Command.Calls {
		calls += n
	}
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, "\n"+format, args...) }
	line("cost       $%.7f  this command, %d calls", c.Command.Dollars, calls)
	for _, w := range []struct {
		way

		name string
	}{{c.Batched, "in full batches"}, {c.Single, "one by one"}} {
		line("           $%.4f     a million tasks %s, %.4g calls each: SQS %.4f, writes %.4f, reads %.4f",
			w.Dollars, w.name, w.CallsPerTask, w.SQS, w.Writes, w.Reads)
	}
	line("           $%.4f     storage of their records for %gh", c.Storage.Dollars, c.Storage.Hours)
	line("           $%.4f     an idle worker's month, %d receives", c.Idle.Dollars, c.Idle.Calls)
	line("for        payloads of %d and results of %d bytes, at %s's prices of %s, without the free tier",
		c.PayloadBytes, c.ResultBytes, c.PricesRegion, c.PricesDate)
	if c.Assumed != "" {
		line("assumed    %s: the server does not say whether its own is FIFO", c.Assumed)
	}
	return b.String()
}
