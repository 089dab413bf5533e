package goflow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// longestUnique bounds how long a key can be held.
const longestUnique = 30 * 24 * time.Hour

// keySpare is how much longer the row of a key lives than the key is held, so
// that never the row's disappearance but only its own end frees a key.
const keySpare = 24 * time.Hour

// releaseTime bounds the giving back of a key by a push that was refused.
const releaseTime = 5 * time.Second

// uniqueKey is what Unique asks for; no name: nothing.
type uniqueKey struct {
	name string
	ttl  time.Duration
}

// Unique lets one task of its type at a time hold key: from before it is queued
// until it has an outcome and its message is about to be deleted, or ttl after
// the push: a second to 30 days. Take more than the task may need, its delay and
// its retries included. While the key is held, pushes of other tasks with it
// fail with a NotUniqueError, which is ErrNotUnique, and nothing is sent. The
// task that holds the key may be pushed again under its ID.
//
// A push that failed gives the key back, unless the error is ErrAmbiguous or the
// ID was the program's own, when an earlier push may have been accepted. A
// redriven task holds no key. It costs two writes and one read, and two writes
// more where the key was held within the day before. Keys are 1 to 1,024 bytes;
// the store keeps only their hash.
func Unique(key string, ttl time.Duration) PushOption {
	return pushOption(func(p *pushOptions) error {
		if key == "" || len(key) > 1024 {
			return invalid("Unique(%.60q…, …) with a key of %d bytes: give 1 to 1024", key, len(key))
		}
		if ttl < time.Second || ttl > longestUnique {
			return invalid("Unique(%.60q, %v): give 1s to %v", key, ttl, longestUnique)
		}
		p.unique = uniqueKey{name: key, ttl: ttl}
		return nil
	})
}

// row is the ID of the key's row: a hash, so that keys may be secrets. The first
// byte keeps it apart from what IDFrom makes of a name.
func (k uniqueKey) row(taskType string) string {
	if k.name == "" {
		return ""
	}
	return hashedID([]byte("\x01" + taskType + "\x00" + k.name))
}

// takeKeys takes the keys that are asked for: a key is held by a claim whose
// token is its owner's ID, so that the owner enters again and only the claim's
// own end lets others in.
func (d *direct) takeKeys(ctx context.Context, all []*pushed) {
	for _, t := range underWay(all) {
		key := t.options.unique
		if key.name == "" {
			continue
		}
		var recs []Record
		err := retryOne(ctx, func() (err error) {
			recs, err = d.store.Claim(ctx, []port.Claim{{
				ID: key.row(t.taskType), Generation: 1, Token: t.id, For: key.ttl, Expires: time.Now().Add(key.ttl + keySpare),
			}})
			return err
		})
		t.keyed = !errors.Is(err, port.ErrClaimed) // perhaps: the answer may be lost
		switch {
		case !t.keyed:
			t.fail(&NotUniqueError{Key: key.name, OwnerID: recs[0].Token})
		case err != nil:
			t.fail(err)
		}
	}
}

// giveKeysBack frees the keys of tasks that were surely not queued. What can't be
// freed ends by itself. Under an ID of the program's own an earlier push may have
// been accepted, and so hold the key.
func (d *direct) giveKeysBack(ctx context.Context, all []*pushed) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	for _, t := range all {
		if t.keyed && t.err != nil && !t.chosen && !errors.Is(t.err, ErrAmbiguous) {
			_ = releaseKey(ctx, d.store, t.options.unique.row(t.taskType), t.id)
		}
	}
}

// freeKey gives the key back of a task that is over: after its record, so that a
// crash in between repeats it, and before its message is deleted. A message that
// goes on as a copy takes the key along.
func (a *attempt) freeKey(ctx context.Context, o Outcome) Outcome {
	if o.Action != Ack || o.movedOn || a.env.Unique == "" {
		return o
	}
	ctx, cancel := a.settling(ctx)
	defer cancel()
	if err := releaseKey(ctx, a.store, a.env.Unique, a.rec.ID); err != nil {
		return a.trouble(fmt.Errorf("unique key: %w", err))
	}
	return o
}

// releaseKey frees a key that the task holds. Another's is left alone, also when
// it was taken between the read and the write: the epoch is another then.
func releaseKey(ctx context.Context, s Store, row, owner string) error {
	held, err := loadOne(ctx, s, row)
	if err != nil || held.Token != owner {
		return err
	}
	free := Record{ID: row, State: task.Open, Generation: held.Generation, Epoch: held.Epoch, Expires: held.Expires}
	err = retryOne(ctx, func() error { return s.Save(ctx, []Record{free}) })
	if errors.Is(err, port.ErrFenced) || errors.Is(err, ErrFinished) {
		return nil
	}
	return err
}
