package program

import (
	"bytes"
	"encoding/json"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Outcome is a task's record as the programs write it.
type Outcome struct {
	ID     string          `json:"id"`
	Type   string          `json:"type,omitempty"` // where it is known: records do not have it
	State  string          `json:"state"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
	// Attempts is how often the task ran to an end, the success included.
	Attempts int `json:"attempts"`
}

// NewOutcome returns the outcome in rec.
func NewOutcome(rec goflow.Record, taskType string) Outcome {
	o := Outcome{
		ID: rec.ID, Type: taskType, State: rec.State.String(),
		Result: rec.Result, Error: rec.Error, Attempts: rec.Attempts,
	}
	if rec.State == task.Done {
		o.Attempts++
	}
	return o
}

// JSON writes v as one line, with <, > and & as they are: it is for a terminal,
// not for a web page.
func JSON(v any) (string, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return buf.String(), err
}
