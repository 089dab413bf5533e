package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/cmd/internal/doctor"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/program"
)

func newDoctor(c *cli) *cobra.Command {
	var begun error
	return &cobra.Command{
		Use: "doctor",
		Example: `  goflow doctor
  goflow doctor --stack goflow -o json`,
		Short: "Find out what is wrong with settings, queues and table, and how to mend it",
		Long: `Examine settings, region, credentials, queues, table, permissions and clock, and print a line for each: ok, or what is
wrong and how to mend it, or skipped because of another one. Nothing is changed. Permissions are tried by calls that can
do nothing, and so may seem to be there where AWS looks at the call first; sqs:StartMessageMoveTask and dynamodb:PartiQLInsert
cannot be tried in this way. Exit code 0: all is well. With --server, the server is what is examined.`,
		Args: arguments(0, 0),
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if begun = c.begin(); c.format == "" {
				return begun
			}
			return nil // bad settings are a finding
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			places := func(ctx context.Context) (config.Settings, error) {
				if begun != nil {
					return config.Settings{}, begun
				}
				return c.load(ctx)
			}
			findings := doctor.Examine(cmd.Context(), places)
			if c.loader.Given("server") {
				findings = c.examineServer(cmd.Context(), begun)
			}
			return c.report(findings)
		},
	}
}

// report writes the findings as they come.
func (c *cli) report(findings iter.Seq[doctor.Finding]) error {
	worst, wrong, all := program.OK, 0, 0
	for f := range findings {
		all++
		if f.Err != nil {
			wrong++
			worst = max(worst, program.Code(f.Err))
		}
		if err := c.write(fmt.Sprintf("%-8s%-22s%s", f.State, f.Check, f.Detail), f); err != nil {
			return err
		}
	}
	if wrong == 0 {
		return nil
	}
	c.around.Say(name, fmt.Errorf("%d of %d checks have found something wrong", wrong, all))
	return program.ExitError(worst)
}
