package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// letter is a dead letter as it is written.
type letter struct {
	ID         string    `json:"id"`
	Type       string    `json:"type,omitempty"`
	Generation int       `json:"generation"`
	Reason     string    `json:"reason"`
	Error      string    `json:"error,omitempty"`
	Attempts   int       `json:"attempts"`
	Receives   int       `json:"receives"`
	SentAt     time.Time `json:"sentAt,omitzero"`
	DiedAt     time.Time `json:"diedAt,omitzero"`
	// Unsettled marks what SQS moved itself and nobody has settled yet.
	Unsettled bool `json:"unsettled,omitempty"`
}

func newLetter(l goflow.DeadLetter) letter {
	return letter{
		ID: l.ID, Type: l.Type, Generation: l.Generation, Reason: l.Reason, Error: l.Error, Attempts: l.Attempts,
		Receives: l.Receives, SentAt: l.SentAt.UTC(), DiedAt: l.DiedAt.UTC(), Unsettled: l.Unsettled,
	}
}

// cause is the reason, marked where nobody has settled it.
func (l letter) cause() string {
	if l.Unsettled {
		return l.Reason + " (!)"
	}
	return l.Reason
}

const listedByDefault = 100

func newDLQList(c *cli) *cobra.Command {
	d := &dlq{cli: c}
	cmd := &cobra.Command{
		Use:   "ls [ID…]",
		Short: "List dead letters",
		Example: `  goflow dlq ls
  goflow dlq ls --reason "moved by SQS"
  goflow dlq ls --type mail --newer-than 24h -o json`,
		Long: `List dead letters and leave them where they are. SQS has no listing: it hands messages out, and they are given back at
the end. Meanwhile nobody else sees them, and those that somebody else holds are not seen; a FIFO queue shows the first
ten of a group. (!) marks what SQS moved itself and nobody has settled: see goflow dlq settle.`,
		RunE: func(cmd *cobra.Command, ids []string) error { return d.list(cmd, ids) },
	}
	d.flags(cmd, listedByDefault)
	return cmd
}

func (d *dlq) list(cmd *cobra.Command, ids []string) error {
	f, err := d.filter(ids)
	if err != nil {
		return err
	}
	q, err := d.letters(cmd.Context())
	if err != nil {
		return err
	}
	var rows []letter
	n, err := d.each(q.List(cmd.Context(), f), ids, func(l goflow.DeadLetter) error {
		row := newLetter(l)
		if d.format != "text" {
			return d.write("", row)
		}
		rows = append(rows, row)
		return nil
	})
	if len(rows) > 0 {
		err = cmp.Or(d.write(table(rows), nil), err)
	}
	if err != nil {
		return err
	}
	size, err := d.place.size(cmd.Context())
	if err != nil {
		return err
	}
	d.note("%d listed; SQS estimates %d in %s and gives no exact listing", n, size, d.place.name)
	return nil
}

func table(rows []letter) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tTYPE\tGENERATION\tREASON\tATTEMPTS\tDIED\tERROR") // to memory
	for _, l := range rows {
		died := "-"
		if !l.DiedAt.IsZero() {
			died = l.DiedAt.Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%s\t%.80s\n",
			l.ID, cmp.Or(plain(l.Type), "-"), l.Generation, plain(l.cause()), l.Attempts, died, plain(l.Error))
	}
	_ = w.Flush() // to memory
	return strings.TrimSuffix(text.String(), "\n")
}

// plain is text that a terminal takes for one line of text, whoever wrote it.
func plain(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == ' ' }), " ")
}

// whole is a dead letter with all that is known of it.
type whole struct {
	letter

	Body       any               `json:"body"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Record     *record           `json:"record,omitempty"`
}

// record is what the table has.
type record struct {
	program.Outcome

	Generation int       `json:"generation"`
	Reason     string    `json:"reason,omitempty"`
	Expires    time.Time `json:"expires,omitzero"`
}

func newDLQShow(c *cli) *cobra.Command {
	d := &dlq{cli: c}
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a dead letter whole, with its task's record",
		Example: `  goflow dlq show 0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f
  goflow dlq show 0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f -o json`,
		Long: `Show a dead letter whole, with its message and its task's record, and leave it where it is. Exit code 3: SQS does not
show it.`,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, ids []string) error { return d.show(cmd, ids) },
	}
}

func (d *dlq) show(cmd *cobra.Command, ids []string) error {
	q, err := d.letters(cmd.Context(), "table")
	if err != nil {
		return err
	}
	_, err = d.each(q.List(cmd.Context(), goflow.DeadLetterFilter{IDs: ids, Limit: 1}), ids, func(l goflow.DeadLetter) error {
		ctx, cancel := starting(cmd.Context())
		defer cancel()
		w := newWhole(l)
		rec, err := d.place.client.Get(ctx, l.ID)
		if err != nil && !errors.Is(err, goflow.ErrNotFound) {
			return err
		}
		w.Record = &record{Outcome: program.NewOutcome(rec, ""), Generation: rec.Generation, Reason: rec.Reason, Expires: rec.Expires.UTC()}
		return d.write(w.text(), w)
	})
	return err
}

func newWhole(l goflow.DeadLetter) *whole {
	w := &whole{letter: newLetter(l), Body: string(l.Body), Attributes: l.Attributes}
	if json.Valid(l.Body) {
		w.Body = json.RawMessage(l.Body)
	}
	return w
}

// text is a line for each thing that is there.
func (w *whole) text() string {
	var text strings.Builder
	line := func(key, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(&text, "%-12s%s\n", key, plain(value)) // to memory
		}
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	line("id", w.ID)
	line("type", w.Type)
	line("generation", fmt.Sprint(w.Generation))
	line("reason", w.cause())
	line("error", w.Error)
	line("attempts", fmt.Sprint(w.Attempts))
	line("receives", fmt.Sprint(w.Receives))
	line("sent", at(w.SentAt))
	line("died", at(w.DiedAt))
	line("body", fmt.Sprintf("%s", w.Body))
	r := w.Record
	line("record", strings.TrimSuffix(fmt.Sprintf("%s in generation %d: %s", r.State, r.Generation, r.Error), ": "))
	return strings.TrimSuffix(text.String(), "\n")
}
