package faults

import (
	"encoding/json"
	"errors"
	"fmt"
)

// object is a part of JSON of which only some is looked at.
type object = map[string]json.RawMessage

// errNoBatch says that a request has no items that could fail.
var errNoBatch = errors.New("faults: not a batch")

// batch is a request of several items of which some are to fail.
type batch struct {
	request object
	field   string // that has the items
	fail    func(answer object, failed map[int]json.RawMessage, n int) error
	items   []json.RawMessage
}

// newBatch reads a request; errNoBatch if it has no items.
func newBatch(op string, body []byte) (*batch, error) {
	b := &batch{}
	switch op {
	case "BatchExecuteStatement":
		b.field, b.fail = "Statements", failStatements
	case "SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch":
		b.field, b.fail = "Entries", failEntries
	default:
		return nil, errNoBatch
	}
	if err := json.Unmarshal(body, &b.request); err != nil {
		return nil, fmt.Errorf("faults: %s: %w", op, err)
	}
	if err := json.Unmarshal(b.request[b.field], &b.items); err != nil {
		return nil, fmt.Errorf("faults: %s of %s: %w", b.field, op, err)
	}
	if len(b.items) == 0 {
		return nil, errNoBatch
	}
	return b, nil
}

// part takes the items out that are unlucky, at least one of them, and not all
// unless there is one only. It returns the request without them, which is nil
// when nothing is left of it, and what puts them into its answer.
func (b *batch) part(unlucky func() bool) (rest []byte, mend func(body []byte) ([]byte, error), err error) {
	failed, others := b.split(unlucky)
	if len(others) > 0 {
		if err := put(b.request, b.field, others); err != nil {
			return nil, nil, err
		}
		if rest, err = json.Marshal(b.request); err != nil {
			return nil, nil, err
		}
	}
	return rest, func(body []byte) ([]byte, error) {
		answer := object{}
		if err := json.Unmarshal(body, &answer); err != nil {
			return nil, fmt.Errorf("faults: answer: %w", err)
		}
		if err := b.fail(answer, failed, len(b.items)); err != nil {
			return nil, err
		}
		return json.Marshal(answer)
	}, nil
}

// split sorts the items out.
func (b *batch) split(unlucky func() bool) (failed map[int]json.RawMessage, others []json.RawMessage) {
	failed = map[int]json.RawMessage{}
	for i, item := range b.items {
		fails := unlucky()
		if i == len(b.items)-1 { // there have to be both
			fails = len(failed) == 0 || fails && len(others) > 0
		}
		if fails {
			failed[i] = item
		} else {
			others = append(others, item)
		}
	}
	return failed, others
}

// failStatements puts a throttle where each of the failed would be in the answer.
func failStatements(answer object, failed map[int]json.RawMessage, n int) error {
	const throttled = `{"Error":{"Code":"ThrottlingError","Message":"Throughput exceeds the current capacity of your table or index."}}`
	var others, all []json.RawMessage
	if had, ok := answer["Responses"]; ok {
		if err := json.Unmarshal(had, &others); err != nil {
			return fmt.Errorf("faults: Responses: %w", err)
		}
	}
	if len(others) != n-len(failed) {
		return fmt.Errorf("faults: %d Responses to %d statements", len(others), n-len(failed))
	}
	for i := range n {
		if _, ok := failed[i]; ok {
			all = append(all, json.RawMessage(throttled))
			continue
		}
		all, others = append(all, others[0]), others[1:]
	}
	return put(answer, "Responses", all)
}

// failEntries adds the failed to those of a batch of SQS.
func failEntries(answer object, failed map[int]json.RawMessage, n int) error {
	type failure struct {
		ID          string `json:"Id"`
		SenderFault bool   `json:"SenderFault"`
		Code        string `json:"Code"`
		Message     string `json:"Message"`
	}
	var all []json.RawMessage
	if had, ok := answer["Failed"]; ok {
		if err := json.Unmarshal(had, &all); err != nil {
			return fmt.Errorf("faults: Failed: %w", err)
		}
	}
	for i := range n {
		entry, ok := failed[i]
		if !ok {
			continue
		}
		f := failure{Code: "InternalError", Message: "We encountered an internal error. Please try again."}
		if err := json.Unmarshal(entry, &f); err != nil {
			return fmt.Errorf("faults: entry: %w", err)
		}
		made, err := json.Marshal(f)
		if err != nil {
			return err
		}
		all = append(all, made)
	}
	return put(answer, "Failed", all)
}

func put(o object, field string, all []json.RawMessage) (err error) {
	o[field], err = json.Marshal(all)
	return err
}
