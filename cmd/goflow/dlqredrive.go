package main

import (
	"context"
	"fmt"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/rpc/client"
)

// redrive is the command's flags.
type redrive struct {
	dlq
	perSecond int
	cancel    bool
}

func newDLQRedrive(c *cli) *cobra.Command {
	r := &redrive{dlq: dlq{cli: c}}
	cmd := &cobra.Command{
		Use:   "redrive [ID…]",
		Short: "Send dead letters back to the queue, to run again",
		Example: `  goflow dlq redrive
  goflow dlq redrive --max-per-second 50
  goflow dlq redrive --reason "unknown type" --limit 10
  goflow dlq redrive 0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f`,
		Long: `Send dead letters back to the queue, where a worker begins each task anew, with fresh attempts.

All of them are moved by SQS, one move at a time: a move that is under way is watched, Ctrl-C ends the watching only and
--cancel the move. What SQS had moved to the dead letters itself is not begun anew but goes on: goflow dlq settle comes first.

With IDs or filters this command moves them one by one, each sent before it is deleted, so that no moment loses one; a
crash can leave a copy, which is not run again. It settles what was not.`,
		RunE: func(cmd *cobra.Command, ids []string) error { return r.run(cmd.Context(), ids) },
	}
	r.flags(cmd, 0)
	cmd.Flags().IntVar(&r.perSecond, "max-per-second", 0, "how many messages SQS moves a second, 1 to 500; 0 leaves it to SQS")
	cmd.Flags().BoolVar(&r.cancel, "cancel", false, "end the move of all that is under way; what is moved stays moved")
	return cmd
}

func (r *redrive) run(ctx context.Context, ids []string) error {
	some := r.chooses(ids)
	switch {
	case r.perSecond < 0 || r.perSecond > sqs.MaxMovesPerSecond:
		return config.Errorf("--max-per-second %d: give 1 to %d, or 0 to leave it to SQS", r.perSecond, sqs.MaxMovesPerSecond)
	case some && r.perSecond > 0:
		return config.Errorf("--max-per-second is for the move of all: leave it out, or the IDs and filters")
	case r.cancel && (some || r.perSecond > 0):
		return config.Errorf("--cancel ends the move of all: give it alone")
	case some:
		return r.some(ctx, ids)
	}
	return r.all(ctx)
}

// some redrives letters one by one.
func (r *redrive) some(ctx context.Context, ids []string) error {
	f, err := r.filter(ids)
	if err != nil {
		return err
	}
	q, err := r.letters(ctx, "queue-url", "table")
	if err != nil {
		return err
	}
	n, err := r.each(q.Redrive(ctx, f), ids, r.writeID)
	r.note("%d redriven", n)
	return err
}

// moveReport is what a move came to, as it is written.
type moveReport struct {
	Moved int64  `json:"moved"`
	State string `json:"state"`
}

// all lets SQS move everything.
func (r *redrive) all(ctx context.Context) error {
	s, err := r.loader.Load()
	if err != nil {
		return err
	}
	if s.Server != "" {
		return r.allRemotely(ctx, s)
	}
	client, in, err := r.places(ctx)
	if err != nil {
		return err
	}
	if r.cancel {
		moved, err := sqs.CancelMove(ctx, client, in.From)
		if err != nil {
			return err
		}
		return r.write(fmt.Sprintf("cancelled after %d", moved), moveReport{moved, "CANCELLED"})
	}
	p := newProgress(r.around.Stderr)
	in.PerSecond, in.Progress = r.perSecond, p.show
	status, err := sqs.Move(ctx, client, in)
	p.end()
	if err != nil {
		if ctx.Err() == nil {
			return err
		}
		r.note("SQS goes on without this command: goflow dlq redrive watches it, goflow dlq redrive --cancel ends it")
		return program.ExitError(program.Stopped)
	}
	return r.write(fmt.Sprintf("redriven: %d", status.Moved), moveReport{status.Moved, status.State})
}

// allRemotely lets the server let SQS move everything.
func (r *redrive) allRemotely(ctx context.Context, s config.Settings) error {
	if r.cancel || r.perSecond > 0 {
		return config.Errorf("%s: --cancel and --max-per-second are for AWS itself: leave them out, or the server", r.loader.Where("server"))
	}
	remote, err := r.dial(s)
	if err != nil {
		return err
	}
	p := newProgress(r.around.Stderr)
	var last client.Move
	for move, moveErr := range remote.DeadLetters().RedriveAll(ctx) {
		if err = moveErr; err != nil {
			break
		}
		last = move
		p.show(sqs.MoveStatus{Moved: move.Moved, Total: move.Total, Found: move.Found})
	}
	p.end()
	if err != nil {
		return err
	}
	return r.write(fmt.Sprintf("redriven: %d", last.Moved), moveReport{last.Moved, "COMPLETED"})
}

// places finds both queues.
func (r *redrive) places(ctx context.Context) (client *awssqs.Client, in sqs.MoveInput, err error) {
	ctx, cancel := starting(ctx)
	defer cancel()
	s, err := r.dlqSettings(ctx, "queue-url")
	if err != nil {
		return nil, in, err
	}
	cfg, err := config.AWS(ctx)
	if err != nil {
		return nil, in, err
	}
	for _, watch := range r.watch {
		watch(&cfg)
	}
	client = awssqs.NewFromConfig(cfg)
	if in.From, err = sqs.Resolve(ctx, client, s.DLQURL); err != nil {
		return nil, in, err
	}
	in.To, err = sqs.Resolve(ctx, client, s.QueueURL)
	return client, in, err
}
