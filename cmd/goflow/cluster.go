package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/deploy"
)

// cluster is the Kubernetes that the user's kubeconfig names.
type cluster struct {
	cli                 *cli
	kubeconfig, context string
	timeout             time.Duration
}

// connect adds the flags that say where things are.
func (c *cluster) connect(f *pflag.FlagSet, o *deploy.Options) {
	f.StringVar(&o.Name, "name", o.Name, "what the objects' names begin with")
	f.StringVarP(&o.Namespace, "namespace", "n", o.Namespace, "where they are")
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "the file that says which cluster (default: $KUBECONFIG, ~/.kube/config, or the pod's own)")
	f.StringVar(&c.context, "context", "", "which of its contexts (default: the current one)")
	f.DurationVar(&c.timeout, "timeout", 5*time.Minute, "how long all of it may take; if it takes longer, the exit code is 4")
}

func (c *cluster) open() (*deploy.Cluster, error) {
	if c.timeout <= 0 {
		return nil, config.Errorf("--timeout %v: give more than 0s", c.timeout)
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.context}).ClientConfig()
	if err != nil {
		return nil, config.Errorf("kubeconfig: %v", err)
	}
	cfg.QPS = -1 // the API server has its own queues, which are fair
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, config.Errorf("kubeconfig: %v", err)
	}
	return &deploy.Cluster{Client: client, Poll: time.Second, Progress: func(line string) {
		_, _ = fmt.Fprintln(c.cli.around.Stderr, line) // nowhere else to report it
	}}, nil
}

// newOn makes a command that works on what is deployed.
func newOn(c *cli, cmd *cobra.Command, do func(context.Context, *deploy.Cluster, deploy.Options) error) *cobra.Command {
	k, o := &cluster{cli: c}, deploy.Defaults()
	k.connect(cmd.Flags(), &o)
	cmd.Args = arguments(0, 0)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cluster, err := k.open()
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), k.timeout)
		defer cancel()
		return k.late(do(ctx, cluster, o))
	}
	return cmd
}

func newStatus(c *cli) *cobra.Command {
	return newOn(c, &cobra.Command{
		Use:     "status",
		Short:   "Say what of a deployment is there, and whether it runs",
		Long:    "Say what of a deployment is there, and whether it runs: exit code 1 if a deployment is missing or not all of it is available.",
		Example: "  goflow status --namespace orders -o json",
	}, func(ctx context.Context, k *deploy.Cluster, o deploy.Options) error {
		parts, err := k.Status(ctx, o.Name, o.Namespace)
		if err != nil {
			return err
		}
		return c.writeStatus(parts)
	})
}

func (c *cli) writeStatus(parts []deploy.Part) error {
	worst := 0
	for _, p := range parts {
		if err := c.write(p.Object+": "+p.State, p); err != nil {
			return err
		}
		if p.Wrong {
			worst = 1
		}
	}
	return ended(worst)
}
