// Package metrics shows Prometheus what a program uses of AWS.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/jamesTait-jt/goflow/adapters/cost"
)

// Handler answers GET with what m has counted, in Prometheus's text format.
func Handler(m *cost.Meter) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCollector(m))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// collector reads the meter when it is asked.
type collector struct {
	meter                              *cost.Meter
	calls, units, dollars, connections *prometheus.Desc
}

func newCollector(m *cost.Meter) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("goflow_aws_"+name, help, labels, nil)
	}
	return &collector{
		meter:       m,
		calls:       desc("calls_total", "HTTP requests to AWS, the SDK's retries included.", "service", "operation"),
		units:       desc("billed_units_total", "What AWS bills: SQS's requests of 64 KiB, DynamoDB's write and read request units.", "service", "unit"),
		dollars:     desc("dollars_total", "Its price in US dollars, by the on-demand prices of us-east-1 without free tier.", "service"),
		connections: desc("connections_total", "TCP connections that were opened for these requests."),
	}
}

// Describe says which metrics there are.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.calls, c.units, c.dollars, c.connections} {
		to <- d
	}
}

// Collect gives their values.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	const sqs, dynamodb = "SQS", "DynamoDB"
	u := c.meter.Usage()
	count := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
	}
	for op, calls := range u.Calls {
		count(c.calls, float64(calls), op.Service, op.Name)
	}
	count(c.units, float64(u.StandardRequests), sqs, "standard_request")
	count(c.units, float64(u.FIFORequests), sqs, "fifo_request")
	count(c.units, u.WriteUnits, dynamodb, "write_unit")
	count(c.units, u.ReadUnits, dynamodb, "read_unit")
	count(c.dollars, u.SQSDollars(), sqs)
	count(c.dollars, u.DynamoDBDollars(), dynamodb)
	count(c.connections, float64(u.Connections))
}
