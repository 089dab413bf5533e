package dynamo

import (
	"context"
	"errors"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

const (
	maxRequest = 12 << 20 // bytes of a request; DynamoDB takes 16 MiB
	maxRounds  = 6        // statements per item and call
)

// write is an item of a batch that is not decided yet.
type write struct {
	index int
	id    key
	next  statement
	step  step
}

// step knows what to write for an item, one statement after another: then gets
// the answer to one and returns the next, or nil and the item's error.
type step interface {
	start() statement
	then(answer) (*statement, error)
}

// answer is what became of a statement: it was carried out, the row was there
// already (duplicate), or its condition failed. row is what the service returned:
// the new row, or the one that made the condition fail, nil if there is none.
type answer struct {
	ok, duplicate bool
	row           item
}

// batch is a writing call on its way, and what it notes of its items.
type batch struct {
	store *Store
	op    op
	errs  port.ItemErrors
}

// run carries out writes in their order. A call with two statements on one key
// would fail as a whole, so a later one waits until the earlier one is decided.
func (b *batch) run(ctx context.Context, writes []*write) {
	for len(writes) > 0 {
		var wave, later []*write
		seen := make(map[key]bool, len(writes))
		for _, w := range writes {
			if seen[w.id] {
				later = append(later, w)
				continue
			}
			seen[w.id] = true
			w.next = w.step.start()
			wave = append(wave, w)
		}
		b.wave(ctx, wave)
		writes = later
	}
}

// wave carries out writes of different keys in rounds, until each is decided.
func (b *batch) wave(ctx context.Context, writes []*write) {
	for range maxRounds {
		var undecided []*write
		for len(writes) > 0 {
			n := fitting(writes)
			undecided = append(undecided, b.call(ctx, writes[:n])...)
			writes = writes[n:]
		}
		if writes = undecided; len(writes) == 0 {
			return
		}
	}
	for _, w := range writes {
		b.errs[w.index] = b.store.refused(b.op, port.ErrUnavailable, "others write the same record all the time")
	}
}

// fitting is how many writes one request takes.
func fitting(writes []*write) int {
	size := 0
	for n, w := range writes {
		size += w.next.size()
		if n > 0 && (size > maxRequest || n == port.MaxWrites) {
			return n
		}
	}
	return len(writes)
}

// call carries out one statement of each write and returns those that need
// another one.
func (b *batch) call(ctx context.Context, writes []*write) []*write {
	in := &awsdynamodb.BatchExecuteStatementInput{Statements: make([]types.BatchStatementRequest, len(writes))}
	for i, w := range writes {
		in.Statements[i] = types.BatchStatementRequest{
			Statement:                           new(w.next.text),
			Parameters:                          w.next.params,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}
	}
	wire, start := &wire{}, time.Now()
	out, err := b.store.api.BatchExecuteStatement(ctx, in, wire.watch)
	if err != nil {
		return b.callRefused(ctx, writes, b.store.callFailed(ctx, b.op, err, wire))
	}
	b.store.learnSkew(out.ResultMetadata, start)
	var undecided []*write
	for i, w := range writes {
		if i >= len(out.Responses) {
			b.errs[w.index] = b.store.refused(b.op, port.ErrUnavailable, "the answer does not mention this item of the batch")
			continue
		}
		if b.decide(w, &out.Responses[i]) {
			undecided = append(undecided, w)
		}
	}
	return undecided
}

// callRefused notes the error of a whole call. One that DynamoDB finds wrong is
// repeated with each item alone, so that only the wrong ones fail.
func (b *batch) callRefused(ctx context.Context, writes []*write, err error) []*write {
	if len(writes) == 1 || !errors.Is(err, port.ErrInvalid) {
		for _, w := range writes {
			b.errs[w.index] = err
		}
		return nil
	}
	var undecided []*write
	for i := range writes {
		undecided = append(undecided, b.call(ctx, writes[i:i+1])...)
	}
	return undecided
}

// decide notes what became of a write and reports whether it goes on.
func (b *batch) decide(w *write, r *types.BatchStatementResponse) bool {
	a := answer{ok: r.Error == nil, row: r.Item}
	if r.Error != nil {
		a.row = r.Error.Item
		a.duplicate = r.Error.Code == types.BatchStatementErrorCodeEnumDuplicateItem
		if !a.duplicate && r.Error.Code != types.BatchStatementErrorCodeEnumConditionalCheckFailed {
			b.errs[w.index] = b.store.itemFailed(b.op, r.Error)
			return false
		}
	}
	if len(a.row) == 0 {
		a.row = nil
	}
	next, err := w.step.then(a)
	if next != nil {
		w.next = *next
		return true
	}
	if err != nil {
		b.errs[w.index] = err
	}
	return false
}
