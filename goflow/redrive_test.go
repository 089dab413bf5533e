package goflow_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// wayBack is the queue as a redrive meets it. It notes how many messages each call has,
// and says why an entry is not taken, by its place among all.
type wayBack struct {
	*memory.Broker
	fails map[int]error
	calls []int
	seen  int
}

func (b *wayBack) Send(ctx context.Context, msgs []port.Message) error {
	b.calls = append(b.calls, len(msgs))
	errs, taken := port.ItemErrors{}, []port.Message{}
	for i := range msgs {
		if err := b.fails[b.seen+i]; err != nil {
			errs[i] = err
		} else {
			taken = append(taken, msgs[i])
		}
	}
	b.seen += len(msgs)
	if len(taken) > 0 {
		if err := b.Broker.Send(ctx, taken); err != nil {
			return err
		}
	}
	return errs.Err()
}

// dyingSteps are those that die in their first attempt.
func dyingSteps(w *world, names ...string) *steps {
	s := newSteps(w, func(context.Context, string) error { return errStep }, goflow.MaxAttempts(1))
	s.push(names...)
	return s
}

// bury runs the next n steps.
func (s *steps) bury(n int) {
	for range n {
		s.process(s.newProcessor(), s.receive(s.queue))
	}
}

// move gives the next step up as the broker does: its message goes as it is.
func (s *steps) move() {
	d := s.receive(s.queue)
	require.NoError(s, s.dead.Send(s.Context(), []port.Message{{ID: d.ID, Body: d.Body, Group: d.Group}}))
	require.NoError(s, s.queue.Ack(s.Context(), []port.Delivery{d}))
}

func (s *steps) redrive(queue port.Broker) (left []string, errs []error) {
	return s.redriveFrom(s.dead, queue)
}

// redriveFrom sends all back through queue, runs what has come, and returns the IDs of
// those that could not be sent, with the errors.
func (s *steps) redriveFrom(dead, queue port.Broker) (left []string, errs []error) {
	letters, err := goflow.NewDeadLetterQueue(dead, queue, s.records)
	require.NoError(s, err)
	n := 0
	for l, err := range letters.Redrive(s.Context(), goflow.DeadLetterFilter{}) {
		if n++; err != nil {
			left, errs = append(left, l.ID), append(errs, err)
		}
	}
	s.ran = nil
	s.bury(n - len(left))
	return left, errs
}

func TestRedriveKeepsTheOrderOfAGroup(t *testing.T) {
	t.Parallel()
	for name, subtest := range map[string]func(w *world){
		"AnEntryIsThrottled": func(w *world) {
			s := dyingSteps(w, "a1", "a2")
			s.bury(2)
			left, _ := s.redrive(&wayBack{Broker: w.queue, fails: map[int]error{0: port.ErrUnavailable}})
			require.Empty(w, left)
			require.Equal(w, []string{"a1", "a2"}, s.ran)
		},
		"TheSecondIsUnsettled": func(w *world) {
			s := dyingSteps(w, "a1", "a2")
			s.bury(1)
			s.move()
			left, _ := s.redrive(w.queue)
			require.Empty(w, left)
			require.Equal(w, []string{"a1", "a2"}, s.ran)
		},
		"NothingOvertakesALetterThatStays": func(w *world) {
			s := dyingSteps(w, "a1", "a2", "a3", "b1", "b2")
			s.bury(2)
			s.move()
			s.bury(2)
			left, errs := s.redrive(&wayBack{Broker: w.queue, fails: map[int]error{0: port.ErrAmbiguous}})
			require.Equal(w, s.ids[:3], left)
			require.ErrorIs(w, errs[0], port.ErrAmbiguous)
			for _, err := range errs[1:] {
				require.ErrorIs(w, err, port.ErrUnavailable)
				require.ErrorContains(w, err, "an earlier task of group a")
			}
			require.Equal(w, []string{"b1", "b2"}, s.ran)
			left, _ = s.redrive(w.queue)
			require.Empty(w, left)
			require.Equal(w, []string{"a1", "a2", "a3"}, s.of("a"), "the operator tries again")
		},
		"NothingOvertakesAnUnsettledOneThatStays": func(w *world) {
			s := dyingSteps(w, "a1", "a2")
			s.move()
			s.bury(1)
			left, errs := s.redrive(&wayBack{Broker: w.queue, fails: map[int]error{0: port.ErrRefused}})
			require.Equal(w, s.ids, left)
			require.ErrorIs(w, errs[0], port.ErrRefused)
			require.ErrorIs(w, errs[1], port.ErrUnavailable)
		},
		"AsFewCallsAsOrderAllows": func(w *world) {
			names := []string{"a1", "a2", "b1", "b2", "c1"}
			s, back := dyingSteps(w, names...), &wayBack{Broker: w.queue}
			s.bury(len(names))
			s.redrive(back)
			require.Equal(w, []int{3, 2}, back.calls)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest, memory.Ordered())
		})
	}
}

// Dead letters that keep no order hand the rest of a group out beside a letter that stays.
func TestRedriveHoldsAGroupBackToItsEnd(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		var names []string
		for i := range 15 {
			names = append(names, fmt.Sprintf("a%02d", i))
		}
		s := dyingSteps(w, names...)
		s.bury(len(names))
		left, _ := s.redriveFrom(disordered(w), &wayBack{Broker: w.queue, fails: map[int]error{4: port.ErrRefused}})
		require.Equal(w, s.ids[4:], left)
		require.Equal(w, names[:4], s.ran)
	}, memory.Ordered())
}

// disordered is a copy of the dead letters that keeps no order.
func disordered(w *world) *memory.Broker {
	standard := memory.NewBroker(memory.Lease(testLease))
	for {
		into := make([]port.Delivery, port.MaxMessages)
		n, err := w.dead.Receive(w.Context(), into)
		require.NoError(w, err)
		if n == 0 {
			return standard
		}
		for _, d := range into[:n] {
			require.NoError(w, standard.Send(w.Context(), []port.Message{d.Message}))
		}
		require.NoError(w, w.dead.Ack(w.Context(), into[:n]))
	}
}

// There a group is a key of fairness.
func TestRedriveWithoutOrderGoesTenByTen(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		s, back := dyingSteps(w), &wayBack{Broker: w.queue, fails: map[int]error{3: port.ErrRefused}}
		for i := range 20 {
			s.ids = append(s.ids, w.push("step", fmt.Sprint("k", i), goflow.FairKey("k")))
		}
		s.bury(20)
		left, _ := s.redrive(back)
		require.Equal(w, []int{10, 10}, back.calls)
		require.Len(w, left, 1)
	})
}

// A queue that is no port.Orderer says by its limits whether it keeps order.
func TestRedriveAsksForTheOrder(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		s := dyingSteps(w, "a1", "a2")
		s.bury(2)
		sent := 0
		_, errs := s.redrive(&faultyBroker{Broker: w.queue, before: func(string) error { sent++; return port.ErrRefused }})
		require.Len(w, errs, 2)
		require.Equal(w, 1, sent, "the second one is not tried")

		_, errs = s.redrive(&faultyBroker{Broker: unlimited{w.queue}})
		require.Len(w, errs, 1)
		require.ErrorContains(w, errs[0], "redrive: the broker beneath has no limits")
		w.requireDead(2)
	}, memory.Ordered())
}

// unlimited hides what else a broker can do.
type unlimited struct{ port.Broker }
