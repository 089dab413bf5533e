package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/deploy"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// deploying is what the commands about Kubernetes share.
type deploying struct {
	*cluster

	cli          *cli
	opts         deploy.Options
	dryRun, diff bool
	force, watch bool
}

func newDeploy(c *cli) *cobra.Command {
	d := &deploying{cli: c, cluster: &cluster{cli: c}, opts: deploy.Defaults()}
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "Run servers and workers in a Kubernetes namespace",
		Example: `  goflow deploy --stack orders --image registry.example/orders:1.4.2 --tls-secret goflow-tls
  goflow deploy --queue-url orders --dlq-url orders-dead --table orders --image registry.example/orders:1.4.2 \
    --plain-text --dry-run > goflow.yaml`,
		Long: `Run gRPC servers and workers in a Kubernetes namespace, and wait until all of them run. What is there already is changed
to what the flags say; queues and table have to be there. With --no-dlq instead of --dlq-url dead tasks are only recorded.

Handlers come in your own image, with the programs /worker and, unless --server-image names another, /goflow. The secret
with the servers' credentials has to be in the namespace. With --dry-run nothing is asked of Kubernetes: the objects are
printed as YAML, or with -o json as lines of JSON.

With --diff Kubernetes is asked what it would make of each object, and nothing is changed: printed is a unified diff. As
with kubectl diff, exit code 0 says that nothing would change, 1 that something would, and a greater one that it failed.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) },
	}
	d.flags(cmd)
	return cmd
}

func (d *deploying) flags(cmd *cobra.Command) {
	o, f := &d.opts, cmd.Flags()
	d.connect(f, o)
	f.BoolVar(&o.NoDLQ, "no-dlq", false, "work without a dead-letter queue: dead tasks are recorded, then deleted")
	f.StringVar(&o.Image, "image", "", "the workers' image, with a tag other than latest or a digest; required")
	f.StringVar(&o.ServerImage, "server-image", "", "the servers' image (default: the workers')")
	f.StringVar(&o.RoleARN, "role-arn", "", "the AWS role that the pods' service account stands for")
	f.StringVar(&o.Region, "region", "", "of queues and table (default: AWS_REGION)")
	f.StringVar(&o.Endpoint, "endpoint", "", "an endpoint that the pods call instead of AWS")
	f.IntVar(&o.Servers, "servers", o.Servers, "how many servers")
	f.IntVar(&o.MinWorkers, "min-workers", o.MinWorkers, "the fewest workers; as many as --max-workers does without KEDA")
	f.IntVar(&o.MaxWorkers, "max-workers", o.MaxWorkers, "the most workers")
	f.IntVar(&o.Concurrency, "concurrency", o.Concurrency, "how many handlers a worker runs at a time")
	f.DurationVar(&o.PollWait, "poll-wait", o.PollWait, "how long a receive waits, in whole seconds")
	f.DurationVar(&o.Drain, "drain", o.Drain, "what running tasks and calls get to end in")
	f.StringVar(&o.CPU, "cpu", o.CPU, "what a pod asks for")
	f.StringVar(&o.Memory, "memory", o.Memory, "what a pod gets, and no more")
	f.StringVar(&o.CredentialsSecret, "credentials-secret", o.CredentialsSecret, "the secret with credentials.yaml")
	f.StringVar(&o.TLSSecret, "tls-secret", "", "the secret with tls.crt and tls.key; required, or --plain-text")
	f.BoolVar(&d.dryRun, "dry-run", false, "print the objects as YAML instead")
	f.BoolVar(&d.diff, "diff", false, "print what would change instead; exit code 1 if anything would")
	f.BoolVar(&d.force, "force-conflicts", false, "take over fields that another manager has set otherwise")
	f.BoolVar(&d.watch, "wait", true, "wait until all pods are updated and available")
}

func (d *deploying) run(ctx context.Context) error {
	if err := d.fill(ctx); err != nil {
		return err
	}
	objects, err := deploy.Objects(d.opts)
	if err != nil {
		return err
	}
	if d.dryRun {
		return d.print(objects)
	}
	c, err := d.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if d.diff {
		return d.difference(ctx, c)
	}
	// First, or KEDA would set the number of workers back.
	if err := c.Prune(ctx, d.opts); err != nil {
		return err
	}
	if err := c.Apply(ctx, objects, d.force); err != nil || !d.watch {
		return d.late(err)
	}
	return d.late(c.Wait(ctx, objects))
}

// difference writes what would change. Code 1 says that something would, so that errors have another.
func (d *deploying) difference(ctx context.Context, c *deploy.Cluster) error {
	changes, err := c.Diff(ctx, d.opts, d.force)
	if err = d.late(err); program.Code(err) == program.Failed {
		d.cli.around.Say(name, err)
		return program.ExitError(program.Refused)
	}
	if err != nil {
		return err
	}
	for _, change := range changes {
		if err := d.cli.write(strings.TrimSuffix(change.Diff, "\n"), change); err != nil {
			return err
		}
	}
	return ended(min(len(changes), program.Failed))
}

// print writes the objects as YAML, unless JSON is asked for.
func (d *deploying) print(objects []*unstructured.Unstructured) error {
	if d.cli.format == "text" {
		d.cli.format = "yaml"
	}
	for _, object := range objects {
		if err := d.cli.write("", object.Object); err != nil {
			return err
		}
	}
	return nil
}

// fill adds what the settings say, and refuses what does not go together.
func (d *deploying) fill(ctx context.Context) error {
	if d.dryRun && d.diff {
		return config.Errorf("--dry-run asks nobody, and --diff asks Kubernetes: give one of them")
	}
	s, err := d.cli.settings(ctx, "queue-url", "table")
	if err == nil {
		err = d.cli.loader.RequireApart(s)
	}
	if err != nil {
		return err
	}
	o := &d.opts
	o.QueueURL, o.DLQURL, o.Table = s.QueueURL, s.DLQURL, s.Table
	if d.cli.loader.Given("record-ttl") {
		o.RecordTTL = s.RecordTTL
	}
	o.ServerImage = cmp.Or(o.ServerImage, o.Image)
	o.Region = cmp.Or(o.Region, d.cli.around.Getenv("AWS_REGION"))
	if (o.TLSSecret == "") != s.PlainText {
		return config.Errorf("--tls-secret: give the secret with the servers' certificate, or --plain-text if something before them " +
			"encrypts, and not both")
	}
	return nil
}

// late says of an error that comes from the end of the time what that means.
func (c *cluster) late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w %s: %w", program.ErrTimedOut, c.timeout.Round(time.Millisecond), err)
	}
	return err
}
