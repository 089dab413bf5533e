package dynamo_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

const (
	insertClaim = `INSERT INTO "tasks" VALUE {'id': ?, 's': ?, 'g': ?, 'a': ?, 'o': ?, 'c': ?, 'e': ?, 'l': ?, 'w': ?}`
	taking      = `UPDATE "tasks" SET e = ? SET l = ? SET w = ? WHERE id = ? AND s = ? AND g = ?` + notOver
	renewing    = `UPDATE "tasks" SET l = ? WHERE id = ? AND s = ? AND g = ?` + notOver + ` AND e = ? AND l > ?`
	ending      = `UPDATE "tasks" REMOVE l REMOVE w WHERE id = ? AND s = ? AND g = ?` + notOver + ` AND e = ?`
	returning   = ` RETURNING ALL NEW *`
)

// openFor is a record under a claim that lasts that long.
func openFor(d time.Duration, change ...func(*port.Record)) *port.Record {
	rec := &port.Record{State: task.Open, Generation: 1, Epoch: 4, Token: "other"}
	if d != 0 {
		rec.LeaseEnd = time.Now().Add(d)
	}
	for _, c := range change {
		c(rec)
	}
	return rec
}

// judged makes a call whose first statement fails because of a row, nil for none,
// and whose second is carried out. It returns what is written then: "" for nothing;
// of a claim with its epoch.
func judged(t *testing.T, stands *port.Record, call func(*dynamo.Store) error) (first, then string, err error) {
	t.Helper()
	f := &fake{write: each(func(call, _ int) *types.BatchStatementError {
		if call > 1 {
			return nil
		}
		e := &types.BatchStatementError{Code: condition}
		if stands != nil {
			e.Item = dynamo.Encode(*stands)
		}
		return e
	})}
	err = call(dynamo.NewFake(f))
	require.LessOrEqual(t, len(f.calls), 2)
	for _, call := range f.calls {
		require.Equal(t, strings.Count(*call[0].Statement, "?"), len(call[0].Parameters), "a value for each parameter")
	}
	if len(f.calls) == 2 {
		then = *f.calls[1][0].Statement
		if strings.HasPrefix(then, taking) {
			then += " to " + showValue(f.calls[1][0].Parameters[0])
		}
	}
	return *f.calls[0][0].Statement, then, err
}

// TestClaimThatIsRefusedLooksAtWhatStands, and either tries again by that, or says
// why not and gives the record.
func TestClaimThatIsRefusedLooksAtWhatStands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		over := func(r *port.Record) { r.Expires = time.Now().Add(-time.Minute) }
		newer := func(r *port.Record) { r.Generation = 2 }
		mine := func(r *port.Record) { r.Token = "mine" }
		done := &port.Record{State: task.Done, Generation: 1, Result: []byte("17")}
		for _, c := range []struct {
			name   string
			epoch  uint64 // of a renewal
			stands *port.Record
			then   string
			class  error
		}{
			{"gone meanwhile", 0, nil, insertClaim, nil},
			{"finished", 0, done, "", port.ErrFinished},
			{"of a newer message", 0, openFor(time.Minute, newer), "", port.ErrFinished},
			{"never claimed", 0, &port.Record{State: task.Open, Generation: 1}, taking + " AND e IS MISSING" + returning + " to N 1", nil},
			{"given back", 0, openFor(0), taking + " AND e = ? AND l IS MISSING" + returning + " to N 5", nil},
			{"ours, its answer was lost", 0, openFor(time.Minute, mine), taking + " AND e = ? AND l = ?" + returning + " to N 4", nil},
			{"held", 0, openFor(time.Minute), "", port.ErrClaimed},
			{"ended", 0, openFor(-time.Minute), taking + " AND e = ? AND l = ?" + returning + " to N 5", nil},

			{"renewed, it is gone", 4, nil, "", port.ErrFenced},
			{"renewed, it has expired", 4, openFor(time.Minute, over), "", port.ErrFenced},
			{"renewed, it is finished", 4, done, "", port.ErrFinished},
			{"renewed, a newer message has it", 4, openFor(time.Minute, newer), "", port.ErrFinished},
			{"renewed, it was taken over", 3, openFor(time.Minute), "", port.ErrFenced},
			{"renewed, a save has ended it", 4, openFor(0), "", port.ErrFenced},
			{"renewed, the row has changed since", 4, openFor(time.Minute), renewing + returning, nil},
		} {
			claim := take()
			claim.Epoch = c.epoch
			var rec port.Record
			first, then, err := judged(t, c.stands, func(s *dynamo.Store) (err error) {
				rec, err = claimOne(t, s, claim)
				return err
			})
			require.Equal(t, c.epoch > 0, first == renewing+returning, c.name)
			require.Equal(t, c.then, then, c.name)
			if c.class == nil {
				require.NoError(t, err, c.name)
				continue
			}
			require.ErrorIs(t, err, c.class, c.name)
			require.NotContains(t, err.Error(), "\n", c.name)
			if c.stands != nil && c.stands.Expires.IsZero() {
				require.Equal(t, []any{c.stands.State, c.stands.Generation, c.stands.Epoch}, []any{rec.State, rec.Generation, rec.Epoch}, c.name)
			}
		}
	})
}

