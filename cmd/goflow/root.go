package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/configfile"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/internal/stack"
)

// cli is what the commands share.
type cli struct {
	around program.Surroundings
	loader *config.Loader
	format string
	server *config.Loader      // of the command server alone
	ending []func() error      // called when the command is over
	watch  []func(*aws.Config) // get what its clients are made of
}

func newRoot(around program.Surroundings) (*cobra.Command, *cli) {
	c := &cli{
		around: around,
		loader: config.NewLoader(config.CLI, "--", around.Getenv), server: config.NewLoader(config.Server, "--", around.Getenv),
	}
	root := &cobra.Command{
		Use:   name,
		Short: "Push tasks to a GoFlow queue and read what became of them",
		Long: `Push tasks to a GoFlow queue and read what became of them, on AWS or through a goflow server.

Where the queue and the table are, say flags, variables or a file: docs/configuration.md lists them and the exit codes.`,
		Example: `  goflow push sample.echo '{"hello":"world"}' --wait
  goflow get 0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f
  goflow doctor                      what is wrong, and how to mend it`,
		Args:              unknownCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error { return c.begin() },
		SilenceUsage:      true, // an error is one line
		SilenceErrors:     true, // and Finish writes it
	}
	settingFlags(root.PersistentFlags(), c.loader)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return config.Errorf("%v: %s --help lists the flags", err, cmd.CommandPath())
	})
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(usageTemplate(root))
	root.AddCommand(newPush(c), newGet(c), newWait(c), newCancel(c), newStats(c), newDLQ(c), newProvision(c), newServer(c),
		newDoctor(c), newDeploy(c), newDestroy(c), newStatus(c), newCompletion(), newVersion(c))
	return root, c
}

// end closes what the command has opened.
func (c *cli) end() (err error) {
	for _, end := range c.ending {
		err = errors.Join(err, end())
	}
	return err
}

// settingFlags gives a command the flags of settings.
func settingFlags(flags *pflag.FlagSet, l *config.Loader) {
	l.Flags(func(name string, v *config.Value) {
		short := map[string]string{"output": "o"}[name]
		if f := flags.VarPF(v, name, short, v.Usage()); v.IsBoolFlag() {
			f.NoOptDefVal = "true"
		}
	})
}

// helpTemplate begins with what most readers want.
const helpTemplate = `{{if .HasExample}}Examples:
{{.Example}}

{{end}}{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}`

// usageTemplate is cobra's own, less the examples, which helpTemplate has.
func usageTemplate(cmd *cobra.Command) string {
	return strings.Replace(cmd.UsageTemplate(), "{{if .HasExample}}\n\nExamples:\n{{.Example}}{{end}}", "", 1)
}

// begin reads the configuration file, and how data is to be written; where
// that is bad, there is no format.
func (c *cli) begin() error {
	fileErr := configfile.Read(c.around.Getenv, c.loader, c.server)
	format := cmp.Or(strings.ToLower(c.loader.Text("output")), "text")
	if !slices.Contains([]string{"text", "json", "yaml"}, format) {
		return config.Errorf("%s %.60q: give text, json or yaml", c.loader.Where("output"), format)
	}
	c.format = format
	return fileErr
}

func unknownCommand(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return config.Errorf("unknown command %.60q: %s --help lists them", args[0], name)
	}
	return nil
}

// arguments accepts least to most arguments; most anyNumber is without end.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || most != anyNumber && len(args) > most {
			return config.Errorf("%d arguments: the usage is %s", len(args), cmd.UseLine())
		}
		return nil
	}
}

const anyNumber = -1

// open returns the settings and the parts that they name, of which the needed
// have to be there.
func (c *cli) open(ctx context.Context, need ...string) (config.Settings, config.Parts, error) {
	ctx, cancel := starting(ctx)
	defer cancel()
	s, err := c.settings(ctx, need...)
	if err != nil {
		return s, config.Parts{}, err
	}
	parts, err := config.Open(ctx, s, c.watch...)
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
