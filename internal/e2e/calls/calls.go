// Package calls notes what a program asks of AWS, for tests that compare it with
// what the program may ask.
package calls

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	target := req.Header.Get("X-Amz-Target")
	if form, err := url.ParseQuery(string(body)); err == nil && target == "" {
		target = form.Get("Version") + "." + form.Get("Action") // CloudFormation's older protocol
		body = fmt.Appendf(nil, `{"StackName":%q}`, form.Get("StackName"))
	}
	if err := r.note(target, body); err != nil {
		return nil, err
	}
	return r.Next.RoundTrip(req)
}

// note appends one line for an operation and each place that it is about.
func (r Recorder) note(target string, body []byte) error {
	operation := target[strings.LastIndex(target, ".")+1:]
	var lines strings.Builder
	for _, place := range places(body) {
		lines.WriteString(operation + place + "\n")
	}
	return Append(r.File, lines.String())
}

// Append adds text to the end of a file.
func Append(name, text string) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // a test's own file
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// places are the statements' verbs and tables, else the queue or tables.
func places(body []byte) (places []string) {
	var in struct {
		QueueURL   string `json:"QueueUrl"`
		QueueName  string `json:"QueueName"`
		TableName  string `json:"TableName"`
		StackName  string `json:"StackName"`
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
	for _, name := range []string{in.QueueURL[strings.LastIndex(in.QueueURL, "/")+1:], in.QueueName, in.TableName, in.StackName} {
		if name != "" {
			places = append(places, " "+name)
		}
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
		"DescribeTable":                "dynamodb:DescribeTable",
		"DescribeStacks":               "cloudformation:DescribeStacks",
	}[operation]
}