// TestClaimAnswersWithTheRowAsItIsNow: an update returns it, and what an insert
// makes is known.
func TestClaimAnswersWithTheRowAsItIsNow(t *testing.T) {
	t.Parallel()
	row := port.Record{State: task.Open, Generation: 1, Attempts: 2, GiveBacks: 3, Epoch: 5, LeaseEnd: time.UnixMilli(1800000000123), Token: "mine"}
	f := &fake{write: func(call int, _ []types.BatchStatementRequest) ([]types.BatchStatementResponse, error) {
		if call == 1 {
			return []types.BatchStatementResponse{{Error: &types.BatchStatementError{Code: duplicate}}}, nil
		}
		return []types.BatchStatementResponse{{Item: dynamo.Encode(row)}}, nil
	}}
	rec, err := claimOne(t, dynamo.NewFake(f), take())
	require.NoError(t, err)
	row.ID = id(1)
	require.Equal(t, row, rec)
	synctest.Test(t, func(t *testing.T) {
		rec, err = claimOne(t, dynamo.NewFake(&fake{}), take())
		require.NoError(t, err)
		require.Equal(t, port.Record{ID: id(1), State: task.Open, Generation: 1, Epoch: 1, Token: "mine", LeaseEnd: time.UnixMilli(time.Now().Add(time.Minute).UnixMilli())}, rec)
	})
}

