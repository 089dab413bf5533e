package dynamo

import (
	"context"
	"crypto/rand"
	byteorder "encoding/binary"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

const (
	maxIdleReads = 4 // answers in a row that bring nothing
	readPause    = 50 * time.Millisecond
)

// Load reads up to 100 records in one call, or in more where they are over 16
// MiB together or DynamoDB throttles. fresh reads strongly, at 1 read unit per 4
// KiB, otherwise it costs half. Per item: ErrInvalid for an ID that is no UUID,
// ErrUnavailable for a record that DynamoDB did not give in four attempts.
// ErrRefused and ErrUnavailable of a whole call are as of Save.
func (s *Store) Load(ctx context.Context, ids []string, fresh bool) ([]port.Record, error) {
	errs := port.ItemErrors{}
	recs := make([]port.Record, len(ids))
	wanted := make(map[key][]int, len(ids))
	var keys []item
	for i, id := range ids {
		recs[i].ID = id
		k, ok := parseID(id)
		if !ok {
			errs[i] = s.refused(opLoad, port.ErrInvalid, "the ID "+quote(id)+" is no UUID")
			continue
		}
		if len(wanted[k]) == 0 {
			keys = append(keys, item{"id": k.value()})
		}
		wanted[k] = append(wanted[k], i)
	}
	rest, err := s.read(ctx, keys, fresh, func(row item) {
		for _, i := range wanted[keyOf(row)] {
			if !expired(row, s.now()) {
				recs[i] = decode(ids[i], row)
			}
		}
	})
	for _, row := range rest {
		for _, i := range wanted[keyOf(row)] {
			errs[i] = err
		}
	}
	return recs, errs.Err()
}

// read gives each row that is found to found, and returns the keys that got no
// answer with the reason.
func (s *Store) read(ctx context.Context, keys []item, fresh bool, found func(item)) ([]item, error) {
	for idle := 0; len(keys) > 0; {
		wire, start := &wire{}, time.Now()
		out, err := s.api.BatchGetItem(ctx, &awsdynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{s.table: {Keys: keys, ConsistentRead: &fresh}},
		}, wire.watch)
		if err != nil {
			return keys, s.callFailed(ctx, opLoad, err, wire)
		}
		s.learnSkew(out.ResultMetadata, start)
		for _, rows := range out.Responses {
			for _, row := range rows {
				found(row)
			}
		}
		before := len(keys)
		keys = unprocessed(out)
		if len(keys) < before {
			idle = 0
			continue
		}
		if idle++; idle == maxIdleReads {
			return keys, s.refused(opLoad, port.ErrUnavailable, "throttled")
		}
		if err := pause(ctx, readPause<<idle); err != nil {
			return keys, s.unsent(opLoad, err)
		}
	}
	return nil, nil
}

// unprocessed are the keys that an answer leaves for another call.
func unprocessed(out *awsdynamodb.BatchGetItemOutput) []item {
	var keys []item
	for _, left := range out.UnprocessedKeys {
		keys = append(keys, left.Keys...)
	}
	return keys
}

// pause waits for a random part of limit.
func pause(ctx context.Context, limit time.Duration) error {
	var b [8]byte
	_, _ = rand.Read(b[:])                                                                  // never fails: crypto/rand ends the program instead
	timer := time.NewTimer(time.Duration(byteorder.BigEndian.Uint64(b[:]) % uint64(limit))) //nolint:gosec // within limit
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
