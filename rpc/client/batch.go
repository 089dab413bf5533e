package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v5"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// batch is pushes on their way, some of them in each call. Their groups keep
// their order: what stands behind one that was not pushed is not pushed either,
// neither in a repeat nor in a later call. Within a call the server sees to that.
type batch struct {
	pushes []port.Push
	once   func(ctx context.Context, pushes []port.Push, items []int) []error // one call
	errs   port.ItemErrors
	held   map[group]bool
}

// group is one of a queue's.
type group struct{ queue, name string }

func (b *batch) groupOf(i int) group { return group{b.pushes[i].Queue, b.pushes[i].Group} }

// push makes one call for items, and again for those of them that may be
// repeated.
func (b *batch) push(ctx context.Context, items []int) {
	if items = b.free(items); len(items) == 0 {
		return
	}
	_, _ = backoff.Retry(ctx, func() (none struct{}, err error) {
		items, err = b.settle(items, b.once(ctx, b.pushes, items))
		return none, err
	}, backoff.WithMaxTries(tries), backoff.WithBackOff(pauses())) // what is left is in errs
	for _, i := range items {
		b.hold(i)
	}
}

// free are the items that nothing holds back.
func (b *batch) free(items []int) (free []int) {
	for _, i := range items {
		if b.held[b.groupOf(i)] {
			b.errs[i] = fmt.Errorf("goflow: push %s: %w", b.pushes[i].Type, port.HeldBack(b.pushes[i].Group))
			continue
		}
		if err := checkText(&b.pushes[i]); err != nil {
			b.errs[i] = err
			b.hold(i)
			continue
		}
		free = append(free, i)
	}
	return free
}

// checkText refuses text that the wire cannot carry. It would spoil the call, in
// which there may be the tasks of others.
func checkText(p *port.Push) error {
	texts := append([]string{p.ID, p.Type, p.Queue, p.UniqueKey, p.Group, p.FairKey}, slices.Collect(maps.Values(p.Headers))...)
	for _, text := range slices.AppendSeq(texts, maps.Keys(p.Headers)) {
		if !utf8.ValidString(text) {
			return fmt.Errorf("goflow: push %.128q: %w text %.60q: through a server headers, keys and names have to be UTF-8", p.Type, port.ErrInvalid, text)
		}
	}
	return nil
}

// settle notes what a call came to, and returns the items that may be pushed
// again, with the error of one of them.
func (b *batch) settle(items []int, errs []error) (again []int, err error) {
	for place, i := range items {
		errs[place] = inDoubt(b.errs[i], errs[place])
	}
	b.holdOvertaken(items, errs)
	for place, i := range items {
		switch itemErr := errs[place]; {
		case itemErr == nil:
			delete(b.errs, i)
		case !b.held[b.groupOf(i)] && repeatable(&b.pushes[i], itemErr):
			b.errs[i] = itemErr
			again, err = append(again, i), itemErr
		default:
			b.errs[i] = itemErr
			b.hold(i)
		}
	}
	return again, err
}

// holdOvertaken holds the groups of which a later item was pushed and not an
// earlier one, or perhaps was: a repeat would turn their order round. Where all
// are in doubt it is the answer that was lost, and they are repeated together.
func (b *batch) holdOvertaken(items []int, errs []error) {
	pushed, doubted := map[group]bool{}, map[group]bool{}
	for place, i := range slices.Backward(items) {
		g, doubtful := b.groupOf(i), errors.Is(errs[place], port.ErrAmbiguous)
		switch {
		case errs[place] == nil:
			pushed[g] = true
		case pushed[g], doubted[g] && !doubtful:
			b.hold(i)
		case doubtful:
			doubted[g] = true
		}
	}
}

// hold keeps back what stands behind an item.
func (b *batch) hold(i int) {
	if b.pushes[i].Group != "" {
		b.held[b.groupOf(i)] = true
	}
}

// repeatable: it was surely not pushed, or is the same task when it is pushed
// twice.
func repeatable(p *port.Push, err error) bool {
	if errors.Is(err, port.ErrAmbiguous) {
		return p.Chosen
	}
	return errors.Is(err, port.ErrUnavailable)
}

// inDoubt adds to an error that says nothing of an earlier call that this one may
// have been heard.
func inDoubt(earlier, err error) error {
	if !errors.Is(earlier, port.ErrAmbiguous) || errors.Is(err, port.ErrAmbiguous) {
		return err
	}
	for _, silent := range []error{port.ErrUnavailable, port.ErrRefused, port.ErrClosed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, silent) {
			return fmt.Errorf("%w: %w", port.ErrAmbiguous, err)
		}
	}
	return err
}
