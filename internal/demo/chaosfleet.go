package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/demo/chaos"
)

// fleet is the workers of the chaos demo, as processes. It signals only
// processes that it started.
type fleet struct {
	demo   *demo
	folder string // with the binary, the journal and the logs
	env    []string
	notes  *chaos.Journal

	mu           sync.Mutex
	lives        map[int]*chaos.Life // of all that ever were, by number
	kills, stops int
	size         int  // how many there are at a time
	supervised   bool // a worker that can't reach its services at its start is replaced
	exits        int  // of those
}

// newFleet builds the worker.
func (d *demo) newFleet(ctx context.Context, env []string) (*fleet, error) {
	folder, err := os.MkdirTemp("", "goflow-chaos-")
	if err != nil {
		return nil, err
	}
	f := &fleet{demo: d, folder: folder, env: env, lives: map[int]*chaos.Life{}}
	if err := build(ctx, "internal/demo/worker", f.path("worker")); err != nil {
		f.remove()
		return nil, err
	}
	if f.notes, err = chaos.Open(f.journal(), 0); err != nil {
		f.remove()
		return nil, err
	}
	return f, nil
}

// note writes down what is done to a worker.
func (m *member) note(what string) {
	_ = m.fleet.notes.Write(chaos.Entry{At: time.Now(), Worker: m.number, What: chaos.Signal, Note: what}) // for people
}

func (f *fleet) path(name string) string { return filepath.Join(f.folder, name) }
func (f *fleet) journal() string         { return f.path("journal") }

// remove leaves nothing of it in the system's own temporary folder.
func (f *fleet) remove() {
	if f.notes != nil {
		_ = f.notes.Close() // each line has been written already
	}
	_ = os.RemoveAll(f.folder)
}

// run keeps the fleet running until ctx ends, and torments it until calm does.
// It then stops all workers, each of which has to end by itself and well.
func (f *fleet) run(ctx, calm context.Context, seed uint64) error {
	errs := make([]error, f.size)
	var places sync.WaitGroup
	for place := range uint64(f.size) { //nolint:gosec // a handful
		places.Go(func() { errs[place] = f.runPlace(ctx, calm, newLottery(seed, place+1)) })
	}
	places.Wait()
	return errors.Join(errs...)
}

// runPlace keeps one worker running, the next when it is killed.
func (f *fleet) runPlace(ctx, calm context.Context, l lottery) error {
	for {
		m, err := f.start()
		if err != nil {
			return err
		}
		killed, err := m.torment(calm, l)
		if err != nil && !errors.Is(err, errDeserted) {
			return errors.Join(err, m.kill())
		}
		if err == nil && !killed {
			err = m.rest(ctx)
		}
		if m.excused(err) {
			pause(ctx, time.Second)
			continue
		}
		if err != nil || !killed {
			return err
		}
		pause(calm, l.between(0, time.Second))
	}
}

// member is one worker.
type member struct {
	fleet  *fleet
	number int
	cmd    *exec.Cmd
	stdin  io.Closer // its end tells the worker to end, should this program be killed
	ended  chan struct{}
	err    error // of the process that has ended
	life   *chaos.Life
}

func (f *fleet) start() (*member, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := &member{fleet: f, number: len(f.lives) + 1, ended: make(chan struct{}), life: &chaos.Life{}}
	f.lives[m.number] = m.life
	log, err := os.Create(m.log())
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()     // the process has its own
	m.cmd = exec.Command(f.path("worker")) //nolint:gosec,noctx // our own; who ends it writes down when
	m.cmd.Stdout, m.cmd.Stderr = log, log
	m.cmd.Env = append(slices.Clip(f.env), "DEMO_WORKER="+strconv.Itoa(m.number), "DEMO_JOURNAL="+f.journal())
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	go func() {
		m.err = m.cmd.Wait()
		close(m.ended)
	}()
	return m, nil
}

func (m *member) log() string { return m.fleet.path("worker-" + strconv.Itoa(m.number) + ".log") }

