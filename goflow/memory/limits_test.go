package memory_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

const someID = "0192f0c1-2b3d-7e4f-8a5b-6c7d8e9f0a1b"

func TestDefaultsAreTheProvisionedQueues(t *testing.T) {
	t.Parallel()
	limits, err := memory.NewBroker().Limits(t.Context())
	require.NoError(t, err)
	require.Equal(t, port.Limits{
		MaxMessageBytes: 1 << 20, MaxDelay: 15 * time.Minute, Retention: 7 * 24 * time.Hour,
		Lease: time.Minute, PollWait: 20 * time.Second,
	}, limits)
	limits, err = memory.NewLocalBroker(5).Limits(t.Context())
	require.NoError(t, err)
	require.Zero(t, limits)
}

// Twelve hours count from the receive, whatever was extended in between.
func TestLeaseIsHeldTwelveHoursAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := memory.NewBroker(memory.Retention(0))
		require.NoError(t, b.Send(t.Context(), text("long")))
		d := receive(t, b)
		extend := func(forTime time.Duration) error {
			return b.Extend(t.Context(), []port.Lease{{Delivery: d, For: forTime}})
		}
		require.ErrorIs(t, extend(12*time.Hour+time.Second), port.ErrInvalid)
		require.ErrorIs(t, extend(-time.Second), port.ErrInvalid)
		require.NoError(t, extend(12*time.Hour))
		time.Sleep(6 * time.Hour)
		require.ErrorIs(t, extend(6*time.Hour+time.Second), port.ErrInvalid)
		require.NoError(t, extend(6*time.Hour))
		time.Sleep(6*time.Hour - time.Second)
		require.NoError(t, extend(time.Second))
		time.Sleep(time.Second)
		require.ErrorIs(t, extend(0), port.ErrLeaseLost)
		d = receive(t, b)
		require.NoError(t, extend(12*time.Hour), "a new lease has its own twelve hours")
	})
}

func TestMessageLimitIsExact(t *testing.T) {
	t.Parallel()
	b := memory.NewBroker(memory.MaxMessageBytes(100))
	m := port.Message{Body: bytes.Repeat([]byte("x"), 84), Attributes: map[string]string{"name": "value!"}}
	require.NoError(t, b.Send(t.Context(), []port.Message{m}), "84 + 4 + 6 for String + 6")
	m.Attributes["name"] += "!"
	require.ErrorIs(t, b.Send(t.Context(), []port.Message{m}), port.ErrTooLarge)
}

func TestWholeCallsOutOfRangeAreRefused(t *testing.T) {
	t.Parallel()
	b, s := memory.NewBroker(), memory.NewStore()
	_, none := b.Receive(t.Context(), nil)
	_, many := b.Receive(t.Context(), make([]port.Delivery, 11))
	_, noIDs := s.Load(t.Context(), nil, true)
	_, manyIDs := s.Load(t.Context(), make([]string, 101), true)
	_, manyClaims := s.Claim(t.Context(), make([]port.Claim, 26))
	for i, err := range []error{
		none, many, noIDs, manyIDs, manyClaims,
		b.Send(t.Context(), nil), b.Send(t.Context(), make([]port.Message, 11)),
		b.Ack(t.Context(), nil), b.Ack(t.Context(), make([]port.Delivery, 11)),
		b.Extend(t.Context(), nil), b.Extend(t.Context(), make([]port.Lease, 11)),
		s.Save(t.Context(), nil), s.Save(t.Context(), make([]port.Record, 26)),
		s.Reopen(t.Context(), nil), s.Reopen(t.Context(), make([]port.Record, 26)),
	} {
		require.ErrorIs(t, err, port.ErrInvalid, "call %d", i)
		require.NotErrorAs(t, err, &port.ItemErrors{}, "call %d", i)
	}
}

