package goflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/store"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// slowRemote keeps every push waiting until let go, and counts.
type slowRemote struct {
	port.Remote
	err  func(p port.Push) error
	gate chan struct{}

	mu    sync.Mutex
	calls [][]string // types
	ended int        // contexts
}

func (r *slowRemote) Push(ctx context.Context, pushes []port.Push) error {
	types := make([]string, len(pushes))
	errs := port.ItemErrors{}
	for i, p := range pushes {
		types[i] = p.Type
		if r.err != nil && r.err(p) != nil {
			errs[i] = r.err(p)
		}
	}
	r.mu.Lock()
	r.calls = append(r.calls, types)
	r.mu.Unlock()
	select {
	case <-r.gate:
		return errs.Err()
	case <-ctx.Done():
		r.mu.Lock()
		r.ended++
		r.mu.Unlock()
		return fmt.Errorf("%w: %w", port.ErrAmbiguous, ctx.Err())
	}
}

func (r *slowRemote) sizes() (sizes []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, call := range r.calls {
		sizes = append(sizes, len(call))
	}
	return sizes
}

func TestRemotePushesGoTogether(t *testing.T) {
	t.Parallel()
	push := func(t *testing.T, c *goflow.Client, ctx context.Context, taskType string) <-chan error {
		t.Helper()
		done := make(chan error, 1)
		go func() {
			_, err := c.Push(ctx, taskType, json.RawMessage("1"))
			done <- err
		}()
		soon()
		return done
	}
	start := func(t *testing.T, r *slowRemote) *goflow.Client {
		t.Helper()
		r.gate = make(chan struct{})
		c, err := goflow.NewRemoteClient(r)
		require.NoError(t, err)
		return c
	}
	t.Run("TheFirstAtOnceTheOthersWithTheNextCall", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := &slowRemote{err: func(p port.Push) error {
				if p.Type == "bad" {
					return port.ErrTooLarge
				}
				return nil
			}}
			c := start(t, r)
			first := push(t, c, t.Context(), "first")
			good, bad := push(t, c, t.Context(), "good"), push(t, c, t.Context(), "bad")
			require.Equal(t, []int{1}, r.sizes())
			close(r.gate)
			require.NoError(t, <-first)
			require.NoError(t, <-good)
			require.ErrorIs(t, <-bad, port.ErrTooLarge)
			require.Equal(t, []int{1, 2}, r.sizes())
		})
	})
	t.Run("FullCallWaitsForNone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := &slowRemote{}
			c := start(t, r)
			for range port.MaxPushes + 2 {
				push(t, c, t.Context(), "x")
			}
			require.Equal(t, []int{1, port.MaxPushes}, r.sizes())
			close(r.gate)
			soon()
			require.Equal(t, []int{1, port.MaxPushes, 1}, r.sizes())
		})
	})
	t.Run("EndOfAContextIsItsOwn", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := &slowRemote{}
			c := start(t, r)
			short, cancel := context.WithCancel(t.Context())
			lone := push(t, c, short, "lone")
			waits, stays := push(t, c, short, "waits"), push(t, c, t.Context(), "stays")
			cancel()
			err := <-lone
			require.ErrorIs(t, err, goflow.ErrAmbiguous)
			require.ErrorIs(t, err, context.Canceled)
			err = <-waits
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, goflow.ErrAmbiguous)
			soon()
			require.Equal(t, 1, r.ended, "nobody waits for the first call any more")
			close(r.gate)
			require.NoError(t, <-stays)
			require.Equal(t, []string{"stays"}, r.calls[1])
		})
	})
	t.Run("CallLivesForThoseWhoStillWait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := &slowRemote{}
			c := start(t, r)
			first := push(t, c, t.Context(), "first")
			short, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			leaves, stays := push(t, c, short, "leaves"), push(t, c, t.Context(), "stays")
			r.gate <- struct{}{}
			require.NoError(t, <-first)
			require.ErrorIs(t, <-leaves, goflow.ErrAmbiguous)
			r.gate <- struct{}{}
			require.NoError(t, <-stays)
			require.Zero(t, r.ended)
		})
	})
}

