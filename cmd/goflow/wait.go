package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// defaultWait is how long a command waits for an outcome.
const defaultWait = 5 * time.Minute

func newWait(c *cli) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "wait ID",
		Short: "Wait for a task's outcome and print its result",
		Long: "Wait for a task's outcome and print its result, or with -o json or yaml its record. " +
			"A task that failed is exit code 1, the end of the time 4.",
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkTimeout(timeout); err != nil {
				return err
			}
			client, all, err := c.client(cmd.Context(), "table")
			if err != nil {
				return err
			}
			if err := checked(cmd.Context(), all); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return c.await(ctx, client, args[0])
		},
	}
	timeoutFlag(cmd, &timeout)
	return cmd
}

func timeoutFlag(cmd *cobra.Command, timeout *time.Duration) {
	cmd.Flags().DurationVar(timeout, "timeout", defaultWait, "how long to wait for the outcome")
}

func checkTimeout(timeout time.Duration) error {
	if timeout <= 0 {
		return config.Errorf("--timeout %v: give more than 0", timeout)
	}
	return nil
}

// checked asks for what is there first: an outage must not look like a task
// that takes long.
func checked(ctx context.Context, all port.Checker) error {
	ctx, cancel := starting(ctx)
	defer cancel()
	return all.Check(ctx)
}

// await waits for one outcome and writes it.
func (c *cli) await(ctx context.Context, client *goflow.Client, id string) error {
	rec, err := client.Wait(ctx, id)
	if err != nil {
		return err
	}
	return c.writeRecord(rec)
}
