package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// How the dead letters are received: an empty queue is known after one short
// poll, and what a killed command held comes back soon.
const (
	dlqPoll  = time.Second
	dlqLease = 2 * time.Minute
)

// dlq is what the commands about dead letters share.
type dlq struct {
	*cli
	taskType, reason string
	older, newer     time.Duration
	limit            int
	place            place
}

func newDLQ(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Look at the dead letters, run them again, or drop them",
		Example: `  goflow dlq ls                    what has died, and why
  goflow dlq settle                record what SQS moved itself
  goflow dlq redrive               run everything again
  goflow dlq redrive --type mail   run some again`,
		Long: `A dead letter is a message that no worker could take to a result. It says why: failed, permanent, malformed,
unknown type, crashed, result refused; or it was moved by SQS itself, after 1000 receives, and says nothing.`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDLQList(c), newDLQShow(c), newDLQRedrive(c), newDLQSettle(c), newDLQDrop(c))
	return cmd
}

func (d *dlq) flags(cmd *cobra.Command, limit int) {
	f := cmd.Flags()
	f.StringVar(&d.taskType, "type", "", "only tasks of this type")
	f.StringVar(&d.reason, "reason", "", `only those that died of this, such as "failed" or "moved by SQS"`)
	f.DurationVar(&d.older, "older-than", 0, "only those that died longer ago, such as 24h")
	f.DurationVar(&d.newer, "newer-than", 0, "only those that died since then, such as 1h30m")
	f.IntVar(&d.limit, "limit", limit, "the most to take; 0 is all")
}

// filter chooses by the arguments, which are task IDs, and the flags.
func (d *dlq) filter(ids []string) (f goflow.DeadLetterFilter, err error) {
	for flag, value := range map[string]time.Duration{"older-than": d.older, "newer-than": d.newer} {
		if value < 0 {
			return f, config.Errorf("--%s %v: give 0s or more", flag, value)
		}
	}
	if d.limit < 0 {
		return f, config.Errorf("--limit %d: give 0 or more", d.limit)
	}
	f = goflow.DeadLetterFilter{IDs: ids, Type: d.taskType, Reason: d.reason, Limit: d.limit}
	if d.older > 0 {
		f.Before = time.Now().Add(-d.older)
	}
	if d.newer > 0 {
		f.After = time.Now().Add(-d.newer)
	}
	return f, nil
}

// chooses tells whether anything narrows the choice.
func (d *dlq) chooses(ids []string) bool {
	return len(ids) > 0 || d.taskType != "" || d.reason != "" || d.older > 0 || d.newer > 0 || d.limit > 0
}

func (d *dlq) dlqSettings(ctx context.Context, need ...string) (config.Settings, error) {
	s, err := d.settings(ctx, append([]string{"dlq-url"}, need...)...)
	if err != nil {
		return s, err
	}
	return s, d.loader.RequireApart(s)
}

// each hands every letter to done, and names what failed. Of the IDs that were
// asked for, it names those that were not there.
func (d *dlq) each(letters iter.Seq2[goflow.DeadLetter, error], ids []string, done func(goflow.DeadLetter) error) (n int, err error) {
	worst := program.OK
	var seen []string
	for l, err := range letters {
		if err != nil && l.ID == "" {
			return n, err
		}
		seen = append(seen, strings.ToLower(l.ID))
		if err != nil {
			d.around.Say(name, err)
			worst = max(worst, program.Code(err))
			continue
		}
		n++
		if err := done(l); err != nil {
			return n, err
		}
	}
	for _, id := range ids {
		if !slices.Contains(seen, strings.ToLower(id)) {
			d.around.Say(name, unseen(id))
			worst = max(worst, program.NoRecord)
		}
	}
	return n, ended(worst)
}

func unseen(id string) error {
	return fmt.Errorf("%s: not among the dead letters that SQS shows: it is not there, or somebody else holds it right now", id)
}

// note tells what is no data.
func (d *dlq) note(format string, args ...any) {
	_, _ = fmt.Fprintf(d.around.Stderr, name+": "+format+"\n", args...) // nowhere else to report it
}
