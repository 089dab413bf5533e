package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/lines"
)

// push is the command's flags.
type push struct {
	*cli
	wait    bool
	timeout time.Duration
	id      *string
	idFrom  *string
	options lines.Options
}

func newPush(c *cli) *cobra.Command {
	p := &push{cli: c}
	cmd := &cobra.Command{
		Use: "push {TYPE JSON | -}",
		Example: `  goflow push sample.echo '{"hello":"world"}' --wait
  goflow push sample.hash @payload.json --delay 1h --max-attempts 3
  goflow push mail '{"to":"a@b.c"}' --id-from mail/17
  goflow push - < tasks.ndjson`,
		Short: "Push a task, or a task a line from standard input",
		Long: `Push a task and print its ID, or with --wait its result.

JSON is the payload, - reads it from standard input, @FILE from a file.
With - or @FILE alone, each line is a task: {"type":"sample.echo","payload":1}. Beside these two, a line may have
id, idFrom, delay, expiresIn, headers (an object), track, unique, uniqueFor, group, fairKey, maxAttempts and runTimeout,
which mean what the flags do and win over them; durations are strings. Lines that follow each other and ask for the same go
ten in a call. A bad line is named by its number and the others are pushed, but for those of its group; IDs come in the order of the lines.`,
		Args: arguments(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(); err != nil {
				return err
			}
			if len(args) == 1 {
				return p.lines(cmd.Context(), args[0])
			}
			return p.one(cmd.Context(), args[0], args[1])
		},
	}
	cmd.Flags().BoolVar(&p.wait, "wait", false, "wait for the outcome and print the result")
	timeoutFlag(cmd, &p.timeout)
	p.flags(cmd.Flags())
	return cmd
}

// needs are the settings that the push cannot do without.
func (p *push) needs() []string {
	if p.wait {
		return []string{"queue-url", "table"}
	}
	return []string{"queue-url"}
}

func (p *push) one(ctx context.Context, taskType, payload string) error {
	raw, err := p.payload(ctx, payload)
	if err != nil {
		return err
	}
	opts, err := p.options.Push()
	if err != nil {
		return config.Errorf("%v", err)
	}
	if p.id != nil {
		opts = append(opts, goflow.ID(*p.id))
	}
	client, all, err := p.client(ctx, p.needs()...)
	if err != nil {
		return err
	}
	if p.wait {
		if err := checked(ctx, all); err != nil {
			return err
		}
	}
	pushing, pushed := starting(ctx)
	defer pushed()
	id, err := client.Push(pushing, taskType, raw, opts...)
	if err != nil {
		return repeatable(id, err)
	}
	if p.wait {
		ctx, cancel := context.WithTimeout(ctx, p.timeout)
		defer cancel()
		return p.await(ctx, client, id)
	}
	return p.write(id, map[string]string{"id": id})
}

// repeatable names the ID of a task that may have been pushed: under it a repeat is the same task.
func repeatable(id string, err error) error {
	if errors.Is(err, goflow.ErrAmbiguous) {
		return fmt.Errorf("%w: to push it again as the same task, give it the ID %s", err, id)
	}
	return err
}

// payload reads the JSON that an argument is or names.
func (p *push) payload(ctx context.Context, argument string) (json.RawMessage, error) {
	raw := []byte(argument)
	source, err := p.source(ctx, argument)
	if err != nil {
		return nil, err
	}
	if source != nil {
		defer func() { _ = source.Close() }() // only read from
		if raw, err = io.ReadAll(io.LimitReader(source, lines.MaxBytes+1)); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	var v json.RawMessage
	switch {
	case err != nil:
		return nil, config.Errorf("payload: %v", err)
	case len(raw) > lines.MaxBytes:
		return nil, config.Errorf("payload: it has more than %d bytes, which no queue takes: give less", lines.MaxBytes)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, config.Errorf("payload: not valid JSON: %v: quote it, as in '{\"n\":1}'", err)
	}
	return v, nil
}

// source opens what - or @FILE stands for, until ctx ends; nil for anything else.
func (p *push) source(ctx context.Context, argument string) (io.ReadCloser, error) {
	path, isFile := strings.CutPrefix(argument, "@")
	switch {
	case argument == "-":
		return heeding(ctx, io.NopCloser(p.around.Stdin)), nil
	case isFile:
		file, err := os.Open(path) //nolint:gosec // reading the file that the user names is the purpose
		if err != nil {
			return nil, config.Errorf("payload: %v", err)
		}
		return heeding(ctx, file), nil // it may be a pipe
	}
	return nil, nil //nolint:nilnil // the argument is the payload itself
}
