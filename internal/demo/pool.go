package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// pool is cmd/localworker as a process. It ends only processes that it
// started.
type pool struct {
	demo   *demo
	ctx    context.Context //nolint:containedctx // the life of the processes
	folder string          // with the binary and the log
	env    []string
	cmd    *exec.Cmd
	ended  chan error
}

// newPool builds the worker.
func (d *demo) newPool(ctx context.Context, env []string) (*pool, error) {
	folder, err := os.MkdirTemp("", "goflow-demo-")
	if err != nil {
		return nil, err
	}
	p := &pool{demo: d, ctx: ctx, folder: folder, env: env}
	if err := build(ctx, "cmd/localworker", p.binary()); err != nil {
		p.remove()
		return nil, err
	}
	return p, nil
}

// build builds a worker, which is a main of this module, as binary.
func build(ctx context.Context, worker, binary string) error {
	const module = "github.com/jamesTait-jt/goflow/"
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, module+worker) //nolint:gosec // constants and our own folder
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the worker: %w: %s", err, out)
	}
	return nil
}

func (p *pool) binary() string { return filepath.Join(p.folder, "localworker") }
func (p *pool) log() string    { return filepath.Join(p.folder, "localworker.log") }

func (p *pool) start() error {
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()             // the process has its own
	p.cmd = exec.CommandContext(p.ctx, p.binary()) //nolint:gosec // our own
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, log, log
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	p.demo.say("worker started (process %d)", p.cmd.Process.Pid)
	cmd, ended := p.cmd, make(chan error, 1)
	p.ended = ended
	go func() { ended <- cmd.Wait() }()
	return nil
}

// replace kills the worker and starts another.
func (p *pool) replace() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill the worker: %w", err)
	}
	how := <-p.ended
	p.demo.say("worker killed (process %d): %v", p.cmd.Process.Pid, how)
	return p.start()
}

// stop drains the worker, which has to end by itself and well.
func (p *pool) stop() error {
	const most = 30 * time.Second
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("worker ended by itself: %w; its log ends with: %s", err, p.lastWords())
	}
	select {
	case err := <-p.ended:
		if err != nil {
			return fmt.Errorf("worker: %w; its log ends with: %s", err, p.lastWords())
		}
		p.demo.say("worker stopped")
		return nil
	case <-time.After(most):
		_ = p.cmd.Process.Kill() // it has had its time
		return fmt.Errorf("worker did not stop within %v; its log ends with: %s", most, p.lastWords())
	}
}

func (p *pool) lastWords() string { return lastWords(p.log()) }

// lastWords are the end of a worker's log.
func lastWords(path string) string {
	log, err := os.ReadFile(path) //nolint:gosec // the demo's own file
	if err != nil {
		return err.Error()
	}
	return string(log[max(len(log)-1000, 0):])
}

func (p *pool) remove() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // if it still runs
	}
	_ = os.RemoveAll(p.folder) // a folder in the system's own temporary one
}