// torment waits, then kills the worker or stops it for longer than a lease and
// continues it, again and again until calm ends.
func (m *member) torment(calm context.Context, l lottery) (killed bool, err error) {
	longest := time.Duration(m.fleet.size) * 1750 * time.Millisecond // together they suffer alike, however many
	for {
		if err := m.wait(calm, l.between(time.Second, longest)); err != nil || calm.Err() != nil {
			return false, err
		}
		if l.IntN(3) > 0 {
			m.fleet.count(&m.fleet.kills)
			return true, m.kill()
		}
		m.fleet.count(&m.fleet.stops)
		killed, err := m.stop(l.between(chaosLease+claimSlack, 3*chaosLease), l.IntN(4) == 0)
		if killed || err != nil {
			return killed, err
		}
	}
}

func (f *fleet) count(n *int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*n++
}

// wait waits for d, or until ctx ends. A worker that ends by itself is an error.
func (m *member) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-m.ended:
		return m.deserted()
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

// errDeserted is the error of a worker that ended by itself.
var errDeserted = errors.New("it ended by itself")

func (m *member) deserted() error {
	return fmt.Errorf("worker %d: %w: %w; its log ends with: %s", m.number, errDeserted, m.err, lastWords(m.log()))
}

// excused tells whether a worker may have ended so: one that cannot reach its
// services ends at its start, and whoever looks after it starts the next.
func (m *member) excused(err error) bool {
	words := lastWords(m.log())
	last := words[strings.LastIndex(strings.TrimSuffix(words, "\n"), "\n")+1:]
	if !m.fleet.supervised || !errors.Is(err, errDeserted) ||
		!strings.Contains(last, goflow.ErrUnavailable.Error()) && !strings.Contains(last, "AWS credentials are missing") {
		return false
	}
	m.note("ended by itself")
	m.fleet.count(&m.fleet.exits)
	m.fleet.mu.Lock()
	defer m.fleet.mu.Unlock()
	m.life.Killed = time.Now() // whatever ran in it
	return true
}

// kill ends the worker by SIGKILL.
func (m *member) kill() error {
	m.note("kill")
	m.fleet.mu.Lock()
	m.life.Killed = time.Now()
	m.fleet.mu.Unlock()
	err := m.cmd.Process.Kill()
	<-m.ended
	_ = m.stdin.Close() // nobody reads it any more
	if errors.Is(err, os.ErrProcessDone) {
		return m.deserted()
	}
	return err
}

// stop stops the worker for d by SIGSTOP. It is continued then, or killed.
func (m *member) stop(d time.Duration, killed bool) (bool, error) {
	m.note("stop")
	from := time.Now()
	err := m.cmd.Process.Signal(syscall.SIGSTOP)
	if errors.Is(err, os.ErrProcessDone) {
		<-m.ended
		return false, m.deserted()
	}
	if err != nil {
		return false, fmt.Errorf("stop worker %d: %w", m.number, err)
	}
	time.Sleep(d)
	if killed {
		err = m.kill()
	} else {
		m.note("continue")
		err = m.cmd.Process.Signal(syscall.SIGCONT)
	}
	m.fleet.mu.Lock()
	defer m.fleet.mu.Unlock()
	m.life.Stops = append(m.life.Stops, chaos.Span{From: from, To: time.Now()})
	return killed, err
}

// rest lets the worker run until ctx ends, and then drain.
func (m *member) rest(ctx context.Context) error {
	const most = 40 * time.Second
	select {
	case <-m.ended:
		return m.deserted()
	case <-ctx.Done():
	}
	defer func() { _ = m.stdin.Close() }() // nobody reads it any more
	if err := m.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop worker %d: %w", m.number, err)
	}
	select {
	case <-m.ended:
	case <-time.After(most):
		return errors.Join(fmt.Errorf("worker %d did not stop within %v; its log ends with: %s", m.number, most, lastWords(m.log())), m.kill())
	}
	if m.err != nil {
		return fmt.Errorf("worker %d: %w; its log ends with: %s", m.number, m.err, lastWords(m.log()))
	}
	return nil
}
