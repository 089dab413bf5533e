package dynamo_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
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

// TestExactlyTheNamedItemsFail tries every way in which three of ten items fail.
func TestExactlyTheNamedItemsFail(t *testing.T) {
	t.Parallel()
	for a := range 8 {
		for b := a + 1; b < 9; b++ {
			for c := b + 1; c < 10; c++ {
				bad := []int{a, b, c}
				f := &fake{write: each(func(_, i int) *types.BatchStatementError {
					if slices.Contains(bad, i) {
						return &types.BatchStatementError{Code: types.BatchStatementErrorCodeEnumThrottlingError}
					}
					return nil
				})}
				err, ok := errors.AsType[port.ItemErrors](dynamo.NewFake(f).Save(t.Context(), doneRecords(10)))
				require.True(t, ok)
				require.Len(t, err, 3)
				for _, i := range bad {
					requireClass(t, err[i], port.ErrUnavailable, "item "+strconv.Itoa(i))
				}
			}
		}
	}
}

func TestItemsWithoutAnAnswerFail(t *testing.T) {
	t.Parallel()
	f := &fake{write: func(_ int, statements []types.BatchStatementRequest) ([]types.BatchStatementResponse, error) {
		return make([]types.BatchStatementResponse, len(statements)-2), nil
	}}
	err := dynamo.NewFake(f).Save(t.Context(), doneRecords(4))
	for i := range 4 {
		if i < 2 {
			require.NoError(t, port.ItemError(err, i))
		} else {
			requireClass(t, port.ItemError(err, i), port.ErrUnavailable, "silence")
		}
	}
}

func TestWholeCallThatIsInvalidIsRepeatedOneByOne(t *testing.T) {
	t.Parallel()
	f := &fake{write: func(_ int, statements []types.BatchStatementRequest) ([]types.BatchStatementResponse, error) {
		third := show(dynamo.Item{"r": statements[0].Parameters[3]})["r"] == "B 32"
		if len(statements) > 1 || third {
			return nil, &validationError{}
		}
		return make([]types.BatchStatementResponse, 1), nil
	}}
	err, ok := errors.AsType[port.ItemErrors](dynamo.NewFake(f).Save(t.Context(), doneRecords(4)))
	require.True(t, ok)
	require.Len(t, err, 1)
	requireClass(t, err[2], port.ErrInvalid, "the wrong one")
	require.Len(t, f.calls, 5)
}

// TestNoCallHoldsAnIDTwice: DynamoDB would refuse it as a whole.
func TestNoCallHoldsAnIDTwice(t *testing.T) {
	t.Parallel()
	f := &fake{}
	recs := doneRecords(3)
	recs = append(recs, recs[1], recs[2], recs[1])
	recs[4].ID = strings.ToUpper(recs[4].ID) // another spelling of the same key
	require.NoError(t, dynamo.NewFake(f).Save(t.Context(), recs))
	sizes := make([]int, len(f.calls))
	for i, call := range f.calls {
		sizes[i] = len(call)
		seen := map[string]bool{}
		for _, st := range call {
			key := showValue(st.Parameters[0])
			require.False(t, seen[key], "key %s twice in call %d", key, i)
			seen[key] = true
		}
	}
	require.Equal(t, []int{3, 2, 1}, sizes)
}

func TestWritesOverTwelveMebibytesAreSplit(t *testing.T) {
	t.Parallel()
	f := &fake{}
	recs := doneRecords(25)
	for i := range recs {
		recs[i].Result = make([]byte, 400_000)
	}
	require.NoError(t, dynamo.NewFake(f).Save(t.Context(), recs))
	require.Len(t, f.calls, 2)
	require.Equal(t, 25, len(f.calls[0])+len(f.calls[1]))
	require.LessOrEqual(t, len(f.calls[0])*400_000*4/3, 12<<20, "bytes on the wire")
	many := &fake{}
	require.NoError(t, dynamo.NewFake(many).Save(t.Context(), doneRecords(60)))
	require.Len(t, many.calls, 3)
	require.Len(t, many.calls[0], 25)
}

