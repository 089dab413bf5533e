package main

import (
	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/program"
)

func newCancel(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "cancel ID…",
		Example: `  goflow cancel 0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f
  goflow cancel 0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f 0193a1f0-9c1e-7b44-a2d1-5e6f70819203 -o json`,
		Short: "Cancel tasks that have no outcome yet",
		Long: `Cancel tasks that have no outcome yet, and print the IDs of those that are cancelled. Who waits for one is told at once,
and no retry follows. A task whose job is Cancellable or Once does not run any more, or its run is ended; another one may
still run once, and what it comes to is discarded. A task that has an outcome keeps it, and is exit code 1.`,
		Args: arguments(1, anyNumber),
		RunE: func(cmd *cobra.Command, ids []string) error {
			client, _, err := c.client(cmd.Context(), "table")
			if err != nil {
				return err
			}
			worst := program.OK
			for _, id := range ids {
				ctx, cancel := starting(cmd.Context())
				err := client.Cancel(ctx, id)
				cancel()
				if err == nil {
					err = c.write(id, map[string]string{"id": id, "state": task.Cancelled.String()})
				}
				if err != nil {
					c.around.Say(name, err)
					worst = max(worst, program.Code(err))
				}
			}
			return ended(worst)
		},
	}
}
