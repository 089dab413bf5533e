package wire

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"testing/iotest"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// answer is one on its way back. Only the first readable bytes of its body arrive.
type answer struct {
	status   int
	header   http.Header
	body     []byte
	readable int
}

// plain is an answer of something that knows no AWS.
func plain(status int, body string) *answer {
	header := http.Header{"Content-Type": {"text/html"}}
	return &answer{status: status, header: header, body: []byte(body), readable: len(body)}
}

// json is an answer of the service itself.
func (s *service) json(status int, body []byte, now time.Time) *answer {
	header := http.Header{
		"Content-Type":     {"application/x-amz-json-1.0"},
		"Date":             {now.UTC().Format(http.TimeFormat)},
		"X-Amzn-Requestid": {"00000000-0000-0000-0000-000000000000"},
	}
	if s.checksums {
		header.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	}
	return &answer{status: status, header: header, body: body, readable: len(body)}
}

// failure is how the service tells of an error: with the status and, for SQS, the
// older name that its model has for it.
func (s *service) failure(err smithy.APIError, now time.Time) *answer {
	status, fault := http.StatusBadRequest, "Sender"
	if err.ErrorFault() == smithy.FaultServer {
		status, fault = http.StatusInternalServerError, "Receiver"
	}
	code, older := err.ErrorCode(), err.ErrorCode()
	if entry, ok := s.types.LookupEntry(code); ok {
		if modeled, ok := smithy.SchemaTrait[*traits.HTTPError](entry.Schema); ok {
			status = modeled.Code
		}
		if query, ok := smithy.SchemaTrait[*traits.AWSQueryError](entry.Schema); ok {
			older = query.ErrorCode
		}
	}
	body, _ := json.Marshal(map[string]string{"__type": s.namespace + "#" + code, "message": err.ErrorMessage()}) // strings never fail
	a := s.json(status, body, now)
	if s.queryErrors {
		a.header.Set("X-Amzn-Query-Error", older+";"+fault)
	}
	return a
}

// http is the answer as an HTTP client returns it.
func (a *answer) http(r *http.Request) *http.Response {
	var body io.Reader = bytes.NewReader(a.body[:a.readable])
	if a.readable < len(a.body) {
		body = io.MultiReader(body, iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
	return &http.Response{
		Status:     strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode: a.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        a.header,
		ContentLength: int64(len(a.body)),
		Body:          io.NopCloser(body),
		Request:       r,
	}
}