// TestSaveThatIsRefusedLooksAtWhatStands: what says the same again is no error.
func TestSaveThatIsRefusedLooksAtWhatStands(t *testing.T) {
	t.Parallel()
	done := port.Record{State: task.Done, Generation: 1, GiveBacks: 1, Result: []byte("17")}
	claimed := port.Record{State: task.Done, Generation: 1, Epoch: 4, Result: []byte("17")}
	failed := port.Record{State: task.Open, Generation: 1, Attempts: 2, GiveBacks: 2}
	freed := port.Record{State: task.Open, Generation: 1, GiveBacks: 2, Epoch: 4}
	const insertDone17 = `INSERT INTO "tasks" VALUE {'id': ?, 's': ?, 'g': ?, 'o': ?, 'r': ?}`
	const overOpen = `UPDATE "tasks" SET s = ? SET g = ? REMOVE a SET o = ? REMOVE c REMOVE l REMOVE w SET r = ? REMOVE x WHERE id = ? AND s = ? AND g = ?` + notOver
	for _, c := range []struct {
		name        string
		rec, stands port.Record
		then        string
		class       error
	}{
		{"gone meanwhile", done, port.Record{}, insertDone17, nil},
		{"ours, its answer was lost", done, done, "", nil},
		{"another outcome", done, port.Record{State: task.Dead, Generation: 1, Error: "no"}, "", port.ErrFinished},
		{"another result", done, port.Record{State: task.Done, Generation: 1, Result: []byte("18")}, "", port.ErrFinished},
		{"another error", port.Record{State: task.Dead, Generation: 1, GiveBacks: 1, Error: "a"}, port.Record{State: task.Dead, Generation: 1, Error: "b"}, "", port.ErrFinished},
		{"a newer message has it", done, port.Record{State: task.Open, Generation: 2}, "", port.ErrFinished},
		{"it was taken over", claimed, port.Record{State: task.Open, Generation: 1, Epoch: 5}, "", port.ErrFenced},
		{"nobody claims it any more", claimed, port.Record{State: task.Open, Generation: 1}, "", port.ErrFenced},
		{"the row has changed since", done, port.Record{State: task.Open, Generation: 1, GiveBacks: 1}, overOpen, nil},
		{"says nothing new", failed, port.Record{State: task.Open, Generation: 1, Attempts: 2, GiveBacks: 3}, "", nil},
		{"has fewer give-backs and more starts", port.Record{State: task.Open, Generation: 1, GiveBacks: 2, Starts: 1}, port.Record{State: task.Open, Generation: 1, GiveBacks: 3}, "", nil},
		{"has fewer attempts and more give-backs", failed, port.Record{State: task.Open, Generation: 1, Attempts: 3, GiveBacks: 1}, "", nil},
		{"has as many give-backs and fewer starts", failed, port.Record{State: task.Open, Generation: 1, Attempts: 2, GiveBacks: 2, Starts: 1}, "", nil},
		{"says nothing new, but ends its claim", freed, port.Record{State: task.Open, Generation: 1, GiveBacks: 3, Epoch: 4, LeaseEnd: time.UnixMilli(1)}, ending, nil},
		{"says nothing new, and its claim has ended", freed, port.Record{State: task.Open, Generation: 1, GiveBacks: 3, Epoch: 4}, "", nil},
		{"says more than the row, which has changed", failed, port.Record{State: task.Open, Generation: 1, GiveBacks: 1}, updateOpenBare, nil},
	} {
		c.rec.ID = id(1)
		stands := &c.stands
		if stands.State == task.Unknown {
			stands = nil
		}
		_, then, err := judged(t, stands, func(s *dynamo.Store) error { return saveOne(t, s, c.rec) })
		require.Equal(t, c.then, then, c.name)
		if c.class == nil {
			require.NoError(t, err, c.name)
			continue
		}
		require.ErrorIs(t, err, c.class, c.name)
		require.NotContains(t, err.Error(), "\n", c.name)
	}
}

const updateOpenBare = `UPDATE "tasks" SET s = ? SET g = ? SET a = ? SET o = ? SET c = ? REMOVE r REMOVE x ` +
	`WHERE id = ? AND s = ? AND g = ?` + notOver + ` AND (a < ? OR (a = ? AND (o < ? OR (o = ? AND c < ?))))`

// TestWriteKeepsWhatItDoesNotKnow: hash, reason and expiry are written where the
// record has them, and otherwise left as they are.
func TestWriteKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	rec := port.Record{ID: id(1), State: task.Dead, Generation: 1, GiveBacks: 1, Error: "x", Reason: "failed", Hash: []byte("h"), Expires: time.Unix(4102444800, 0)}
	f := &fake{}
	require.NoError(t, saveOne(t, dynamo.NewFake(f), rec))
	require.Contains(t, f.texts()[0][0], ` SET x = ? SET d = ? SET p = ? SET t = ? WHERE `)
	claim := take()
	claim.Epoch, claim.Expires = 4, rec.Expires
	f = &fake{write: func(int, []types.BatchStatementRequest) ([]types.BatchStatementResponse, error) {
		return []types.BatchStatementResponse{{Item: dynamo.Encode(*openFor(time.Minute))}}, nil
	}}
	_, err := claimOne(t, dynamo.NewFake(f), claim)
	require.NoError(t, err)
	require.Contains(t, f.texts()[0][0], ` SET l = ? SET t = ? WHERE `)
}

