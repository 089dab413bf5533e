package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/figures"
)

const (
	// idleCommand makes this program the idle worker.
	idleCommand = "idle"
	// idleTime is how long it is watched, at the default poll wait.
	idleTime = time.Minute
)

// child is a process of this program.
type child struct {
	command *exec.Cmd
	at      *place
	out     bytes.Buffer
}

// startIdle starts a worker that has nothing to do, in a process of its own.
func startIdle(ctx context.Context) (*child, error) {
	p, err := newPlace(ctx)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{at: p}
	c.command = exec.CommandContext(ctx, program, idleCommand, p.QueueURL, p.DLQURL, p.Table) //nolint:gosec // it is this program
	c.command.Stdout, c.command.Stderr = &c.out, os.Stderr
	return c, c.command.Start()
}

// wait returns what the child has measured.
func (c *child) wait(ctx context.Context) (got figures.List, err error) {
	if c.command == nil {
		return nil, nil
	}
	err = c.command.Wait()
	var seen idleUsage
	if err == nil {
		err = json.Unmarshal(c.out.Bytes(), &seen)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", idleWorker, err, c.out.Bytes())
	}
	got.Add(idleWorker, receives, float64(seen.Receives))
	got.Add(idleWorker, answered, float64(seen.Answered))
	got.Add(idleWorker, others, float64(seen.Others))
	got.Add(idleWorker, processor, seen.ProcessorMS)
	return got, errors.Join(err, c.at.remove(context.WithoutCancel(ctx)))
}

func (c *child) stop(ctx context.Context) error {
	if c.command == nil {
		return nil
	}
	err := c.command.Process.Kill()
	_ = c.command.Wait() // it was killed
	return errors.Join(err, c.at.remove(context.WithoutCancel(ctx)))
}

// idleUsage is what an idle worker uses in a minute.
type idleUsage struct {
	Receives    int64   `json:"receives"`
	Answered    int64   `json:"answered"`
	Others      int64   `json:"others"`
	ProcessorMS float64 `json:"processor_ms"`
}

// beIdle is that process. The minute begins with the first receive: what comes
// before it is done once in a worker's life.
func beIdle(ctx context.Context, args []string, out io.Writer) error {
	const queue, dead, table = 0, 1, 2
	if len(args) != table+1 {
		return fmt.Errorf("%s: give a queue, its dead letters and a table", idleCommand)
	}
	p := &place{}
	p.QueueURL, p.DLQURL, p.Table = args[queue], args[dead], args[table]
	to, err := p.open(ctx, goflow.DefaultPollWait)
	if err != nil {
		return err
	}
	polls := &polls{API: to.queues, first: make(chan struct{})}
	w, err := goflow.NewWorker(sqs.New(polls, p.QueueURL), to.table, goflow.NewMux(), goflow.DeadLetters(to.dead), goflow.Concurrency(slots))
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	select {
	case err := <-ended:
		return fmt.Errorf("the worker ended: %w", err)
	case <-polls.first:
	}
	before, processorBefore := to.Usage(), processorTime()
	select {
	case err := <-ended:
		return fmt.Errorf("the worker ended: %w", err)
	case <-time.After(idleTime):
	}
	used := to.Usage().Sub(before)
	answers := used.Calls[cost.Operation{Service: "SQS", Name: "ReceiveMessage"}]
	return json.NewEncoder(out).Encode(idleUsage{
		Receives:    polls.n.Load(),
		Answered:    answers,
		Others:      used.Requests() - answers,
		ProcessorMS: (processorTime() - processorBefore) * 1e3,
	})
}

// polls is SQS with its receives counted when they begin: the meter counts a call
// when it is answered.
type polls struct {
	sqs.API

	n     atomic.Int64
	first chan struct{} // closed when the first one begins
}

func (p *polls) ReceiveMessage(ctx context.Context, in *awssqs.ReceiveMessageInput, opts ...func(*awssqs.Options)) (*awssqs.ReceiveMessageOutput, error) {
	if p.n.Add(1) == 1 {
		close(p.first)
	}
	return p.API.ReceiveMessage(ctx, in, opts...)
}
