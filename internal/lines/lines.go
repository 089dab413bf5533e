// Package lines reads tasks written as one JSON object a line:
//
//	{"type":"sample.echo","payload":{"any":"JSON"}}
//	{"type":"mail","payload":{"to":"a@b.c"},"idFrom":"mail/17","delay":"1h"}
package lines

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"

	"github.com/jamesTait-jt/goflow/goflow"
)

// Line is a task and the line that it stands in, from 1.
type Line struct {
	Number  int             `json:"-"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
	// ID is the task's own, or made from IDFrom; empty: it gets one.
	ID     string `json:"id"`
	IDFrom string `json:"idFrom"`
	Options
}

// Error is a bad line, or an input that cannot be read any further.
type Error struct {
	Number int
	Reason error
}

// Error names the line.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d: %s", e.Number, strings.TrimPrefix(e.Reason.Error(), "goflow: "))
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Reason }

// MaxBytes is how long a line may be, so that an endless one does not take all the
// memory: more than the largest queue takes of a task, however it is written.
const MaxBytes = 8 << 20

// Read yields the tasks in r, and an *Error for each bad line, which one of more than
// MaxBytes is; the others go on. Empty lines are skipped, a payload left out is null.
func Read(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		buffered := bufio.NewReader(r)
		for number := 1; ; number++ {
			text, size, err := readLine(buffered)
			if text = bytes.TrimSpace(text); (len(text) > 0 || size > MaxBytes) && !yield(parse(text, size, number)) {
				return
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Line{Number: number}, &Error{Number: number, Reason: err})
			}
			if err != nil {
				return
			}
		}
	}
}

// readLine reads a line, of which it keeps no more than MaxBytes, and its size. io.EOF
// is behind the last line.
func readLine(r *bufio.Reader) (text []byte, size int, err error) {
	for {
		part, err := r.ReadSlice('\n')
		size += len(part)
		if size <= MaxBytes {
			text = append(text, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, size, err
		}
	}
}

func parse(text []byte, size, number int) (line Line, err error) {
	if size > MaxBytes {
		err = fmt.Errorf("not a task: it has %d bytes: write at most %d", size, MaxBytes)
	} else {
		line, err = decode(text)
	}
	line.Number = number
	if err != nil {
		return line, &Error{Number: number, Reason: err}
	}
	return line, nil
}

func decode(text []byte) (Line, error) {
	var line Line
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&line); err != nil {
		return line, fmt.Errorf("not a task: %s: write {\"type\":…,\"payload\":…}", plain(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) { // More takes a brace for an end
		return line, errors.New("more than one JSON value: write one task a line")
	}
	if line.Type == "" {
		return line, errors.New("type is missing: write {\"type\":…,\"payload\":…}")
	}
	if line.ID != "" && line.IDFrom != "" {
		return line, errors.New("id and idFrom: give one of the two")
	}
	if line.IDFrom != "" {
		line.ID = goflow.IDFrom(line.IDFrom)
	}
	if line.Payload == nil {
		line.Payload = json.RawMessage("null")
	}
	return line, nil
}

// plain says what is wrong without Go's own words, in one line that is not long,
// whatever the input is that it repeats.
func plain(err error) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, words(err))
	if runes := []rune(clean); len(runes) > maxWords {
		return string(runes[:maxWords]) + "…"
	}
	return clean
}

// maxWords is how many characters of a reason are shown.
const maxWords = 120

func words(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "the JSON ends too early"
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "a " + wrong.Value + " in the wrong place"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}
