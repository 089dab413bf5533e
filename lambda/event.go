package lambda

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// batch reads an event's records. A queue whose name ends in .fifo is one that
// keeps order; elsewhere a group is only about fairness.
func batch(records []events.SQSMessage) goflow.Batch {
	b := goflow.Batch{Deliveries: make([]goflow.Delivery, len(records))}
	for i := range records {
		b.Deliveries[i] = delivery(&records[i])
		b.Ordered = b.Ordered || strings.HasSuffix(records[i].EventSourceARN, ".fifo")
	}
	return b
}

// delivery is a record as the adapter's Receive would have returned it. Nobody
// knows when its lease ends: it is the queue's, and counts from before the
// event.
func delivery(r *events.SQSMessage) goflow.Delivery {
	_, moved := r.Attributes["DeadLetterQueueSourceArn"]
	return goflow.Delivery{
		Message: port.Message{
			ID:         r.MessageId,
			Body:       []byte(r.Body),
			Attributes: texts(r.MessageAttributes),
			Group:      r.Attributes["MessageGroupId"],
		},
		Receives:        int(number(r, "ApproximateReceiveCount")),
		Moved:           moved,
		SentAt:          instant(r, "SentTimestamp"),
		FirstReceivedAt: instant(r, "ApproximateFirstReceiveTimestamp"),
		Handle:          r.ReceiptHandle,
	}
}

// texts returns the attributes that hold text.
func texts(attrs map[string]events.SQSMessageAttribute) map[string]string {
	out := make(map[string]string, len(attrs))
	for name, value := range attrs {
		if value.StringValue != nil {
			out[name] = *value.StringValue
		}
	}
	return out
}

// number returns a system attribute, or 0 where it is missing.
func number(r *events.SQSMessage, name string) int64 {
	n, err := strconv.ParseInt(r.Attributes[name], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// lastInstant is the end of the year 9999, the last that JSON and RFC 3339 can say.
const lastInstant = 253_402_300_799_999

// instant returns a system attribute that is a time in epoch milliseconds.
func instant(r *events.SQSMessage, name string) time.Time {
	if ms := number(r, name); ms > 0 && ms <= lastInstant {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}
