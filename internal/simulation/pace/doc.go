// Package pace runs the real core and the real adapters over the simulated cloud
// without faults, in fake time, where calls take as long as those of AWS, and
// measures what comes of that: rates, latencies, and how full batches are. The code
// itself takes no time, so the figures are what the design allows, whatever the
// machine; and they are the same in every run, to the last digit.
//
// Calls to SQS take 10 ms and those to DynamoDB 5 ms, within a tenth, and one of a
// hundred eight times that. These are assumptions: AWS publishes no such figures but
// "single-digit millisecond" for DynamoDB
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Introduction.html).
package pace