// Over a network nothing works when the context has ended: a caller that
// settles with such a context has a bug that this finds.
func TestNothingWorksWhenTheContextHasEnded(t *testing.T) {
	t.Parallel()
	b, s := memory.NewBroker(), memory.NewStore()
	require.NoError(t, b.Send(t.Context(), text("held")))
	d := receive(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec := port.Record{ID: someID, State: task.Done, Generation: 1}
	_, load := s.Load(ctx, []string{someID}, true)
	_, claim := s.Claim(ctx, []port.Claim{{ID: someID, Generation: 1, Token: "t", For: time.Second}})
	for i, err := range []error{
		load, claim, b.Send(ctx, text("late")), b.Ack(ctx, []port.Delivery{d}),
		b.Extend(ctx, []port.Lease{{Delivery: d}}), s.Save(ctx, []port.Record{rec}), s.Reopen(ctx, []port.Record{rec}),
	} {
		require.ErrorIs(t, err, port.ErrUnavailable, "call %d", i)
		require.ErrorIs(t, err, context.Canceled, "call %d", i)
	}
	size, err := b.Size(t.Context())
	require.NoError(t, err)
	require.Equal(t, port.Size{Leased: 1}, size)
}

func TestMessageThatSQSWouldRefuseIsInvalid(t *testing.T) {
	t.Parallel()
	b := memory.NewBroker()
	for name, m := range map[string]port.Message{
		"a Value":             {Body: []byte("x"), Value: 1},
		"a blank in a group":  {Body: []byte("x"), Group: "a b"},
		"a long group":        {Body: []byte("x"), Group: strings.Repeat("g", 129)},
		"AWS's own prefix":    {Body: []byte("x"), Attributes: map[string]string{"AWS.x": "1"}},
		"a name with periods": {Body: []byte("x"), Attributes: map[string]string{"a..b": "1"}},
		"a bad value":         {Body: []byte("x"), Attributes: map[string]string{"a": "\x00"}},
	} {
		require.ErrorIs(t, b.Send(t.Context(), []port.Message{m}), port.ErrInvalid, name)
	}
}

func TestHandleOfAnotherBrokerIsInvalid(t *testing.T) {
	t.Parallel()
	a, b := memory.NewBroker(), memory.NewBroker()
	require.NoError(t, a.Send(t.Context(), text("of a")))
	d := receive(t, a)
	require.ErrorIs(t, b.Ack(t.Context(), []port.Delivery{d}), port.ErrInvalid)
	require.ErrorIs(t, b.Extend(t.Context(), []port.Lease{{Delivery: d}}), port.ErrInvalid)
	require.ErrorIs(t, b.Ack(t.Context(), []port.Delivery{{Handle: "sqs"}}), port.ErrInvalid)
	require.NoError(t, a.Ack(t.Context(), []port.Delivery{d}))
}

func TestDeadLetterKeepsItsID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dead := memory.NewBroker()
		b := memory.NewBroker(memory.DeadLetter(dead, 1), memory.PollWait(time.Second))
		require.NoError(t, b.Send(t.Context(), text("poison")))
		d := receive(t, b)
		require.NoError(t, b.Extend(t.Context(), []port.Lease{{Delivery: d}}))
		n, err := b.Receive(t.Context(), make([]port.Delivery, 1))
		require.NoError(t, err)
		require.Zero(t, n)
		moved := receive(t, dead)
		require.Equal(t, d.ID, moved.ID)
		require.Equal(t, 1, moved.Receives)
		require.ErrorIs(t, b.Ack(t.Context(), []port.Delivery{moved}), port.ErrInvalid, "it is of the other broker now")
	})
}

func TestRecordLimitIsExact(t *testing.T) {
	t.Parallel()
	s := memory.NewStore()
	// id and 16 bytes, s=1 and g=1 with 3 bytes each, r and the result.
	const rest = 18 + 3 + 3 + 1
	rec := port.Record{ID: someID, State: task.Open, Generation: 1, Result: make([]byte, 400<<10-rest)}
	require.NoError(t, s.Save(t.Context(), []port.Record{rec}))
	rec.GiveBacks, rec.Result = 1, append(rec.Result, 0)
	require.ErrorIs(t, s.Save(t.Context(), []port.Record{rec}), port.ErrTooLarge)
	require.NoError(t, memory.NewLocalStore().Save(t.Context(), []port.Record{rec}))
}

func TestRecordsAndClaimsThatMeanNothingAreInvalid(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]port.Store{"Store": memory.NewStore(), "LocalStore": memory.NewLocalStore()} {
		for _, rec := range []port.Record{
			{ID: someID, Generation: 1},
			{ID: someID, State: task.Expired + 1, Generation: 1},
			{ID: someID, State: task.Open},
			{ID: someID, State: task.Open, Generation: 1, Starts: -1},
		} {
			require.ErrorIs(t, s.Save(t.Context(), []port.Record{rec}), port.ErrInvalid, "%s: %+v", name, rec)
		}
		for _, c := range []port.Claim{
			{ID: someID, Token: "t", For: time.Second},
			{ID: someID, Generation: 1, For: time.Second},
			{ID: someID, Generation: 1, Token: "t"},
		} {
			_, err := s.Claim(t.Context(), []port.Claim{c})
			require.ErrorIs(t, err, port.ErrInvalid, "%s: %+v", name, c)
		}
	}
	err := memory.NewStore().Save(t.Context(), []port.Record{{ID: someID, State: task.Done, Generation: 1, Value: 1}})
	require.ErrorIs(t, err, port.ErrInvalid, "a Value towards a store of bytes")
}
