package goflow

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// hashBytes is how much of a payload's SHA-256 a row keeps.
const hashBytes = 16

// ID makes the push one of the task with this ID, a UUID; IDFrom makes one of a
// name. The task is run as by Once, and to push it again is safe at any time,
// after a crash or an ErrAmbiguous too, as long as its record lives:
//   - with another type or payload: ErrDuplicateTask, nothing is sent;
//   - when it has an outcome, whichever: the ID and no error, nothing is sent;
//   - else it is sent again, and the copy changes nothing.
//
// A redriven task is not pushed again but by its dead letter. It costs one write
// and one read before the send, and what Once costs. In a PushMany of more than
// one task, set task.Task.ID instead.
func ID(uuid string) PushOption {
	return pushOption(func(p *pushOptions) error {
		if _, ok := parseID(uuid); !ok {
			return invalid("ID(%.60q): give a UUID in its 36-character form, such as IDFrom makes", uuid)
		}
		p.id = uuid
		return nil
	})
}

// IDFrom makes an ID of a name, always the same: a UUIDv8 (RFC 9562, 5.8) of the
// first bits of the name's SHA-256. Task types share one space of IDs, so put
// the type into the name, as in IDFrom("invoice/" + number).
func IDFrom(name string) string { return hashedID([]byte(name)) }

// hashedID is the UUIDv8 of the SHA-256 of data.
func hashedID(data []byte) string {
	sum := sha256.Sum256(data)
	u := [16]byte(sum[:16])
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return formatID(u)
}

// Track writes a record before the send, so that Get finds it Open as soon as
// Push returns, and Wait can tell a task that is not finished from one that is
// not known. It costs two writes. After an error of Push the record may be
// there without a task.
func Track() PushOption {
	return pushOption(func(p *pushOptions) error { p.track = true; return nil })
}

// payloadHash is kept in the row of a task whose ID the program chose.
func payloadHash(e *envelope) ([]byte, error) {
	raw := e.Payload
	if e.hasValue {
		var err error
		if raw, err = marshal(e.value); err != nil {
			return nil, fmt.Errorf("goflow: %w payload of %s: with an ID it has to be encoded: %w", ErrInvalid, e.Type, err)
		}
	}
	data := bytes.NewBufferString(e.Type + "\x00")
	if len(raw) == 0 {
		raw = []byte("null")
	}
	if err := json.Compact(data, raw); err != nil {
		return nil, fmt.Errorf("goflow: %w payload of %s: %w", ErrInvalid, e.Type, err)
	}
	sum := sha256.Sum256(data.Bytes())
	return sum[:hashBytes], nil
}

// writeRows writes the open rows that are asked for. A row that is there stays
// as it is.
func (d *direct) writeRows(ctx context.Context, all []*pushed) {
	rows := slices.DeleteFunc(underWay(all), func(t *pushed) bool { return !t.options.track && !t.long() && !t.chosen })
	for chunk := range slices.Chunk(rows, port.MaxWrites) {
		recs := make([]Record, len(chunk))
		for i, t := range chunk {
			expires := time.Now().Add(t.options.delay + d.recordTTL)
			recs[i] = Record{ID: t.id, State: task.Open, Generation: 1, Hash: t.hash, Expires: expires}
		}
		err := retryEach(ctx, recs, func(some []Record) error { return d.store.Save(ctx, some) })
		for i, t := range chunk {
			if err := port.ItemError(err, i); err != nil && (!t.chosen || !errors.Is(err, ErrFinished)) {
				t.fail(err)
			}
		}
		d.judgeRows(ctx, slices.DeleteFunc(underWay(chunk), func(t *pushed) bool { return !t.chosen }))
	}
}

// judgeRows reads the rows of tasks whose IDs the program chose: a push of that
// ID may have been earlier. Of two at the same time one hash stands, which both
// read.
func (d *direct) judgeRows(ctx context.Context, chosen []*pushed) {
	if len(chosen) == 0 {
		return
	}
	recs := make([]Record, len(chosen))
	err := retryItems(ctx, len(chosen), func(items []int) error {
		ids := make([]string, len(items))
		for place, item := range items {
			ids[place] = chosen[item].id
		}
		got, err := d.store.Load(ctx, ids, true)
		for place := range got {
			recs[items[place]] = got[place]
		}
		return err
	})
	for i, t := range chosen {
		rec := recs[i]
		switch err := port.ItemError(err, i); {
		case err != nil:
			t.fail(err)
		case len(rec.Hash) > 0 && !bytes.Equal(rec.Hash, t.hash):
			t.fail(fmt.Errorf("%w: %s", ErrDuplicateTask, t.id))
		default:
			t.finished = rec.State.Terminal()
		}
	}
}
