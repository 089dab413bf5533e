package goflow

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// wireVersion is the envelope's version; docs/wire-format.md specifies it.
const wireVersion = 1

// envelope is a message's body. Between in-process ports it travels as it is,
// with the payload in value.
type envelope struct {
	Version int               `json:"v"`
	ID      string            `json:"id,omitempty"`
	Type    string            `json:"type"`
	Payload json.RawMessage   `json:"payload,omitempty"`
	Codec   string            `json:"codec,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	TTL     int64             `json:"ttl,omitempty"`     // milliseconds
	Once    bool              `json:"once,omitempty"`    // run as if the job were Once
	Tracked bool              `json:"tracked,omitempty"` // it has a record, which any end has to end
	Unique  string            `json:"unique,omitempty"`  // ID of the row that the task may own as a key
	Options *wireOptions      `json:"options,omitempty"`

	value    any
	hasValue bool
	compact  bool // the payload is what marshal makes
}

// wireOptions are a push's own policy, in milliseconds.
type wireOptions struct {
	MaxAttempts int   `json:"maxAttempts,omitempty"`
	Timeout     int64 `json:"timeout,omitempty"`
	BackoffBase int64 `json:"backoffBase,omitempty"`
	BackoffCap  int64 `json:"backoffCap,omitempty"`
}

func newWireOptions(p policy) *wireOptions {
	if p == (policy{}) {
		return nil
	}
	return &wireOptions{
		MaxAttempts: p.maxAttempts,
		Timeout:     p.timeout.Milliseconds(),
		BackoffBase: p.backoffBase.Milliseconds(),
		BackoffCap:  p.backoffCap.Milliseconds(),
	}
}

// policy turns the options back, as if they had been given to a push: what a
// message asks for has the same bounds.
func (o *wireOptions) policy() (policy, error) {
	if o == nil {
		return policy{}, nil
	}
	return o.given()
}

func (o *wireOptions) given() (p policy, err error) {
	var opts []PolicyOption
	if o.MaxAttempts != 0 {
		opts = append(opts, MaxAttempts(o.MaxAttempts))
	}
	if o.Timeout != 0 {
		opts = append(opts, Timeout(milliseconds(o.Timeout)))
	}
	if o.BackoffBase != 0 || o.BackoffCap != 0 {
		opts = append(opts, Backoff(milliseconds(o.BackoffBase), milliseconds(o.BackoffCap)))
	}
	for _, opt := range opts {
		if err := opt(&p); err != nil {
			return policy{}, err
		}
	}
	return p, nil
}

// milliseconds caps what a message claims, so that no count overflows: one below
// zero would else turn into some time that there is.
func milliseconds(n int64) time.Duration {
	return time.Duration(min(max(n, -1), int64(1)<<40)) * time.Millisecond
}

// validType matches [A-Za-z0-9._:-]{1,128} by hand: it is asked for every task,
// and compiling the expression takes longer than all else that is done with one.
func validType(name string) error {
	foreign := func(r rune) bool {
		letter := 'a' <= r|0x20 && r|0x20 <= 'z'
		return r >= utf8.RuneSelf || !letter && (r < '0' || r > '9') && !strings.ContainsRune("._:-", r)
	}
	if name == "" || len(name) > 128 || strings.ContainsFunc(name, foreign) {
		return fmt.Errorf("goflow: %w task type %q: use 1 to 128 of A-Z a-z 0-9 . _ : -", ErrInvalid, name)
	}
	return nil
}

// encode writes the body. SQS refuses U+FFFE and U+FFFF, which JSON may hold
// raw inside strings only, so they can be escaped wherever they stand.
func (e *envelope) encode() ([]byte, error) {
	if !utf8.Valid(e.Payload) {
		return nil, fmt.Errorf("goflow: %w payload: not valid UTF-8", ErrInvalid)
	}
	body, err := e.assemble()
	if err != nil {
		return nil, fmt.Errorf("goflow: %w payload: %w", ErrInvalid, err)
	}
	if !bytes.Contains(body, []byte("\uFFFE")) && !bytes.Contains(body, []byte("\uFFFF")) {
		return body, nil // ReplaceAll copies even then
	}
	body = bytes.ReplaceAll(body, []byte("\uFFFE"), []byte(`\ufffe`))
	return bytes.ReplaceAll(body, []byte("\uFFFF"), []byte(`\uffff`)), nil
}

// assemble puts a payload that is compact already into its place. encoding/json
// would read it byte by byte to make it so, which is most of what it does here.
func (e *envelope) assemble() ([]byte, error) {
	if !e.compact {
		return marshal(e)
	}
	payload := e.Payload
	e.Payload = json.RawMessage(`0`)
	frame, err := marshal(e)
	e.Payload = payload
	before, after, _ := bytes.Cut(frame, []byte(`"payload":0`)) // the first: ID and type hold no quotes
	return slices.Concat(before, []byte(`"payload":`), payload, after), err
}

// marshal is json.Marshal without escaping <, > and &, which costs bytes and
// protects nobody here.
// A MarshalJSON that panics is an error.
func marshal(v any) (data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("encoding %T panicked: %v", v, p)
		}
	}()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// decodeEnvelope reads a delivery's envelope. An ID is always set, also beside
// an error: the message's own when the body names none.
func decodeEnvelope(d *port.Delivery) (*envelope, error) {
	switch v := d.Value.(type) {
	case *envelope:
		return v, nil
	case localValue:
		return v.base().whole(v), nil
	}
	e := &envelope{}
	err := json.Unmarshal(d.Body, e)
	id, ok := ownID(e.ID)
	if !ok {
		if err == nil && e.ID != "" {
			err = fmt.Errorf("id %.60q is not a UUID", e.ID)
		}
		id, _ = ownID(d.ID)
	}
	e.ID = id
	err = cmp.Or(err, e.checkUnique())
	switch {
	case err != nil:
		return e, fmt.Errorf("not a GoFlow message: %w", err)
	case e.Version != wireVersion:
		return e, fmt.Errorf("message version %d: this program knows %d", e.Version, wireVersion)
	case e.Codec != "":
		return e, fmt.Errorf("payload codec %.60q: this program knows none", e.Codec)
	case e.TTL < 0:
		return e, fmt.Errorf("ttl %d: give milliseconds", e.TTL)
	}
	return e, validType(e.Type)
}

// taskID is the ID of a delivery's task, whatever else is wrong with it.
func taskID(d *port.Delivery) string {
	env, _ := decodeEnvelope(d)
	return env.taskID(d)
}

// taskID is the ID of the envelope's task: a message that was sent on carries it
// beside the body, where one by hand has none.
func (e *envelope) taskID(d *port.Delivery) string {
	if dead := readDeadLetter(d); dead != nil {
		if id, ok := ownID(dead.ID); ok {
			return id
		}
	}
	if text, ok := d.Attributes[dueAttribute]; ok {
		var sentOn due
		_ = json.Unmarshal([]byte(text), &sentOn) // who runs it says what is wrong with it
		if id, ok := ownID(sentOn.ID); ok {
			return id
		}
	}
	return e.ID
}

// checkUnique forgets a row that there can't be, so that nobody gives it back.
func (e *envelope) checkUnique() error {
	row, ok := ownID(e.Unique)
	if e.Unique = row; ok || row == "" {
		return nil
	}
	e.Unique = ""
	return fmt.Errorf("unique %.60q is not a UUID", row)
}

// payload is what a handler is given: in an envelope, or beside it.
type payload struct {
	env   *envelope
	local localValue // nil: it is in the envelope
}

// value is the payload as it was pushed; false if it is JSON.
func (p payload) value() (v any, ok bool) {
	if p.local != nil {
		return p.local.value(), true
	}
	return p.env.value, p.env.hasValue
}

// decode decodes the payload into the value that into points to; a Go value goes by
// way of JSON.
func (p payload) decode(into any) error {
	raw := p.env.Payload
	if v, ok := p.value(); ok {
		var err error
		if raw, err = marshal(v); err != nil {
			return err
		}
	}
	if len(raw) == 0 {
		raw = []byte("null")
	}
	return json.Unmarshal(raw, into)
}