func TestTooLargeRecordIsNotSent(t *testing.T) {
	t.Parallel()
	f := &fake{}
	rec := doneRecords(1)[0]
	rec.Result = make([]byte, 400<<10)
	requireClass(t, saveOne(t, dynamo.NewFake(f), rec), port.ErrTooLarge, "400 KiB of result")
	require.Empty(t, f.calls)
}

func TestBadRecordsAreNotSent(t *testing.T) {
	t.Parallel()
	f := &fake{}
	for name, change := range map[string]func(*port.Record){
		"state":      func(r *port.Record) { r.State = task.Unknown },
		"new state":  func(r *port.Record) { r.State = task.Expired + 1 },
		"generation": func(r *port.Record) { r.Generation = 0 },
		"ID":         func(r *port.Record) { r.ID = "order-17" },
		"count":      func(r *port.Record) { r.Starts = -1 },
		"value":      func(r *port.Record) { r.Value = 17 },
	} {
		rec := doneRecords(1)[0]
		change(&rec)
		requireClass(t, saveOne(t, dynamo.NewFake(f), rec), port.ErrInvalid, name)
	}
	for name, change := range map[string]func(*port.Claim){
		"no token": func(c *port.Claim) { c.Token = "" }, "no time": func(c *port.Claim) { c.For = 0 },
		"generation": func(c *port.Claim) { c.Generation = 0 }, "ID": func(c *port.Claim) { c.ID = "" },
	} {
		c := take()
		change(&c)
		_, err := claimOne(t, dynamo.NewFake(f), c)
		requireClass(t, err, port.ErrInvalid, name)
	}
	require.Empty(t, f.calls)
}

const (
	insertDone = `INSERT INTO "tasks" VALUE {'id': ?, 's': ?, 'g': ?, 'r': ?}`
	notOver    = ` AND (t IS MISSING OR t > ?)`
	updateDone = `UPDATE "tasks" SET s = ? SET g = ? REMOVE a REMOVE o REMOVE c REMOVE l REMOVE w SET r = ? REMOVE x ` +
		`WHERE id = ? AND s = ? AND g = ?` + notOver
	updateOpen = `UPDATE "tasks" SET s = ? SET g = ? SET a = ? SET o = ? SET c = ? REMOVE r SET x = ? ` +
		`WHERE id = ? AND s = ? AND g = ?` + notOver + ` AND (a < ? OR (a = ? AND (o < ? OR (o = ? AND c < ?))))`
)

// TestStatementsOfASave: the happy path is one statement; a record that must be
// there already is updated at once.
func TestStatementsOfASave(t *testing.T) {
	t.Parallel()
	done := doneRecords(1)[0]
	failed := port.Record{ID: id(0), State: task.Open, Generation: 1, Attempts: 1, GiveBacks: 1, Error: "why"}
	again := failed
	again.GiveBacks = 2
	retried := done
	retried.GiveBacks = 1
	claimed := done
	claimed.Epoch = 7
	free := port.Record{ID: id(0), State: task.Open, Generation: 1, Epoch: 7}
	for _, c := range []struct {
		name string
		rec  port.Record
		want string
	}{
		{"first success", done, insertDone},
		{"first failure", failed, `INSERT INTO "tasks" VALUE {'id': ?, 's': ?, 'g': ?, 'a': ?, 'o': ?, 'c': ?, 'x': ?}`},
		{"second failure", again, updateOpen},
		{"success after a failure", retried, strings.Replace(updateDone, "REMOVE o", "SET o = ?", 1)},
		{"success under a claim", claimed, updateDone + ` AND e = ?`},
		{"end of a claim", free, `UPDATE "tasks" REMOVE l REMOVE w WHERE id = ? AND s = ? AND g = ?` + notOver + ` AND e = ?`},
	} {
		f := &fake{}
		require.NoError(t, saveOne(t, dynamo.NewFake(f), c.rec))
		require.Equal(t, [][]string{{c.want}}, f.texts(), c.name)
		require.Equal(t, types.ReturnValuesOnConditionCheckFailureAllOld, f.calls[0][0].ReturnValuesOnConditionCheckFailure)
		require.Equal(t, strings.Count(c.want, "?"), len(f.calls[0][0].Parameters), "%s: a value for each parameter", c.name)
	}
}

