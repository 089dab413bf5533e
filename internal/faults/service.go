package faults

import (
	"fmt"
	"net/http"
	"strings"
)

// Service is what a Proxy stands in front of.
type Service string

// The services.
const (
	SQS      Service = "sqs"
	DynamoDB Service = "dynamodb"
)

// answer is how a service says that it does not do something.
type answer struct {
	status  int
	code    string // with its namespace, as the service spells it
	message string
}

// answers are what each service says. SQS repeats the code without a namespace in
// a header, for clients of its older protocol.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
func (s Service) answers() map[Kind]answer {
	const expired = "The security token included in the request is expired"
	if s == SQS {
		return map[Kind]answer{
			Error500: {http.StatusInternalServerError, "com.amazonaws.sqs#InternalFailure", "The request processing has failed because of an unknown error."},
			Throttle: {http.StatusBadRequest, "com.amazonaws.sqs#RequestThrottled", "The request was denied due to request throttling."},
			Expired:  {http.StatusForbidden, "com.amazon.coral.service#ExpiredTokenException", expired},
		}
	}
	const throughput = "The level of configured provisioned throughput for the table was exceeded. " +
		"Consider increasing your provisioning level with the UpdateTable API."
	return map[Kind]answer{
		Error500: {http.StatusInternalServerError, "com.amazonaws.dynamodb.v20120810#InternalServerError", "Internal server error"},
		Throttle: {http.StatusBadRequest, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", throughput},
		Expired:  {http.StatusBadRequest, "com.amazon.coral.service#ExpiredTokenException", expired},
	}
}

// write answers a request. What says 503 is no service, but stands in front of one.
func (s Service) write(w http.ResponseWriter, kind Kind) {
	if kind == Error503 {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprint(w, "<html><body><b>Http/1.1 Service Unavailable</b></body></html>") // whoever asked has gone
		return
	}
	a := s.answers()[kind]
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if s == SQS {
		bare := strings.TrimSuffix(a.code[strings.LastIndexByte(a.code, '#')+1:], "Exception")
		fault := "Sender"
		if a.status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		w.Header().Set("X-Amzn-Query-Error", bare+";"+fault)
	}
	w.WriteHeader(a.status)
	_, _ = fmt.Fprintf(w, `{"__type":%q,"message":%q}`, a.code, a.message) // whoever asked has gone
}

// operation is what a request asks for, such as "SendMessageBatch".
func operation(r *http.Request) string {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return op
}

// keyID is who signed a request; "": nobody did.
func keyID(r *http.Request) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	id, _, _ := strings.Cut(credential, "/")
	return id
}
