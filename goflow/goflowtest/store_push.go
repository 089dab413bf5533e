package goflowtest

import (
	"fmt"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// pushCases are what pushes need of a store: rows before the send, whose hash
// tells tasks of one ID apart, and keys, which are claims that their owners end.
func pushCases() []storeCase {
	return []storeCase{
		{"FirstHashOfAnOpenRecordStays", true, firstHashStays},
		{"OfConcurrentRowsOneHashStands", true, oneHash},
		{"RowOfAnEndedTaskIsRefused", true, rowOfEnded},
		{"OutcomeKeepsTheHashOfItsRow", true, outcomeKeepsHash},
		{"EndedClaimIsTakenAtOnce", true, endedClaimTaken},
		{"ClaimIsEndedTwiceWithoutError", true, endedTwice},
		{"LateEndOfAClaimLeavesTheNextOneAlone", true, lateEnd},
		{"ClaimIsNotTakenBeforeItsEndThoughItIsLong", true, longClaim},
	}
}

// row returns an open record as a push writes it.
func row(id, hash string) port.Record {
	r := open(id)
	r.Hash = []byte(hash)
	return r
}

func firstHashStays(t *storeTest) {
	id := newID()
	t.save(row(id, "first"))
	t.save(row(id, "second"), open(id))
	t.has(row(id, "first"))
}

func oneHash(t *storeTest) {
	const pushes = 10
	id := newID()
	var group sync.WaitGroup
	hashes := make([]string, pushes)
	errs := make([]error, pushes)
	for i := range pushes {
		group.Go(func() {
			if errs[i] = t.saveErr(row(id, fmt.Sprint(i))); errs[i] != nil {
				return
			}
			var recs []port.Record
			if recs, errs[i] = t.store.Load(t.Context(), []string{id}, true); errs[i] == nil {
				hashes[i] = string(recs[0].Hash)
			}
		})
	}
	group.Wait()
	want := string(t.load(id).Hash)
	require.NotEmpty(t, want)
	for i := range pushes {
		require.NoError(t, errs[i])
		require.Equal(t, want, hashes[i], "what push %d read after its write", i)
	}
}

func rowOfEnded(t *storeTest) {
	for _, state := range terminals() {
		want := ended(newID(), state)
		t.save(want)
		require.ErrorIs(t, t.saveErr(row(want.ID, "hash")), port.ErrFinished, "%v", state)
		t.has(want)
	}
}

func outcomeKeepsHash(t *storeTest) {
	id := newID()
	t.save(row(id, "hash"))
	rec := t.claimed(take(id, "worker"))
	require.Equal(t, "hash", string(rec.Hash))
	end := done(id, `1`)
	end.Epoch = rec.Epoch
	t.save(end)
	end.Hash = []byte("hash")
	t.has(end)
}

// free returns the record that ends the claim which rec shows.
func free(rec port.Record) port.Record {
	r := open(rec.ID)
	r.Generation, r.Epoch, r.Expires = rec.Generation, rec.Epoch, rec.Expires
	return r
}

func endedClaimTaken(t *storeTest) {
	first := t.claimed(take(newID(), "first"))
	t.save(free(first))
	rec := t.load(first.ID)
	require.Equal(t, task.Open, rec.State)
	require.Empty(t, rec.Token, "nobody holds it")
	second := t.claimed(take(first.ID, "second"))
	require.Equal(t, "second", second.Token)
	require.Greater(t, second.Epoch, first.Epoch)
}

func endedTwice(t *storeTest) {
	first := t.claimed(take(newID(), "first"))
	t.save(free(first), free(first))
	t.save(free(first))
	require.Empty(t, t.load(first.ID).Token)
}

func lateEnd(t *storeTest) {
	first := t.claimed(take(newID(), "first"))
	t.save(free(first))
	second := t.claimed(take(first.ID, "second"))
	require.ErrorIs(t, t.saveErr(free(first)), port.ErrFenced)
	require.Equal(t, "second", t.load(first.ID).Token)
	_, err := t.claim(take(first.ID, "third"))
	require.ErrorIs(t, err, port.ErrClaimed)
	require.NoError(t, t.saveErr(free(second)))
}

// longClaim holds a claim for longer than any lease of a message.
func longClaim(t *storeTest) {
	const month = 30 * 24 * time.Hour
	c := take(newID(), "owner")
	c.For, c.Expires = month, time.Now().Add(month+24*time.Hour)
	first := t.claimed(c)
	require.WithinDuration(t, time.Now().Add(month), first.LeaseEnd, time.Minute)
	again := t.claimed(c)
	require.Equal(t, first.Epoch, again.Epoch, "the owner enters again")
	rec, err := t.claim(take(first.ID, "other"))
	require.ErrorIs(t, err, port.ErrClaimed)
	require.Equal(t, "owner", rec.Token, "the other learns who holds it")
}
