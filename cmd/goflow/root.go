package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/cmd/internal/program"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/stack"
)

// cli is what the commands share.
type cli struct {
	around program.Surroundings
	loader *config.Loader
	format string
	ending []func() error // called when the command is over
}

func newRoot(around program.Surroundings) (*cobra.Command, *cli) {
	c := &cli{around: around, loader: config.NewLoader(config.CLI, "--", around.Getenv)}
	root := &cobra.Command{
		Use:   name,
		Short: "Push tasks to a GoFlow queue and read what became of them",
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return c.checkFormat()
		},
		SilenceUsage:  true, // an error is one line
		SilenceErrors: true, // and Finish writes it
	}
	c.loader.Flags(func(name string, v *config.Value) { root.PersistentFlags().Var(v, name, v.Usage()) })
	root.PersistentFlags().StringVarP(&c.format, "output", "o", "text", "how data is written: text, json or yaml")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return config.Errorf("%v: %s --help lists the flags", err, cmd.CommandPath())
	})
	root.AddCommand(newPush(c), newGet(c), newWait(c), newStats(c), newDLQ(c), newProvision(c), newServer(c), newVersion(c))
	return root, c
}

// end closes what the command has opened.
func (c *cli) end() (err error) {
	for _, end := range c.ending {
		err = errors.Join(err, end())
	}
	return err
}

func unknownCommand(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return config.Errorf("unknown command %.60q: %s --help lists them", args[0], name)
	}
	return nil
}

// arguments accepts least to most arguments.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return config.Errorf("%d arguments: the usage is %s", len(args), cmd.UseLine())
		}
		return nil
	}
}

// open returns the settings and the parts that they name, of which the needed
// have to be there.
func (c *cli) open(ctx context.Context, need ...string) (config.Settings, config.Parts, error) {
	ctx, cancel := starting(ctx)
	defer cancel()
	s, err := c.settings(ctx, need...)
	if err != nil {
		return s, config.Parts{}, err
	}
	parts, err := config.Open(ctx, s)
	return s, parts, err
}

// settings returns the settings, of which the needed have to be there.
func (c *cli) settings(ctx context.Context, need ...string) (config.Settings, error) {
	s, err := c.load(ctx)
	if err != nil {
		return s, err
	}
	return s, c.loader.Require(", or the stack that has it as --stack", need...)
}

// load returns the settings, with those that a stack gives.
func (c *cli) load(ctx context.Context) (config.Settings, error) {
	s, err := c.loader.Load()
	if err != nil || s.Stack == "" {
		return s, err
	}
	cfg, err := config.AWS(ctx)
	if err != nil {
		return s, err
	}
	places, err := stack.Read(ctx, cfg, s.Stack)
	if err != nil {
		return s, err
	}
	c.loader.Stack(s.Stack, places.Settings())
	return c.loader.Load()
}

// starting bounds calls that should be answered at once.
func starting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, program.StartTime)
}
