package goflow_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// hungSends is a broker to which no send comes through.
type hungSends struct{ *memory.Broker }

func (hungSends) Send(ctx context.Context, _ []port.Message) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestCloseWhileAPushHangs(t *testing.T) {
	t.Parallel()
	job := goflow.NewJob[int, int]("t")
	for name, newClient := range map[string]func() (*goflow.Client, error){
		"Send": func() (*goflow.Client, error) {
			return goflow.NewClient(hungSends{memory.NewBroker()}, memory.NewStore())
		},
		"FullLocalQueue": func() (*goflow.Client, error) {
			client, err := goflow.NewClient(memory.NewLocalBroker(1), memory.NewLocalStore())
			if err == nil {
				_, err = job.Push(t.Context(), client, 0)
			}
			return client, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, err := newClient()
				require.NoError(t, err)
				requireCloses(t, client.Close, func(ctx context.Context) error {
					_, err := job.Push(ctx, client, 1)
					return err
				})
			})
		})
	}
}

// requireCloses lets a push hang for three seconds, and closes meanwhile.
func requireCloses(t *testing.T, closes func() error, push func(context.Context) error) {
	t.Helper()
	const hangs = 3 * time.Second
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), hangs)
	defer cancel()
	go func() { _ = push(ctx) }()
	synctest.Wait()
	closed := make(chan time.Duration, 2)
	for range cap(closed) {
		go func() {
			_ = closes()
			closed <- time.Since(began)
		}()
	}
	synctest.Wait()
	require.ErrorIs(t, push(t.Context()), goflow.ErrClosed)
	require.Zero(t, time.Since(began), "that comes at once")
	for range cap(closed) {
		require.Equal(t, hangs, <-closed, "it waits for the push under way")
	}
	require.ErrorIs(t, push(t.Context()), goflow.ErrClosed)
}
