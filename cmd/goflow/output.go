package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

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
		text, err = asYAML(v)
	default:
		text += "\n"
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.around.Stdout, text)
	return err
}

// asYAML writes v as the YAML of its JSON. That JSON is no YAML by itself: not with
// its escapes, long keys, or keys that mean something to YAML.
func asYAML(v any) (string, error) {
	text, err := program.JSON(v)
	if err != nil {
		return "", err
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return "", err
	}
	var doc strings.Builder
	doc.WriteString("---\n")
	enc := yaml.NewEncoder(&doc)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	err = enc.Encode(exact(value))
	return doc.String(), err
}

// exact is a decoded JSON that is written as it is: numbers with all their digits, and
// in quotes what the encoder takes for text and others do not.
func exact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[any]any, len(v))
		for key, item := range v {
			out[exact(key)] = exact(item)
		}
		return out
	case []any:
		for i, item := range v {
			v[i] = exact(item)
		}
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}
	case string:
		if v == "<<" || v == "=" { // YAML 1.1 knows them
			return &yaml.Node{Kind: yaml.ScalarNode, Value: v, Style: yaml.DoubleQuotedStyle}
		}
	}
	return v
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