// TestReopenIsOneConditionalWrite: whoever was quicker, or a row that is gone, is
// no error.
func TestReopenIsOneConditionalWrite(t *testing.T) {
	t.Parallel()
	dead := port.Record{ID: id(1), State: task.Dead, Generation: 3, Expires: time.Unix(4102444800, 0)}
	for _, stands := range []*port.Record{nil, {State: task.Done, Generation: 3}, {State: task.Open, Generation: 4}} {
		first, then, err := judged(t, stands, func(s *dynamo.Store) error { return s.Reopen(t.Context(), []port.Record{dead}) })
		require.NoError(t, err)
		require.Empty(t, then)
		require.Equal(t, `UPDATE "tasks" SET s = ? SET g = ? SET a = ? SET o = ? SET c = ? REMOVE e REMOVE l REMOVE w REMOVE r REMOVE x REMOVE d SET t = ? `+
			`WHERE id = ? AND s = ? AND g = ?`+notOver, first)
	}
	f := &fake{}
	bad := []port.Record{{ID: "order-17", State: task.Dead, Generation: 1}, dead, {ID: id(2), State: task.Dead}}
	err := dynamo.NewFake(f).Reopen(t.Context(), bad)
	requireClass(t, port.ItemError(err, 0), port.ErrInvalid, "no UUID")
	require.NoError(t, port.ItemError(err, 1))
	requireClass(t, port.ItemError(err, 2), port.ErrInvalid, "generation 0")
	require.Len(t, f.calls[0], 1)
	p := f.calls[0][0].Parameters
	require.Equal(t, []string{"N 0", "N 4", "N 2", "N 3"}, []string{showValue(p[0]), showValue(p[1]), showValue(p[7]), showValue(p[8])}, "from dead in 3 to open in 4")
}

func TestClaimSlackIsNeverNegative(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for slack, want := range map[time.Duration]error{-time.Hour: port.ErrClaimed, 0: port.ErrClaimed} {
			f := answering(*openFor(time.Second))
			_, err := claimOne(t, dynamo.NewFake(f, dynamo.ClaimSlack(slack)), take())
			require.ErrorIs(t, err, want)
			f = answering(*openFor(-time.Second))
			_, err = claimOne(t, dynamo.NewFake(f, dynamo.ClaimSlack(slack)), take())
			require.NoError(t, err, "without slack a claim ends when it ends")
		}
	})
}

func TestLoadOfABadIDFailsAlone(t *testing.T) {
	t.Parallel()
	f := &fake{read: func(_ int, keys types.KeysAndAttributes) *awsdynamodb.BatchGetItemOutput {
		return &awsdynamodb.BatchGetItemOutput{Responses: rows(keys.Keys)}
	}}
	recs, err := dynamo.NewFake(f).Load(t.Context(), []string{id(1), "order-17", ""}, true)
	require.NoError(t, port.ItemError(err, 0))
	require.Equal(t, task.Done, recs[0].State)
	for i, bad := range []string{"order-17", ""} {
		requireClass(t, port.ItemError(err, 1+i), port.ErrInvalid, bad)
		require.Equal(t, port.Record{ID: bad}, recs[1+i])
	}
	require.Len(t, f.reads[0].Keys, 1)
	recs, err = dynamo.NewFake(&fake{}).Load(t.Context(), []string{"order-17"}, true)
	require.Equal(t, []port.Record{{ID: "order-17"}}, recs)
	requireClass(t, port.ItemError(err, 0), port.ErrInvalid, "alone, it makes no call")
}