// What a server gets is not trusted: it may be anybody's program.
func TestServedPushIsJudgedAgain(t *testing.T) {
	t.Parallel()
	queue := memory.NewBroker()
	c, err := goflow.NewClient(queue, memory.NewStore())
	require.NoError(t, err)
	remote := c.Remote()
	for name, bad := range map[string]port.Push{
		"ID":       {Type: "x", ID: "1"},
		"own ID":   {Type: "x", ID: "1", Chosen: true},
		"no ID":    {Type: "x", Chosen: true},
		"type":     {Type: "a b"},
		"payload":  {Type: "x", Payload: []byte("{")},
		"delay":    {Type: "x", Delay: -1},
		"expiry":   {Type: "x", ExpiresIn: -1},
		"key":      {Type: "x", UniqueFor: time.Hour},
		"attempts": {Type: "x", MaxAttempts: -1},
		"timeout":  {Type: "x", Timeout: -1},
		"backoff":  {Type: "x", BackoffCap: 1},
		"queue":    {Type: "x", Queue: "other"},
		"group":    {Type: "x", Group: "g"},
	} {
		batch := []port.Push{bad, {Type: "x"}}
		err := remote.Push(t.Context(), batch)
		require.ErrorIs(t, port.ItemError(err, 0), goflow.ErrInvalid, name)
		require.NoError(t, port.ItemError(err, 1), name)
		require.NotEmpty(t, batch[1].ID, name)
	}
	require.ErrorIs(t, remote.Push(t.Context(), make([]port.Push, port.MaxPushes+1)), goflow.ErrInvalid)
	_, err = remote.Load(t.Context(), make([]string, port.MaxReads+1), false)
	require.ErrorIs(t, err, goflow.ErrInvalid)
	_, err = remote.Load(t.Context(), []string{"1"}, false)
	require.ErrorIs(t, err, goflow.ErrInvalid)
	_, err = remote.Cancel(t.Context(), "1")
	require.ErrorIs(t, err, goflow.ErrInvalid)
	require.NoError(t, c.Close())
	require.ErrorIs(t, remote.Push(t.Context(), []port.Push{{Type: "x"}}), goflow.ErrClosed)
}

func TestRemoteClient(t *testing.T) {
	t.Parallel()
	_, err := goflow.NewRemoteClient(&slowRemote{}, goflow.Queues(goflow.Queue{Name: "a", Broker: memory.NewBroker()}))
	require.ErrorIs(t, err, goflow.ErrInvalid)

	store := memory.NewStore()
	here, err := goflow.NewClient(memory.NewBroker(), store)
	require.NoError(t, err)
	c, err := goflow.NewRemoteClient(here.Remote())
	require.NoError(t, err)
	_, err = c.Push(t.Context(), "x", json.RawMessage("{"))
	require.ErrorIs(t, err, goflow.ErrInvalid)
	id, err := c.Push(t.Context(), "x", json.RawMessage("1"), goflow.Track())
	require.NoError(t, err)
	rec, err := c.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, task.Open, rec.State)
	require.NoError(t, c.Cancel(t.Context(), id))
	require.ErrorIs(t, c.Cancel(t.Context(), id), goflow.ErrFinished)
	var failed *goflow.TaskError
	_, err = goflow.NewJob[int, int]("x").Wait(t.Context(), c, id)
	require.True(t, errors.As(err, &failed))
	require.Equal(t, task.Cancelled, failed.State)
}

// A store of this process keeps Go values, which no server can send.
func TestServedResultsAreEncoded(t *testing.T) {
	t.Parallel()
	gf := goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler]())
	double := goflow.NewJob[int, int]("double")
	double.Handle(gf.Mux(), func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	require.NoError(t, gf.Start())
	c, err := goflow.NewRemoteClient(gf.Client().Remote())
	require.NoError(t, err)
	id, err := double.Push(t.Context(), c, 21)
	require.NoError(t, err)
	_, err = double.Wait(t.Context(), c, strings.ToUpper(id))
	require.NoError(t, err)
	rec, err := c.Get(t.Context(), strings.ToUpper(id))
	require.NoError(t, err)
	require.Equal(t, "42", string(rec.Result))
	require.NoError(t, gf.Close())
}
