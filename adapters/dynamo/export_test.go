package dynamo

import (
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Item is a row of the table.
type Item = item

// NewFake returns a Store over a fake.
func NewFake(a API, opts ...Option) *Store { return New(a, "tasks", opts...) }

// Encode makes a row of a record, as an INSERT does.
func Encode(rec port.Record) Item {
	row := item{}
	for _, a := range attributes(&rec) {
		if a.value != nil {
			row[a.name] = a.value
		}
	}
	return row
}

// Decode reads a row.
func Decode(id string, row Item) port.Record { return decode(id, row) }

// Size is what DynamoDB counts for a record.
func Size(rec port.Record) int { return itemSize(attributes(&rec)) }

// Correction is what the clock is corrected by when a Date header shows a skew.
func Correction(measured time.Duration) time.Duration { return correction(measured) }