// answering answers the first call with a row that makes its condition fail, and
// takes what comes after.
func answering(rec port.Record) *fake {
	return &fake{write: each(func(call, _ int) *types.BatchStatementError {
		if call == 1 {
			return &types.BatchStatementError{Code: condition, Item: dynamo.Encode(rec)}
		}
		return nil
	})}
}

// TestReplacementsCompareWhatTheyReplace: of two that saw the same old row, one
// wins.
func TestReplacementsCompareWhatTheyReplace(t *testing.T) {
	t.Parallel()
	over := port.Record{State: task.Done, Generation: 1, Expires: time.Unix(1, 0)}
	older := port.Record{State: task.Open, Generation: 1}
	const (
		save  = `UPDATE "tasks" SET s = ? SET g = ? REMOVE a REMOVE o REMOVE c REMOVE e REMOVE l REMOVE w SET r = ? REMOVE x REMOVE d `
		claim = `UPDATE "tasks" SET s = ? SET g = ? SET a = ? SET o = ? SET c = ? SET e = ? SET l = ? SET w = ? REMOVE r REMOVE x REMOVE d `
		fresh = `REMOVE p REMOVE t WHERE id = ? AND t = ? AND g = ?`
		later = `WHERE id = ? AND g = ?` + notOver
		isNew = ` RETURNING ALL NEW *`
	)
	rec, c := doneRecords(1)[0], take()
	rec.Generation, c.Generation = 2, 2
	for _, tc := range []struct {
		stands      port.Record
		save, claim string
	}{
		{over, save + fresh, claim + fresh + isNew},
		{older, save + later, claim + later + ` AND s = ?` + isNew},
	} {
		f := answering(tc.stands)
		require.NoError(t, saveOne(t, dynamo.NewFake(f), rec))
		require.Equal(t, []string{tc.save}, f.texts()[1])
		f = answering(tc.stands)
		_, err := claimOne(t, dynamo.NewFake(f), c)
		require.NoError(t, err)
		require.Equal(t, []string{tc.claim}, f.texts()[1])
	}
	f := answering(over)
	require.NoError(t, saveOne(t, dynamo.NewFake(f), rec))
	p := f.calls[1][0].Parameters
	require.Equal(t, []string{"N 1", "N 1"}, []string{showValue(p[len(p)-2]), showValue(p[len(p)-1])}, "its t and g")
}

// TestWrongGuessesCostOneStatementEach: two of three items go on, together.
func TestWrongGuessesCostOneStatementEach(t *testing.T) {
	t.Parallel()
	f := &fake{write: each(func(call, i int) *types.BatchStatementError {
		switch {
		case call == 1 && i == 0:
			return &types.BatchStatementError{Code: duplicate}
		case call == 1 && i == 2:
			return &types.BatchStatementError{Code: condition}
		}
		return nil
	})}
	recs := doneRecords(3)
	recs[2].GiveBacks = 1
	require.NoError(t, dynamo.NewFake(f).Save(t.Context(), recs))
	require.Len(t, f.calls, 2)
	require.Equal(t, []string{updateDone, strings.Replace(insertDone, "'r'", "'o': ?, 'r'", 1)}, f.texts()[1])
}

func TestRecordThatChangesAllTheTimeIsGivenUp(t *testing.T) {
	t.Parallel()
	f := &fake{write: each(func(call, _ int) *types.BatchStatementError {
		if call%2 == 1 {
			return &types.BatchStatementError{Code: duplicate}
		}
		return &types.BatchStatementError{Code: condition}
	})}
	requireClass(t, saveOne(t, dynamo.NewFake(f), doneRecords(1)[0]), port.ErrUnavailable, "contended")
	require.Len(t, f.calls, 6)
}

// TestSaveNeverMakesAClaim: what a loaded record shows of a claim is not written.
func TestSaveNeverMakesAClaim(t *testing.T) {
	t.Parallel()
	f := &fake{}
	rec := doneRecords(1)[0]
	rec.LeaseEnd, rec.Token = time.Now(), "token"
	require.NoError(t, saveOne(t, dynamo.NewFake(f), rec))
	require.Equal(t, [][]string{{insertDone}}, f.texts())
}

