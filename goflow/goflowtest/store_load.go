package goflowtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func loadCases(f StoreFeatures) []storeCase {
	return []storeCase{
		{"AbsentRecordIsUnknownWithItsID", true, absentIsUnknown},
		{"LoadKeepsTheOrder", true, loadKeepsOrder},
		{"LoadOfAHundred", true, loadHundred},
		{"SameIDTwiceIsLoadedTwice", true, loadTwice},
		{"FreshLoadSeesEarlierSaves", true, freshSeesSaves},
		{"CheapLoadSeesEarlierSavesSoon", true, cheapSeesSavesSoon},
		{"ForeignIDsAreRefusedByReads", f.RefusesForeignIDs, loadForeignID},
	}
}

func absentIsUnknown(t *storeTest) {
	id := newID()
	for _, fresh := range []bool{true, false} {
		recs, err := t.store.Load(t.Context(), []string{id}, fresh)
		require.NoError(t, err)
		require.Equal(t, []port.Record{{ID: id}}, recs, "fresh=%v", fresh)
	}
}

func loadKeepsOrder(t *storeTest) {
	ids := make([]string, 30)
	var recs []port.Record
	for i := range ids {
		ids[i] = newID()
		if i%3 != 0 {
			recs = append(recs, done(ids[i], fmt.Sprint(i)))
		}
	}
	slices.Reverse(recs)
	t.save(recs...)
	for i, rec := range t.loadAll(ids...) {
		if i%3 == 0 {
			require.Equal(t, task.Unknown, rec.State, "record %d", i)
		} else {
			require.Equal(t, fmt.Sprint(i), string(rec.Result), "record %d", i)
		}
	}
}

func loadHundred(t *storeTest) {
	ids := make([]string, port.MaxReads)
	recs := make([]port.Record, port.MaxReads)
	for i := range ids {
		ids[i] = newID()
		recs[i] = done(ids[i], fmt.Sprint(i))
	}
	for batch := range slices.Chunk(recs, port.MaxWrites) {
		t.save(batch...)
	}
	for i, rec := range t.loadAll(ids...) {
		require.Equal(t, fmt.Sprint(i), string(rec.Result), "record %d", i)
	}
}

func loadTwice(t *storeTest) {
	a, b, none := done(newID(), `"a"`), done(newID(), `"b"`), newID()
	t.save(a, b)
	recs := t.loadAll(a.ID, none, b.ID, a.ID, none, a.ID)
	for i, want := range []string{`"a"`, "", `"b"`, `"a"`, "", `"a"`} {
		require.Equal(t, want, string(recs[i].Result), "record %d", i)
	}
}

func freshSeesSaves(t *storeTest) {
	id := newID()
	for n := 1; n <= 10; n++ {
		t.save(attempt(id, n))
		require.Equal(t, n, t.load(id).Attempts)
	}
}

func cheapSeesSavesSoon(t *storeTest) {
	want := done(newID(), `"soon"`)
	t.save(want)
	ctx, cancel := context.WithTimeout(t.Context(), t.features.Slack+time.Second)
	defer cancel()
	for {
		recs, err := t.store.Load(ctx, []string{want.ID}, false)
		require.NoError(t, err)
		require.Len(t, recs, 1)
		if recs[0].State == task.Done {
			require.Equal(t, plain(want), plain(recs[0]))
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func loadForeignID(t *storeTest) {
	_, err := t.store.Load(t.Context(), []string{"order-17"}, true)
	require.ErrorIs(t, err, port.ErrInvalid)
	_, err = t.store.Claim(t.Context(), []port.Claim{take("order-17", "token")})
	require.ErrorIs(t, port.ItemError(err, 0), port.ErrInvalid)
}
