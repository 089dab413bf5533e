package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/internal/config"
)

func newProvision(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "provision",
		Short: "Make what is missing of the queues and the table, for development",
		Long: "Make what is missing of the queue, the dead-letter queue and the table, for development, named as the settings " +
			"say or by default. It prints the settings for a shell: eval \"$(goflow provision)\".",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.direct("provision"); err != nil {
				return err
			}
			s, err := c.loader.Load()
			if err != nil {
				return err
			}
			if s.Stack != "" {
				return config.Errorf("%s: provision makes what needs no stack: leave it out, or deploy the stack with sam deploy",
					c.loader.Where("stack"))
			}
			ctx, cancel := starting(cmd.Context())
			defer cancel()
			if s, err = config.Provision(ctx, s); err != nil {
				return err
			}
			text := fmt.Sprintf("export GOFLOW_QUEUE_URL=%s\nexport GOFLOW_DLQ_URL=%s\nexport GOFLOW_TABLE=%s", s.QueueURL, s.DLQURL, s.Table)
			return c.write(text, map[string]string{"queueUrl": s.QueueURL, "dlqUrl": s.DLQURL, "table": s.Table})
		},
	}
}
