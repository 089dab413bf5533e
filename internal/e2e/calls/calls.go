// Package calls notes what a program asks of AWS, for tests that compare it with
// what the program may ask.
package calls

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
)

// Recorder is an HTTP transport that appends each request as one line to File.
type Recorder struct {
	File string
	Next http.RoundTripper
}

// RoundTrip notes the request, then makes it.
func (r Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	if err := r.note(req.Header.Get("X-Amz-Target"), body); err != nil {
		return nil, err
	}
	return r.Next.RoundTrip(req)
}

// note appends one line for an operation and each place that it is about.
func (r Recorder) note(target string, body []byte) error {
	file, err := os.OpenFile(r.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // written to below, and nothing is buffered
	_, operation, _ := strings.Cut(target, ".")
	for _, place := range places(body) {
		if _, err := fmt.Fprintf(file, "%s%s\n", operation, place); err != nil {
			return err
		}
	}
	return nil
}

// places are the statements' verbs and tables, else the queue or tables.
func places(body []byte) (places []string) {
	var in struct {
		QueueURL   string `json:"QueueUrl"`
		Statements []struct {
			Text string `json:"Statement"`
		} `json:"Statements"`
		Tables map[string]any `json:"RequestItems"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return []string{" unreadable"}
	}
	for _, s := range in.Statements {
		places = append(places, statement(s.Text))
	}
	for table := range in.Tables {
		places = append(places, " "+table)
	}
	if in.QueueURL != "" {
		places = append(places, " "+in.QueueURL[strings.LastIndex(in.QueueURL, "/")+1:])
	}
	return places
}

var partiQL = regexp.MustCompile(`^\s*(\w+)\s+(?:INTO\s+|FROM\s+)?"([^"]+)"`)

func statement(text string) string {
	m := partiQL.FindStringSubmatch(text)
	if m == nil {
		return "/unreadable"
	}
	return "/" + strings.ToUpper(m[1]) + " " + m[2]
}

// Action is the IAM action that an operation takes, as Read returns it; "" for
// one that nobody has thought of.
func Action(operation string) string {
	return map[string]string{
		"SendMessageBatch":             "sqs:SendMessage",
		"ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
		"GetQueueAttributes":           "sqs:GetQueueAttributes",
		"GetQueueUrl":                  "sqs:GetQueueUrl",
		"BatchExecuteStatement/INSERT": "dynamodb:PartiQLInsert",
		"BatchExecuteStatement/UPDATE": "dynamodb:PartiQLUpdate",
		"BatchExecuteStatement/SELECT": "dynamodb:PartiQLSelect",
		"BatchExecuteStatement/DELETE": "dynamodb:PartiQLDelete",
		"BatchGetItem":                 "dynamodb:BatchGetItem",
	}[operation]
}
