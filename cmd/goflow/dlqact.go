package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
)

func newDLQSettle(c *cli) *cobra.Command {
	d := &dlq{cli: c}
	cmd := &cobra.Command{
		Use:   "settle [ID…]",
		Short: "Record what SQS moved to the dead letters itself",
		Example: `  goflow dlq settle
  goflow dlq settle --older-than 1h`,
		Long: `SQS moves a message that was received 1000 times without an end, as when no worker can start. Such a letter says nothing,
and its task has no outcome. Settle records the task as dead, "moved by SQS", so that nobody waits for it any longer, and
marks the letter, so that a redrive begins the task anew. What is settled already stays as it is.`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			f, err := d.filter(ids)
			if err != nil {
				return err
			}
			q, err := d.letters(cmd.Context(), "table")
			if err != nil {
				return err
			}
			// An ID that is not found may be one that is settled already.
			n, err := d.each(q.Settle(cmd.Context(), f), nil, d.writeID)
			d.note("%d settled", n)
			return err
		},
	}
	d.flags(cmd, 0)
	return cmd
}

// writeID writes which letter it was.
func (d *dlq) writeID(l goflow.DeadLetter) error {
	return d.write(l.ID, newLetter(l))
}

func newDLQDrop(c *cli) *cobra.Command {
	d := &dlq{cli: c}
	var all, yes bool
	cmd := &cobra.Command{
		Use:   "drop {ID… | --all | filters}",
		Short: "Delete dead letters for good",
		Example: `  goflow dlq drop 0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f
  goflow dlq drop --type mail --older-than 168h
  goflow dlq drop --all --yes`,
		Long: `Delete dead letters for good, once the answer to the question is yes. Their records stay until they expire.`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			if all == d.chooses(ids) {
				return config.Errorf("drop: give IDs or filters, or --all alone: goflow dlq drop --help")
			}
			return d.drop(cmd, ids, yes)
		},
	}
	d.flags(cmd, 0)
	cmd.Flags().BoolVar(&all, "all", false, "drop every dead letter")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (d *dlq) drop(cmd *cobra.Command, ids []string, yes bool) error {
	f, err := d.filter(ids)
	if err != nil {
		return err
	}
	q, err := d.letters(cmd.Context())
	if err != nil {
		return err
	}
	if !yes {
		if err := d.confirm(cmd.Context(), f); err != nil {
			return err
		}
	}
	n, err := d.each(q.Drop(cmd.Context(), f), ids, d.writeID)
	d.note("%d dropped", n)
	return err
}

// confirm asks on the terminal.
func (d *dlq) confirm(ctx context.Context, f goflow.DeadLetterFilter) error {
	what := "all dead letters"
	if len(f.IDs) > 0 {
		what = fmt.Sprintf("%d dead letters", len(f.IDs))
	} else if d.chooses(nil) {
		what = "the dead letters that the filters choose"
	}
	answer, err := d.answer(ctx, fmt.Sprintf("drop %s of %s for good? yes or no", what, d.place.name))
	if err == nil && answer != "yes" {
		return config.Errorf("nothing is dropped: answer yes, or give --yes")
	}
	return err
}
