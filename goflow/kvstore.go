package goflow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// KVStore is a program's own map: of handlers, or of results. Both methods
// must be safe for concurrent use.
type KVStore[K comparable, V any] interface {
	Put(k K, v V)
	Get(k K) (V, bool)
}

// resultStore puts the terminal results of local mode into the program's own
// store, once its own store has decided which outcome stands.
type resultStore struct {
	port.Store
	awaiter port.Awaiter
	user    KVStore[string, task.Result]
	log     *slog.Logger
}

// localResultStore is a resultStore over a store that keeps Go values.
type localResultStore struct {
	*resultStore
	notifier port.Notifier
}

// Peek implements port.Notifier.
func (s localResultStore) Peek(id string) (Record, bool) { return s.notifier.Peek(id) }

// Notify implements port.Notifier.
func (s localResultStore) Notify(id string, ended chan<- struct{}) (Record, bool) {
	return s.notifier.Notify(id, ended)
}

// Unnotify implements port.Notifier.
func (s localResultStore) Unnotify(id string, ended chan<- struct{}) (Record, bool) {
	return s.notifier.Unnotify(id, ended)
}

// InProcess implements port.InProcess.
func (localResultStore) InProcess() {}

// Save implements port.Store. What our own store has taken stands, whatever the
// program's makes of it.
func (s *resultStore) Save(ctx context.Context, recs []Record) error {
	err := s.Store.Save(ctx, recs)
	for i, rec := range recs {
		if port.ItemError(err, i) != nil || !rec.State.Terminal() {
			continue
		}
		if err := s.put(rec); err != nil {
			s.log.ErrorContext(ctx, "result is not in the program's store", slog.String("task", rec.ID), slog.Any("error", err))
		}
	}
	return err
}

// Await implements port.Awaiter.
func (s *resultStore) Await(ctx context.Context, id string) (Record, error) {
	return s.awaiter.Await(ctx, id)
}

// put calls the program's code, which may panic.
func (s *resultStore) put(rec Record) (err error) {
	defer recovered("Put", &err)
	r, _, err := newResult(rec)
	if err == nil {
		s.user.Put(rec.ID, r)
	}
	return err
}

func (s *resultStore) get(id string) (r task.Result, ok bool, err error) {
	defer recovered("Get", &err)
	r, ok = s.user.Get(id)
	return r, ok, nil
}

// recovered turns a panic of the program's store into an error.
func recovered(method string, err *error) {
	if v := recover(); v != nil {
		*err = errors.Join(port.ErrInvalid, fmt.Errorf("goflow: results store: %s panicked: %v", method, v))
	}
}

// wireBroker and wireStore hide that the ports beneath are in-process, so that
// everything is encoded. They forward what the core needs by name.
type (
	wireBroker struct{ port.Broker }
	wireStore  struct {
		port.Store
		awaiter port.Awaiter
	}
)

// Await implements port.Awaiter.
func (s wireStore) Await(ctx context.Context, id string) (Record, error) {
	return s.awaiter.Await(ctx, id)
}
