package main

import "github.com/spf13/cobra"

func newGet(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "get ID",
		Example: "  goflow get 0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f\n  goflow get 0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f -o json",
		Short:   "Print a task's result",
		Long: "Print a task's result, or with -o json or yaml its record. " +
			"A task that failed, was cancelled or has expired is exit code 1, one that has no outcome (yet) 3.",
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, _, err := c.client(cmd.Context(), "table")
			if err != nil {
				return err
			}
			ctx, cancel := starting(cmd.Context())
			defer cancel()
			rec, err := client.Get(ctx, args[0])
			if err != nil {
				return err
			}
			return c.writeRecord(rec)
		},
	}
}
