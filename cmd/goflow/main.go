// Command goflow pushes tasks, reads their outcomes and looks at the queues.
// docs/configuration.md has its settings and exit codes.
package main

import (
	"context"
	"errors"

	"github.com/jamesTait-jt/goflow/internal/program"
)

const name = "goflow"

func main() { program.Run(run) }

// run is the program; it returns the exit code.
func run(ctx context.Context, around program.Surroundings) int {
	root, c := newRoot(around) //nolint:contextcheck // cobra hands each command its context
	root.SetArgs(around.Args)
	root.SetIn(around.Stdin)
	root.SetOut(around.Stdout)
	root.SetErr(around.Stderr)
	return around.Finish(name, errors.Join(root.ExecuteContext(ctx), c.end()))
}
