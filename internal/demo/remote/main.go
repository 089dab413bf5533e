// Command remote is the demo's producer where there are servers: it has no
// broker and no store, and knows the servers' addresses only, which are its
// argument. It reads tasks from standard input, pushes them all under IDs of its
// own, so that a server that is killed costs no task and doubles none, and
// writes what became of them. Its words are those of the other producer.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/rpc/client"
)

type order struct {
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

type event struct {
	N     int    `json:"n"`
	ID    string `json:"id,omitempty"`
	Ended bool   `json:"ended,omitempty"`
}

// So many tasks are pushed at the same time, which the client makes calls of.
const burst = 20

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "remote: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("give the servers' addresses")
	}
	c, err := client.Dial(args[0])
	if err != nil {
		return err
	}
	var orders []order
	if err := json.NewDecoder(in).Decode(&orders); err != nil {
		return errors.Join(err, c.Close())
	}
	p := &producer{client: c, events: json.NewEncoder(out)}
	err = p.produce(ctx, orders)
	return errors.Join(err, c.Close())
}

type producer struct {
	client *client.Client

	mu     sync.Mutex
	events *json.Encoder
	err    error // the first
}

func (p *producer) tell(e event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events.Encode(e)
}

func (p *producer) note(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}

// produce pushes burst after burst, and waits for the outcomes of each meanwhile.
func (p *producer) produce(ctx context.Context, orders []order) error {
	var waiting sync.WaitGroup
	numbers := 0
	for some := range slices.Chunk(orders, burst) {
		ids := p.push(ctx, some, numbers)
		waiting.Go(func() { p.await(ctx, ids) })
		numbers += len(some)
		time.Sleep(100 * time.Millisecond) // so that the demo has a middle
	}
	waiting.Wait()
	return p.err
}

// push pushes tasks at the same time and returns their numbers by ID.
func (p *producer) push(ctx context.Context, some []order, first int) map[string]int {
	ids := map[string]int{}
	var pushing sync.WaitGroup
	for i, o := range some {
		n := first + i
		id := goflow.IDFrom(fmt.Sprint("demo/", os.Getpid(), "/", time.Now().UnixNano(), "/", strconv.Itoa(n)))
		ids[id] = n
		pushing.Go(func() {
			_, err := p.client.Push(ctx, o.Type, o.Payload, goflow.ID(id))
			if err == nil {
				err = p.tell(event{N: n, ID: id})
			}
			p.note(err)
		})
	}
	pushing.Wait()
	return ids
}

func (p *producer) await(ctx context.Context, numbers map[string]int) {
	ids := make([]string, 0, len(numbers))
	for id := range numbers {
		ids = append(ids, id)
	}
	for rec, err := range p.client.WaitAll(ctx, ids) {
		if err == nil {
			err = p.tell(event{N: numbers[rec.ID], Ended: true})
		}
		p.note(err)
	}
}
