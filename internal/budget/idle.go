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
	"time"

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
func (c *child) wait() (got figures.List, err error) {
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
	got.Add(idleWorker, others, float64(seen.Others))
	got.Add(idleWorker, processor, seen.ProcessorMS)
	return got, errors.Join(err, c.at.remove(context.Background()))
}

func (c *child) stop() error {
	if c.command == nil {
		return nil
	}
	err := c.command.Process.Kill()
	_ = c.command.Wait() // it was killed
	return errors.Join(err, c.at.remove(context.Background()))
}

// idleUsage is what an idle worker uses in a minute.
type idleUsage struct {
	Receives, Others int
	ProcessorMS      float64
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
	m := goflow.NewMux()
	w, err := goflow.NewWorker(to.queue, to.table, m, goflow.DeadLetters(to.dead), goflow.Concurrency(slots))
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	for to.bill().calls[receiveMessage] == 0 {
		select {
		case err := <-ended:
			return errors.Join(errors.New("the worker ended"), err)
		case <-time.After(time.Millisecond):
		}
	}
	first, before := to.bill(), processorTime()
	select {
	case err := <-ended:
		return errors.Join(errors.New("the worker ended"), err)
	case <-time.After(idleTime):
	}
	after := to.bill()
	n := 1 + after.calls[receiveMessage] - first.calls[receiveMessage]
	return json.NewEncoder(out).Encode(idleUsage{
		Receives: n, Others: 1 + after.total - first.total - n, ProcessorMS: (processorTime() - before) * 1e3,
	})
}

const receiveMessage = "ReceiveMessage"
