package child

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/bench/internal/contend"
)

// program is the process of one contender.
type program struct {
	name  string
	queue contend.Queue // or
	pool  contend.Pool
	ids   []string // pushed and not awaited
}

// Serve is the main of a contender's process: it carries out the orders that come
// from in until there are no more.
func Serve(ctx context.Context, name string, in io.Reader, out io.Writer) error {
	p := &program{name: name}
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o Order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		answer, err := p.obey(ctx, o)
		if err != nil {
			answer.Error = err.Error()
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
}

func (p *program) obey(ctx context.Context, o Order) (a Answer, err error) {
	begin := time.Now()
	switch o.Do {
	case DoMake:
		err = p.make(ctx, o.Settings)
	case DoWork:
		if p.queue != nil {
			err = p.queue.Work(ctx)
		}
	case DoPush:
		err = p.push(ctx, o)
	case DoAwait:
		if p.queue != nil {
			err = p.queue.Await(ctx, p.ids)
		}
	case DoPace:
		a.Latencies, err = p.pace(ctx, o)
	case DoUsage:
		a.Usage, err = used()
	default:
		err = fmt.Errorf("child: no order is called %q", o.Do)
	}
	a.Seconds = time.Since(begin).Seconds()
	return a, err
}

func (p *program) make(ctx context.Context, s contend.Settings) (err error) {
	if made := contend.Queues()[p.name]; made != nil {
		p.queue, err = made(ctx, s)
		return err
	}
	if made := contend.Pools()[p.name]; made != nil {
		p.pool, err = made(s)
		return err
	}
	return fmt.Errorf("child: no contender is called %q", p.name)
}

// push queues the tasks; a pool runs them, and each pusher waits for its result.
func (p *program) push(ctx context.Context, o Order) error {
	payload := strings.Repeat("p", o.Bytes)
	p.ids = make([]string, o.Tasks)
	errs := make([]error, Pushers)
	var all sync.WaitGroup
	for pusher := range Pushers {
		all.Go(func() {
			for i := pusher; i < o.Tasks && errs[pusher] == nil; i += Pushers {
				if p.pool != nil {
					errs[pusher] = p.pool.Do(ctx, payload)
					continue
				}
				p.ids[i], errs[pusher] = p.queue.Push(ctx, payload)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// pace runs the tasks of a low load: about one a gap, each on its own, and without
// a gap one after the other.
func (p *program) pace(ctx context.Context, o Order) ([]float64, error) {
	payload := strings.Repeat("p", o.Bytes)
	latencies, errs := make([]float64, o.Tasks), make([]error, o.Tasks)
	one := func(i int) {
		begin := time.Now()
		errs[i] = p.do(ctx, payload)
		latencies[i] = time.Since(begin).Seconds()
	}
	gaps := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // no secret; the same gaps for everybody
	var all sync.WaitGroup
	for i := range o.Tasks {
		if o.Gap == 0 {
			one(i)
			continue
		}
		time.Sleep(time.Duration((0.5 + gaps.Float64()) * o.Gap * float64(time.Second)))
		all.Go(func() { one(i) })
	}
	all.Wait()
	return latencies, errors.Join(errs...)
}

func (p *program) do(ctx context.Context, payload string) error {
	if p.pool != nil {
		return p.pool.Do(ctx, payload)
	}
	id, err := p.queue.Push(ctx, payload)
	if err != nil {
		return err
	}
	return p.queue.Await(ctx, []string{id})
}
