package goflowtest

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// BrokerFeatures says where brokers differ. The zero value of a field is the
// weaker promise: then the suite asserts less or leaves the subtest out.
type BrokerFeatures struct {
	// LeasesEnd: a delivery that is neither acked nor extended is handed out
	// again when its lease is over.
	LeasesEnd bool
	// KnowsLostLease: Extend under a lost lease answers port.ErrLeaseLost and
	// does not touch the lease that came after.
	KnowsLostLease bool
	// KnowsEndedLease: so it does under a lease that has ended when nobody has
	// received the message since.
	KnowsEndedLease bool
	// EnforcesLeaseOnAck: Ack under a lease that another delivery has replaced
	// leaves the message where it is.
	EnforcesLeaseOnAck bool
	// EnforcesMaxReceives: after BrokerOptions.MaxReceives receives the message
	// moves to BrokerOptions.DeadLetter.
	EnforcesMaxReceives bool
	// DeadLettersKeepSentAt: a message that the broker itself moved carries the
	// SentAt that it had before.
	DeadLettersKeepSentAt bool
	// EnforcesRetention: messages older than BrokerOptions.Retention are gone.
	EnforcesRetention bool
	// Blocks: Send blocks while BrokerOptions.Capacity messages are queued.
	Blocks bool
	// PollWaits: Receive returns nothing after BrokerOptions.PollWait.
	PollWaits bool
	// MaxMessageBytes is the largest message, body and attributes together. 0:
	// no limit.
	MaxMessageBytes int
	// MaxDelay is the longest delay; above it Send answers port.ErrInvalid. 0:
	// no limit.
	MaxDelay time.Duration
	// RefusesEleventhAttribute: port.ErrInvalid for more than ten attributes.
	RefusesEleventhAttribute bool
	// RefusesBadAttributes: port.ErrInvalid for a name outside
	// [A-Za-z0-9_.-]{1,256}, and for an empty value.
	RefusesBadAttributes bool
	// RefusesBadBodies: port.ErrInvalid for a body that is empty, is not UTF-8,
	// or holds control characters, U+FFFE or U+FFFF.
	RefusesBadBodies bool
	// Ordered: with BrokerOptions.Ordered the broker keeps the order of a group.
	Ordered bool
	// InProcess, Limiter, Orderer, Sizer and Checker are the extra powers of port.
	InProcess, Limiter, Orderer, Sizer, Checker bool
	// Granularity is what delays and leases are rounded up to. 0: they are exact.
	Granularity time.Duration
	// Slack is how much later than asked things may happen.
	Slack time.Duration
}

// StoreFeatures says where stores differ, as BrokerFeatures does for brokers.
type StoreFeatures struct {
	// MaxRecordBytes is the largest record. A result of half that size is
	// stored, one of twice that size is port.ErrTooLarge. 0: no limit.
	MaxRecordBytes int
	// RefusesForeignIDs: port.ErrInvalid for an ID that is not a UUID.
	RefusesForeignIDs bool
	// InProcess, Awaiter and Checker are the extra powers of port.
	InProcess, Awaiter, Checker bool
	// Slack is how much later than its end a claim may be taken by another.
	Slack time.Duration
}

// Row is a feature as one line of a table.
type Row struct{ Name, Value string }

// Rows returns every feature in order, for a table that a test compares:
// "yes" or "no", a number or a duration, and "no" for zero of any kind.
func (f BrokerFeatures) Rows() []Row { return Rows(f) }

// Rows returns every feature in order, as BrokerFeatures.Rows does.
func (f StoreFeatures) Rows() []Row { return Rows(f) }

// Rows returns the fields of a struct of features, as BrokerFeatures.Rows does.
func Rows(features any) []Row {
	v := reflect.ValueOf(features)
	out := make([]Row, 0, v.NumField())
	for i := range v.NumField() {
		out = append(out, Row{Name: words(v.Type().Field(i).Name), Value: cell(v.Field(i))})
	}
	return out
}

func cell(v reflect.Value) string {
	switch {
	case v.IsZero():
		return "no"
	case v.Kind() == reflect.Bool:
		return "yes"
	default:
		return fmt.Sprint(v.Interface())
	}
}

// words makes "KnowsLostLease" into "knows lost lease". Letters that stand
// together, as in ID, stay together.
func words(name string) string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		if lower && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
