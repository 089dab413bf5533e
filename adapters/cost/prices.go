package cost

// Price is what one unit costs, before the free tier and any discount.
type Price struct {
	Dollars float64 // US dollars a unit
	Source  string  // where AWS says it
	Date    string  // when it was last compared
}

// Prices are those that a [Usage] has use for.
type Prices struct {
	SQSStandard    Price // a request to a standard queue, of at most 64 KiB
	SQSFIFO        Price // the same to a queue that keeps order
	WriteUnit      Price // DynamoDB's write request unit, on demand
	ReadUnit       Price // its read request unit, on demand
	StorageGBMonth Price // a GB of DynamoDB for a month, beyond the first 25
	LambdaRequest  Price // an invocation
	LambdaGBSecond Price // a GB for a second, on arm64
}

const million = 1e6

// USEast1 is the one table of prices, those of us-east-1. Other regions cost up to
// a few tenths more, and the prices of requests fall from 100 billion a month on.
func USEast1() Prices {
	const (
		sqs      = "https://aws.amazon.com/sqs/pricing/"
		dynamodb = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
		lambda   = "https://aws.amazon.com/lambda/pricing/"
		compared = "2026-06-13"
	)
	return Prices{
		SQSStandard:    Price{0.40 / million, sqs, compared},
		SQSFIFO:        Price{0.50 / million, sqs, compared},
		WriteUnit:      Price{0.625 / million, dynamodb, compared},
		ReadUnit:       Price{0.125 / million, dynamodb, compared},
		StorageGBMonth: Price{0.25, dynamodb, compared},
		LambdaRequest:  Price{0.20 / million, lambda, compared},
		LambdaGBSecond: Price{0.0000133334, lambda, compared},
	}
}
