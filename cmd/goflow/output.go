package main

import (
	"fmt"
	"io"

	"sigs.k8s.io/yaml"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// write writes one piece of data: text as it is, or v in the wanted format.
// Several pieces of YAML are documents of a stream.
func (c *cli) write(text string, v any) (err error) {
	switch c.format {
	case "json":
		text, err = program.JSON(v)
	case "yaml":
		var doc []byte
		doc, err = yaml.Marshal(v)
		text = "---\n" + string(doc)
	default:
		text += "\n"
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.around.Stdout, text)
	return err
}

// ended is the end of a command that has done several things, of which the worst
// came to this code.
func ended(worst int) error {
	if worst == program.OK {
		return nil
	}
	return program.ExitError(worst)
}

// writeRecord writes a task's outcome: as text the result alone. A task
// that did not succeed is a *goflow.TaskError besides, one without an outcome
// goflow.ErrNotFinished.
func (c *cli) writeRecord(rec goflow.Record) error {
	if !rec.State.Terminal() {
		return fmt.Errorf("%s: %w", rec.ID, goflow.ErrNotFinished)
	}
	o := program.NewOutcome(rec, "")
	if c.format != "text" || rec.State == task.Done {
		if err := c.write(string(rec.Result), o); err != nil {
			return err
		}
	}
	return failure(rec)
}

// failure is nil for a task that succeeded.
func failure(rec goflow.Record) error {
	if rec.State == task.Done {
		return nil
	}
	return &goflow.TaskError{ID: rec.ID, State: rec.State, Attempts: rec.Attempts, Reason: rec.Error}
}
