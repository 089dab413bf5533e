package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// order is a task on its way to the producer.
type order struct {
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
	pushed
}

// pushed is how a task is pushed; the zero value is without options.
type pushed struct {
	Delay    time.Duration `json:"delay,omitempty"`
	Attempts int           `json:"attempts,omitempty"`
}

func (p pushed) options() (opts []goflow.PushOption) {
	if p.Delay > 0 {
		opts = append(opts, goflow.Delay(p.Delay))
	}
	if p.Attempts > 0 {
		opts = append(opts, goflow.MaxAttempts(p.Attempts))
	}
	return opts
}

// event is what the producer reports: task N was pushed as ID, or has ended.
type event struct {
	N     int    `json:"n"`
	ID    string `json:"id,omitempty"`
	Again int    `json:"again,omitempty"` // how often its push was repeated
	Ended bool   `json:"ended,omitempty"`
}

// producing pushes orders, awaits every outcome, and tells of each step.
type producing func(ctx context.Context, client *goflow.Client, orders []order, tell func(event) error) error

// produce is the producer: it reads the orders, and writes the events.
func produce(ctx context.Context, in io.Reader, out io.Writer, all producing) error {
	loader := config.NewLoader(config.CLI, "--", os.Getenv)
	settings, err := loader.Load()
	if err != nil {
		return err
	}
	parts, err := config.Open(ctx, settings)
	if err != nil {
		return err
	}
	client, err := goflow.NewClient(parts.Queue, parts.Table)
	if err != nil {
		return err
	}
	var orders []order
	if err := json.NewDecoder(in).Decode(&orders); err != nil {
		return err
	}
	events := json.NewEncoder(out)
	return all(ctx, client, orders, func(e event) error { return events.Encode(e) })
}

func produceAll(ctx context.Context, client *goflow.Client, orders []order, tell func(event) error) error {
	tasks := make([]task.Task, len(orders))
	for i, o := range orders {
		tasks[i] = task.Task{Type: o.Type, Payload: o.Payload}
	}
	ids, err := client.PushMany(ctx, tasks)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if err := tell(event{N: i, ID: id}); err != nil {
			return err
		}
	}
	return await(ctx, client, ids, tell)
}

func await(ctx context.Context, client *goflow.Client, ids []string, tell func(event) error) error {
	numbers := map[string]int{}
	for i, id := range ids {
		numbers[id] = i
	}
	for rec, err := range client.WaitAll(ctx, ids) {
		if err == nil {
			err = tell(event{N: numbers[rec.ID], Ended: true})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runProducer runs the producer as a process of its own. ended is called after
// each task, with how many have ended.
func (d *demo) runProducer(ctx context.Context, env []string, ended func(n int) error, args ...string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if d.producer == "" {
		var err error
		if d.producer, err = os.Executable(); err != nil {
			return err
		}
		args = []string{cmp.Or(d.command, produceCommand)}
	}
	cmd := exec.CommandContext(ctx, d.producer, args...) //nolint:gosec // it is this program, or our own
	cmd.Env, cmd.Stderr = env, d.out
	stdin, stdinErr := cmd.StdinPipe()
	stdout, stdoutErr := cmd.StdoutPipe()
	if err := errors.Join(stdinErr, stdoutErr, cmd.Start()); err != nil {
		return fmt.Errorf("producer: %w", err)
	}
	d.say("producer started (process %d)", cmd.Process.Pid)
	watch := time.AfterFunc(d.patience, func() { cancel(fmt.Errorf("nothing happened for %v", d.patience)) })
	defer watch.Stop()
	err := errors.Join(d.order(stdin), d.follow(&heard{stdout, func() { watch.Reset(d.patience) }}, ended))
	if err != nil {
		cancel(err)
	}
	if waitErr := cmd.Wait(); err == nil {
		err = waitErr
	}
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	return err
}

// heard calls alive whenever something is read.
type heard struct {
	io.Reader
	alive func()
}

// Read reads.
func (h *heard) Read(into []byte) (int, error) {
	n, err := h.Reader.Read(into)
	if n > 0 {
		h.alive()
	}
	return n, err
}

func (d *demo) orders() []order {
	orders := make([]order, len(d.tasks))
	for i, e := range d.tasks {
		orders[i] = order{Type: e.taskType, Payload: e.payload, pushed: e.how}
	}
	return orders
}

func (d *demo) order(stdin io.WriteCloser) error {
	return errors.Join(json.NewEncoder(stdin).Encode(d.orders()), stdin.Close())
}

// follow reads the producer's events until it ends.
func (d *demo) follow(stdout io.Reader, ended func(n int) error) error {
	dec := json.NewDecoder(stdout)
	for n := 0; ; {
		var e event
		if err := dec.Decode(&e); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("producer's events: %w", err)
		}
		if !e.Ended {
			d.tasks[e.N].id = e.ID
		}
		if d.watch != nil {
			d.watch(e)
		}
		if !e.Ended {
			continue
		}
		n++
		d.progress(n)
		if err := ended(n); err != nil {
			return err
		}
	}
}

// progress says now and then how many tasks have ended.
func (d *demo) progress(n int) {
	if n%(len(d.tasks)/8) == 0 || n == len(d.tasks) {
		d.say("%3d of %d tasks have ended", n, len(d.tasks))
	}
}
