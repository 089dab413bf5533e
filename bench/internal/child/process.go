package child

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// orderTime is how long one order may take.
const orderTime = 20 * time.Minute

// Process is a contender's process, seen from the one that compares.
type Process struct {
	name    string
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *json.Decoder
}

// Start runs a command that obeys orders. It is in a process group of its own,
// with whatever it starts.
func Start(ctx context.Context, name string, environment []string, command ...string) (*Process, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // it is this program, or our Python
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	orders, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &Process{name, cmd, orders, json.NewDecoder(answers)}, cmd.Start()
}

// Do has one order carried out.
func (p *Process) Do(o Order) (Answer, error) {
	late := time.AfterFunc(orderTime, func() { _ = p.cmd.Cancel() })
	defer late.Stop()
	if err := json.NewEncoder(p.orders).Encode(o); err != nil {
		return Answer{}, fmt.Errorf("%s: %s: %w", p.name, o.Do, err)
	}
	var a Answer
	if err := p.answers.Decode(&a); err != nil {
		return Answer{}, fmt.Errorf("%s: %s: no answer: %w", p.name, o.Do, err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("%s: %s: %w", p.name, o.Do, errors.New(a.Error))
	}
	return a, nil
}

// Stop ends the process and all that it started, at once.
func (p *Process) Stop() {
	_ = p.cmd.Cancel() // it may be gone
	_ = p.cmd.Wait()   // and was killed
}
