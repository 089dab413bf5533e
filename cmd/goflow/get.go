package main

import "github.com/spf13/cobra"

func newGet(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "get ID",
		Short: "Print a task's result",
		Long: "Print a task's result, or with -o json or yaml its record. " +
			"A task that failed is exit code 1, one that has no outcome (yet) 3.",
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
