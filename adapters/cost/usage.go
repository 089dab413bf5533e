package cost

import "maps"

// Operation is one of a service's, as {"SQS", "SendMessageBatch"}.
type Operation struct{ Service, Name string }

// Usage is what was used: a value of its own, which no later call changes.
type Usage struct {
	// Calls are HTTP requests by operation. Each attempt of the SDK is one.
	Calls map[Operation]int64
	// Connections are new ones, TCP's. A call that finds one open makes none.
	Connections int64
	// StandardRequests and FIFORequests are those that SQS bills, [SQSRequests]
	// for each call.
	StandardRequests, FIFORequests int64
	// WriteUnits and ReadUnits are DynamoDB's request units.
	WriteUnits, ReadUnits float64
}

// Requests is the number of all calls.
func (u Usage) Requests() int64 {
	var n int64
	for _, calls := range u.Calls {
		n += calls
	}
	return n
}

// Sub is what was used since an earlier usage of the same meter.
func (u Usage) Sub(earlier Usage) Usage {
	u.Calls = maps.Clone(u.Calls)
	for op, calls := range earlier.Calls {
		if u.Calls[op] -= calls; u.Calls[op] == 0 {
			delete(u.Calls, op)
		}
	}
	u.Connections -= earlier.Connections
	u.StandardRequests -= earlier.StandardRequests
	u.FIFORequests -= earlier.FIFORequests
	u.WriteUnits -= earlier.WriteUnits
	u.ReadUnits -= earlier.ReadUnits
	return u
}

// Dollars is the price of it all, by [USEast1].
func (u Usage) Dollars() float64 { return u.SQSDollars() + u.DynamoDBDollars() }

// SQSDollars is the price of the requests to SQS, by [USEast1].
func (u Usage) SQSDollars() float64 {
	p := USEast1()
	return float64(u.StandardRequests)*p.SQSStandard.Dollars + float64(u.FIFORequests)*p.SQSFIFO.Dollars
}

// DynamoDBDollars is the price of the units of DynamoDB, by [USEast1].
func (u Usage) DynamoDBDollars() float64 {
	p := USEast1()
	return u.WriteUnits*p.WriteUnit.Dollars + u.ReadUnits*p.ReadUnit.Dollars
}