// TestClaimIsTakenOverByEpochAndLeaseEnd: a renewal in between keeps the epoch.
func TestClaimIsTakenOverByEpochAndLeaseEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := time.Now().Add(-2*time.Second - time.Millisecond).UnixMilli()
		held := dynamo.Encode(port.Record{
			State: task.Open, Generation: 1, Epoch: 4, LeaseEnd: time.UnixMilli(ended), Token: "other",
		})
		f := &fake{write: each(func(call, _ int) *types.BatchStatementError {
			switch call {
			case 1:
				return &types.BatchStatementError{Code: duplicate}
			case 2:
				return &types.BatchStatementError{Code: condition, Item: held}
			}
			return nil
		})}
		_, err := claimOne(t, dynamo.NewFake(f), take())
		require.NoError(t, err)
		const take = `UPDATE "tasks" SET e = ? SET l = ? SET w = ? WHERE id = ? AND s = ? AND g = ?` + notOver
		require.Equal(t, []string{take + ` AND e IS MISSING RETURNING ALL NEW *`}, f.texts()[1])
		require.Equal(t, []string{take + ` AND e = ? AND l = ? RETURNING ALL NEW *`}, f.texts()[2])
		p := f.calls[2][0].Parameters
		require.Equal(t, "N 5", showValue(p[0]), "the next epoch")
		require.Equal(t, "N "+strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10), showValue(p[1]), "milliseconds")
		require.Equal(t, "N "+strconv.FormatInt(time.Now().Unix(), 10), showValue(p[6]), "seconds")
		require.Equal(t, "N 4", showValue(p[7]))
		require.Equal(t, "N "+strconv.FormatInt(ended, 10), showValue(p[8]))
	})
}

// TestClaimIsHeldTwoSecondsLonger on both sides of the limit.
func TestClaimIsHeldTwoSecondsLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for after, want := range map[time.Duration]error{
			2*time.Second - time.Millisecond: port.ErrClaimed, 2*time.Second + time.Millisecond: nil,
		} {
			held := dynamo.Encode(port.Record{
				State: task.Open, Generation: 1, Epoch: 4, LeaseEnd: time.Now().Add(-after), Token: "other",
			})
			f := &fake{write: each(func(call, _ int) *types.BatchStatementError {
				if call == 1 {
					return &types.BatchStatementError{Code: condition, Item: held}
				}
				return nil
			})}
			_, err := claimOne(t, dynamo.NewFake(f), take())
			require.ErrorIs(t, err, want, "%v after its end", after)
		}
	})
}

func TestSkewOfWholeSecondsIsNone(t *testing.T) {
	t.Parallel()
	for measured, want := range map[time.Duration]time.Duration{
		0: 0, -999 * time.Millisecond: 0, 400 * time.Millisecond: 0, -1500 * time.Millisecond: 0,
		time.Hour: time.Hour + 500*time.Millisecond, -time.Hour: -time.Hour + 500*time.Millisecond,
	} {
		require.Equal(t, want, dynamo.Correction(measured), "%v", measured)
	}
}

// TestClaimsGoByTheServicesClock: ours is an hour behind.
func TestClaimsGoByTheServicesClock(t *testing.T) {
	t.Parallel()
	s := over(func(*http.Request) (*http.Response, error) {
		answer := jsonAnswer(200, `{"Responses":[{"TableName":"tasks"}]}`)
		answer.Header.Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		return answer, nil
	})
	require.NoError(t, saveOne(t, s, doneRecords(1)[0]))
	rec, err := claimOne(t, s, take())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(time.Hour+time.Minute), rec.LeaseEnd, 10*time.Second)
}

// TestLateAnswersTellNoTime: a process that was stopped for a while reads an
// answer with an old date. The clocks are the same all the time.
func TestLateAnswersTellNoTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		late := time.Duration(0)
		s := over(func(*http.Request) (*http.Response, error) {
			answer := jsonAnswer(200, `{"Responses":[{"TableName":"tasks"}]}`)
			answer.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
			time.Sleep(late)
			return answer, nil
		})
		for _, late = range []time.Duration{10 * time.Millisecond, 900 * time.Millisecond, 5 * time.Second, time.Hour} {
			time.Sleep(370 * time.Millisecond) // so that the date cuts another fraction off
			require.NoError(t, saveOne(t, s, doneRecords(1)[0]))
			late = 0
			rec, err := claimOne(t, s, take())
			require.NoError(t, err)
			require.Equal(t, time.Now().Add(time.Minute).UnixMilli(), rec.LeaseEnd.UnixMilli())
		}
	})
}

