package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// workshop is a folder of the demo's own, with the programs that it starts and
// their logs. It ends only processes that it started.
type workshop struct {
	demo      *demo
	ctx       context.Context //nolint:containedctx // the life of the processes
	folder    string
	env       []string
	processes []*process
}

func (d *demo) newWorkshop(ctx context.Context, env []string) (*workshop, error) {
	folder, err := os.MkdirTemp("", "goflow-demo-")
	return &workshop{demo: d, ctx: ctx, folder: folder, env: env}, err
}

// close ends what still runs.
func (w *workshop) close() {
	for _, p := range w.processes {
		_ = p.cmd.Process.Kill()
	}
	_ = os.RemoveAll(w.folder) // a folder in the system's own temporary one
}

// stop drains all processes, which have to end by themselves and well.
func (w *workshop) stop() (err error) {
	for _, p := range w.processes {
		err = errors.Join(err, p.stop())
	}
	return err
}

// program is the path of a main of this module, which is built when it is first
// asked for.
func (w *workshop) program(main string) (string, error) {
	binary := filepath.Join(w.folder, filepath.Base(main))
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	return binary, build(w.ctx, main, binary)
}

// build builds a main of this module as binary.
func build(ctx context.Context, main, binary string) error {
	const module = "github.com/jamesTait-jt/goflow/"
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, module+main) //nolint:gosec // constants and our own folder
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", main, err, out)
	}
	return nil
}

// process is one that the demo started.
type process struct {
	workshop *workshop
	name     string
	binary   string
	args     []string
	cmd      *exec.Cmd
	ended    chan error
	killed   bool
}

// start starts a program of this module under a name.
func (w *workshop) start(name, main string, args ...string) (*process, error) {
	binary, err := w.program(main)
	if err != nil {
		return nil, err
	}
	p := &process{workshop: w, name: name, binary: binary, args: args}
	if err := p.start(); err != nil {
		return nil, err
	}
	w.processes = append(w.processes, p)
	return p, nil
}

func (p *process) log() string { return filepath.Join(p.workshop.folder, p.name+".log") }

func (p *process) start() error {
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()                                                          // the process has its own
	cmd, ended := exec.CommandContext(p.workshop.ctx, p.binary, p.args...), make(chan error, 1) //nolint:gosec // our own
	cmd.Env, cmd.Stdout, cmd.Stderr = p.workshop.env, log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	p.cmd, p.ended, p.killed = cmd, ended, false
	p.say("started")
	go func() { ended <- cmd.Wait() }()
	return nil
}

func (p *process) say(what string) {
	p.workshop.demo.say("%s %s (process %d)", p.name, what, p.cmd.Process.Pid)
}

// kill is SIGKILL.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	how := <-p.ended
	p.killed = true
	p.say(fmt.Sprintf("killed: %v", how))
	return nil
}

// replace kills the process and starts another.
func (p *process) replace() error {
	if err := p.kill(); err != nil {
		return err
	}
	return p.start()
}

// stop drains a process that has not been killed.
func (p *process) stop() error {
	const most = 30 * time.Second
	if p.killed {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s ended by itself: %w; its log ends with: %s", p.name, err, lastWords(p.log()))
	}
	select {
	case err := <-p.ended:
		if err != nil {
			return fmt.Errorf("%s: %w; its log ends with: %s", p.name, err, lastWords(p.log()))
		}
		p.say("stopped")
		return nil
	case <-time.After(most):
		_ = p.cmd.Process.Kill() // it has had its time
		return fmt.Errorf("%s did not stop within %v; its log ends with: %s", p.name, most, lastWords(p.log()))
	}
}

// lastWords are the end of a log.
func lastWords(path string) string {
	log, err := os.ReadFile(path) //nolint:gosec // the demo's own file
	if err != nil {
		return err.Error()
	}
	return string(log[max(len(log)-1000, 0):])
}
