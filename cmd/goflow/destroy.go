package main

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/deploy"
)

// destroying is the command's flags.
type destroying struct {
	cli       *cli
	data, yes bool
}

func newDestroy(c *cli) *cobra.Command {
	d := &destroying{cli: c}
	cmd := newOn(c, &cobra.Command{
		Use:   "destroy",
		Short: "Delete what deploy has made in Kubernetes",
		Long: `Delete what deploy has made in Kubernetes, and wait until it and its pods are gone. Namespace and secrets stay, and so does
what has not goflow's labels. Nothing is asked of AWS: queues and table stay.

With --delete-data they go too, when the pods are gone, with every task and every record in them, for good: those that
--queue-url, --dlq-url and --table name, once you have typed the queue's name or given --yes. If others are deployed
there, or a stack has them, destroy refuses.`,
		Example: `  goflow destroy --namespace orders
  goflow destroy --namespace orders --delete-data --queue-url orders --dlq-url orders-dead --table orders`,
	}, d.run)
	cmd.Flags().BoolVar(&d.data, "delete-data", false, "delete queues and table in AWS too")
	cmd.Flags().BoolVar(&d.yes, "yes", false, "do not ask")
	return cmd
}

func (d *destroying) run(ctx context.Context, k *deploy.Cluster, o deploy.Options) error {
	if !d.data {
		return k.Destroy(ctx, o.Name, o.Namespace)
	}
	s, err := d.places()
	if err != nil {
		return err
	}
	if err := agree(ctx, k, o, s); err != nil {
		return err
	}
	if !d.yes {
		if err := d.confirm(ctx, s); err != nil {
			return err
		}
	}
	if err := k.Destroy(ctx, o.Name, o.Namespace); err != nil {
		return err
	}
	if err := config.Remove(ctx, s); err != nil {
		return err
	}
	k.Progress("deleted: " + places(s))
	return nil
}

// places are the queues and the table that the settings name: a stack's are the stack's to delete.
func (d *destroying) places() (config.Settings, error) {
	l := d.cli.loader
	s, err := l.Load()
	if err != nil {
		return s, err
	}
	if s.Stack != "" {
		return s, config.Errorf("%s: queues and table are the stack's: leave --delete-data out, and delete the stack with sam delete", l.Where("stack"))
	}
	return s, l.Require("", "queue-url", "table")
}

// agree refuses to delete other queues and tables than those that are deployed, if any are.
func agree(ctx context.Context, k *deploy.Cluster, o deploy.Options, s config.Settings) error {
	deployed, err := k.Settings(ctx, o.Name, o.Namespace)
	if err != nil || deployed == nil {
		return err
	}
	for _, p := range []struct{ flag, given, variable string }{
		{"queue-url", s.QueueURL, "GOFLOW_QUEUE_URL"}, {"dlq-url", s.DLQURL, "GOFLOW_DLQ_URL"}, {"table", s.Table, "GOFLOW_TABLE"},
	} {
		is := deployed[p.variable]
		if p.given != "" && !same(p.given, is) {
			return config.Errorf("--%s %.200q: what is deployed there works on %q: nothing is deleted", p.flag, p.given, cmp.Or(is, "none"))
		}
	}
	return agreeOnPlace(ctx, deployed)
}

// same tells whether two names or URLs may be of one thing. The host is not compared: the same AWS may have another
// name from within the cluster.
func same(given, deployed string) bool {
	account := func(url string) string { return path.Base(path.Dir(url)) }
	urls := strings.Contains(given, "://") && strings.Contains(deployed, "://")
	return path.Base(given) == path.Base(deployed) && (!urls || account(given) == account(deployed))
}

// agreeOnPlace refuses to delete in another region, or on AWS what is deployed on an endpoint of its own.
func agreeOnPlace(ctx context.Context, deployed map[string]string) error {
	region := deployed["AWS_REGION"]
	if region == "" {
		return nil // whoever made the ConfigMap, it was not deploy
	}
	here, err := config.AWS(ctx)
	if err != nil {
		return err
	}
	switch is := deployed["AWS_ENDPOINT_URL"]; {
	case region != here.Region:
		return config.Errorf("AWS region %q: what is deployed there works in %q: set AWS_REGION: nothing is deleted", here.Region, region)
	case (is == "") != (here.BaseEndpoint == nil):
		return config.Errorf("AWS endpoint %q: what is deployed there works on %q: set AWS_ENDPOINT_URL: nothing is deleted",
			cmp.Or(aws.ToString(here.BaseEndpoint), "AWS"), cmp.Or(is, "AWS"))
	}
	return nil
}

// places names what is deleted.
func places(s config.Settings) string {
	names := []string{"queue " + path.Base(s.QueueURL)}
	if s.DLQURL != "" {
		names = append(names, "queue "+path.Base(s.DLQURL))
	}
	return strings.Join(append(names, "table "+s.Table), ", ")
}

// confirm asks on the terminal.
func (d *destroying) confirm(ctx context.Context, s config.Settings) error {
	queue := path.Base(s.QueueURL)
	answer, err := d.cli.answer(ctx, fmt.Sprintf("delete for good, with all that is in them: %s? type %s", places(s), queue))
	if err == nil && answer != queue {
		return config.Errorf("nothing is deleted: type the queue's name, or give --yes")
	}
	return err
}