// rows answers a read with a done row for each key.
func rows(keys []map[string]types.AttributeValue) map[string][]map[string]types.AttributeValue {
	var out []map[string]types.AttributeValue
	for _, key := range keys {
		row := dynamo.Encode(port.Record{State: task.Done, Generation: 1})
		row["id"] = key["id"]
		out = append(out, row)
	}
	return map[string][]map[string]types.AttributeValue{"tasks": out}
}

func rest(keys []map[string]types.AttributeValue) map[string]types.KeysAndAttributes {
	return map[string]types.KeysAndAttributes{"tasks": {Keys: keys}}
}

func ids(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = id(i)
	}
	return out
}

func TestUnprocessedKeysAreReadAgain(t *testing.T) {
	t.Parallel()
	f := &fake{read: func(_ int, keys types.KeysAndAttributes) *awsdynamodb.BatchGetItemOutput {
		n := min(30, len(keys.Keys))
		return &awsdynamodb.BatchGetItemOutput{Responses: rows(keys.Keys[:n]), UnprocessedKeys: rest(keys.Keys[n:])}
	}}
	recs, err := dynamo.NewFake(f).Load(t.Context(), ids(100), true)
	require.NoError(t, err)
	for i, rec := range recs {
		require.Equal(t, task.Done, rec.State, "record %d", i)
	}
	require.Len(t, f.reads, 4)
	for _, read := range f.reads {
		require.True(t, *read.ConsistentRead, "fresh, in every call")
	}
}

// TestThrottledReadsAreGivenUp: what did come is returned.
func TestThrottledReadsAreGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{read: func(call int, keys types.KeysAndAttributes) *awsdynamodb.BatchGetItemOutput {
			n := 0
			if call == 1 {
				n = 2
			}
			return &awsdynamodb.BatchGetItemOutput{Responses: rows(keys.Keys[:n]), UnprocessedKeys: rest(keys.Keys[n:])}
		}}
		start := time.Now()
		recs, err := dynamo.NewFake(f).Load(t.Context(), ids(4), false)
		for i := range 4 {
			if i < 2 {
				require.NoError(t, port.ItemError(err, i))
				require.Equal(t, task.Done, recs[i].State)
			} else {
				requireClass(t, port.ItemError(err, i), port.ErrUnavailable, "throttled")
				require.Equal(t, port.Record{ID: id(i)}, recs[i])
			}
		}
		require.Len(t, f.reads, 5)
		require.Less(t, time.Since(start), time.Second)
		require.NotZero(t, time.Since(start), "it paused in between")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		f.reads = nil
		_, err = dynamo.NewFake(f).Load(ctx, ids(4), false)
		require.ErrorIs(t, err, context.Canceled, "a pause ends with its context")
	})
}

func TestLoadReadsAnIDOnceAndLeavesOutWhatIsOver(t *testing.T) {
	t.Parallel()
	f := &fake{read: func(_ int, keys types.KeysAndAttributes) *awsdynamodb.BatchGetItemOutput {
		out := rows(keys.Keys)
		out["tasks"][1]["t"] = &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().Unix(), 10)}
		return &awsdynamodb.BatchGetItemOutput{Responses: out}
	}}
	asked := []string{id(0), id(1), id(0), strings.ToUpper("01890000-0000-7000-8000-0000000000ab"), id(0)}
	recs, err := dynamo.NewFake(f).Load(t.Context(), asked, false)
	require.NoError(t, err)
	require.Len(t, f.reads[0].Keys, 3)
	require.False(t, *f.reads[0].ConsistentRead)
	for i, rec := range recs {
		require.Equal(t, asked[i], rec.ID, "the ID as it was asked for")
		require.Equal(t, i == 1, rec.State == task.Unknown, "record %d", i)
	}
}

// validationError is how DynamoDB refuses a whole call.
type validationError struct {
	types.ResourceNotFoundException
}

func (*validationError) ErrorCode() string { return "ValidationException" }
