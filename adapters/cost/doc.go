// Package cost counts what calls to SQS and DynamoDB cost, in the clients of the
// AWS SDK: put a [Meter] on the configuration that they are made from.
//
//	var meter cost.Meter
//	meter.Watch(&cfg)
//	broker := sqs.New(awssqs.NewFromConfig(cfg), queueURL)
//	// …
//	fmt.Println(meter.Usage().Dollars())
//
// # What is counted
//
// Each attempt that the service may have seen is a call: AWS bills the SDK's
// retries like any other. One that found no connection is none. Over an HTTP
// client that is not net/http's, calls without an answer are not seen.
//
// SQS bills each 64 KiB of the payload of a call: [SQSRequests]. The payload is
// taken to be the bodies and attributes of the messages that a call sends or
// receives.
//
// DynamoDB says how much it consumed, since the meter asks for it, and that figure is
// used, for a read unless what came back is more. Where it gives none, as an emulator
// does for statements, units are computed from the items that are known: [WriteUnits],
// [ReadUnits], [ItemSize]. A write is charged for the larger of the old and the new item, so
// where an update's item is not returned, what it left as it was is missing from a
// computed figure. A failed condition is charged like the write that it prevented, by
// the larger item; other refusals are free. See
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html.
//
// DynamoDB's transactions, queries, scans and single statements, and all other
// services, count as calls, not as units or dollars. Storage, data transfer, KMS and
// what SQS takes more for requests with messages of goflow.FairKey are not counted.
//
// # Dollars
//
// One table has all prices, with their source: [USEast1].
package cost
