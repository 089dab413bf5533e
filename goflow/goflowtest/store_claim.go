package goflowtest

import (
	"fmt"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func claimCases() []storeCase {
	return []storeCase{
		{"ClaimOfANewTaskMakesItsRecord", true, claimMakesRecord},
		{"ClaimKeepsWhatIsKnown", true, claimKeepsRecord},
		{"SecondClaimLosesAndGetsTheRecord", true, secondClaimLoses},
		{"ClaimIsStolenAfterItsLeaseEnd", true, claimStolen},
		{"RenewedClaimLastsLonger", true, claimRenewed},
		{"RenewalMovesTheExpiry", true, renewalMovesExpiry},
		{"ClaimWithTheSameTokenIsTheSame", true, claimReentrant},
		{"FencedHolderNeitherWritesNorRenews", true, fencedHolder},
		{"RenewalUnderAnEarlierEpochIsFenced", true, earlierEpoch},
		{"SaveWithoutEpochPassesAClaim", true, saveWithoutEpoch},
		{"RenewalAfterACancelGetsTheRecord", true, renewalAfterCancel},
		{"SaveUnderAClaimEndsIt", true, saveEndsClaim},
		{"EndedTaskIsNotClaimed", true, endedNotClaimed},
		{"LaterGenerationIsNotClaimed", true, laterGenerationNotClaimed},
		{"ClaimErrorsNameTheFailedItems", true, claimErrors},
		{"ConcurrentClaimersHaveOneWinner", true, oneClaimer},
	}
}

// take returns a claim on a task in generation 1, for a minute.
func take(id, token string) port.Claim {
	return port.Claim{ID: id, Generation: 1, Token: token, For: time.Minute, Expires: expires()}
}

// renew returns the claim that renews the one which rec shows.
func renew(rec port.Record) port.Claim {
	c := take(rec.ID, rec.Token)
	c.Generation, c.Epoch = rec.Generation, rec.Epoch
	return c
}

// takeWhenFree claims again and again until the claim before has ended, and
// returns the record and when it was.
func (t *storeTest) takeWhenFree(c port.Claim, within time.Duration) (port.Record, time.Time) {
	t.Helper()
	deadline := time.Now().Add(within + t.features.Slack + time.Second)
	for {
		rec, err := t.claim(c)
		if err == nil {
			return rec, time.Now()
		}
		require.ErrorIs(t, err, port.ErrClaimed)
		require.True(t, time.Now().Before(deadline), "the earlier claim never ends")
		time.Sleep(100 * time.Millisecond)
	}
}

func claimMakesRecord(t *storeTest) {
	c := take(newID(), "token")
	rec := t.claimed(c)
	require.Equal(t, task.Open, rec.State)
	require.Equal(t, 1, rec.Generation)
	require.Zero(t, rec.Attempts+rec.GiveBacks+rec.Starts)
	require.NotZero(t, rec.Epoch)
	require.Equal(t, "token", rec.Token)
	require.WithinDuration(t, time.Now().Add(time.Minute), rec.LeaseEnd, t.features.Slack+2*time.Second)
	require.True(t, c.Expires.Equal(rec.Expires), "Expires is %v", rec.Expires)
	got := t.load(c.ID)
	require.Equal(t, plain(rec), plain(got))
	require.Equal(t, rec.Epoch, got.Epoch)
	require.Equal(t, rec.Token, got.Token)
	require.True(t, rec.LeaseEnd.Equal(got.LeaseEnd), "LeaseEnd was %v, is %v", rec.LeaseEnd, got.LeaseEnd)
}

func claimKeepsRecord(t *storeTest) {
	want := attempt(newID(), 3)
	want.Starts, want.Hash = 2, []byte("hash")
	t.save(want)
	c := take(want.ID, "token")
	c.Expires = c.Expires.Add(time.Hour)
	want.Expires = c.Expires
	require.Equal(t, plain(want), plain(t.claimed(c)))
	t.has(want)
}

func secondClaimLoses(t *storeTest) {
	id := newID()
	first := t.claimed(take(id, "first"))
	for range 2 {
		rec, err := t.claim(take(id, "second"))
		require.ErrorIs(t, err, port.ErrClaimed)
		require.Equal(t, first.Epoch, rec.Epoch, "the loser gets the record as it stands")
		require.Equal(t, "first", rec.Token)
	}
	require.Equal(t, first.Epoch, t.claimed(renew(first)).Epoch, "the first still holds it")
}

func claimStolen(t *storeTest) {
	const lease = 2 * time.Second
	c := take(newID(), "first")
	c.For = lease
	start := time.Now()
	first := t.claimed(c)
	second, at := t.takeWhenFree(take(c.ID, "second"), lease)
	require.False(t, at.Before(start.Add(lease)), "stolen %v early", start.Add(lease).Sub(at))
	require.Greater(t, second.Epoch, first.Epoch)
	require.Equal(t, "second", second.Token)
	_, err := t.claim(take(c.ID, "third"))
	require.ErrorIs(t, err, port.ErrClaimed, "the second holds it now")
}

func claimRenewed(t *storeTest) {
	const lease = 2 * time.Second
	c := take(newID(), "first")
	c.For = lease
	first := t.claimed(c)
	again := renew(first)
	again.For = lease
	var asked time.Time
	for range 2 {
		time.Sleep(lease / 2)
		asked = time.Now()
		require.Equal(t, first.Epoch, t.claimed(again).Epoch, "a renewed claim keeps its epoch")
	}
	_, at := t.takeWhenFree(take(c.ID, "second"), lease)
	require.False(t, at.Before(asked.Add(lease)), "stolen %v early", asked.Add(lease).Sub(at))
}

// renewalMovesExpiry: a run may be longer than a record lives.
func renewalMovesExpiry(t *storeTest) {
	first := t.claimed(take(newID(), "token"))
	again := renew(first)
	again.Expires = first.Expires.Add(time.Hour)
	for _, rec := range []port.Record{t.claimed(again), t.load(first.ID)} {
		require.True(t, again.Expires.Equal(rec.Expires), "Expires is %v", rec.Expires)
	}
}

func claimReentrant(t *storeTest) {
	id := newID()
	first := t.claimed(take(id, "token"))
	second := t.claimed(take(id, "token"))
	require.Equal(t, first.Epoch, second.Epoch)
	rec := attempt(id, 1)
	rec.Epoch = first.Epoch
	t.save(rec)
	t.has(rec)
}

// fencedHolder: whoever lost a claim to another can do nothing under it, nor
// harm the one who holds it now.
func fencedHolder(t *storeTest) {
	c := take(newID(), "first")
	c.For = time.Second
	first := t.claimed(c)
	second, _ := t.takeWhenFree(take(c.ID, "second"), time.Second)
	for _, late := range []port.Record{attempt(c.ID, 1), done(c.ID, `"late"`), ended(c.ID, task.Dead)} {
		late.Epoch = first.Epoch
		require.ErrorIs(t, t.saveErr(late), port.ErrFenced)
	}
	rec, err := t.claim(renew(first))
	require.ErrorIs(t, err, port.ErrFenced)
	require.Equal(t, second.Epoch, rec.Epoch, "the fenced one gets the record as it stands")
	require.Equal(t, plain(second), plain(t.load(c.ID)), "nothing was written")
	require.Equal(t, second.Epoch, t.claimed(renew(second)).Epoch, "the second still holds it")
	end := done(c.ID, `"in time"`)
	end.Epoch = second.Epoch
	t.save(end)
	t.has(end)
	_, err = t.claim(renew(first))
	require.ErrorIs(t, err, port.ErrFinished, "now it has ended")
}

// earlierEpoch: the token says who asks, the epoch which claim. One whose claim
// has ended and who took another must not renew the first.
func earlierEpoch(t *storeTest) {
	id := newID()
	first := t.claimed(take(id, "same"))
	rec := attempt(id, 1)
	rec.Epoch = first.Epoch
	t.save(rec)
	second := t.claimed(take(id, "same"))
	require.Greater(t, second.Epoch, first.Epoch, "epochs only rise")
	_, err := t.claim(renew(first))
	require.ErrorIs(t, err, port.ErrFenced)
	require.Equal(t, second.Epoch, t.claimed(renew(second)).Epoch)
}

// saveWithoutEpoch: a client that cancels has no claim. The claim of the worker
// that runs the task stands, until it learns that the task has ended.
func saveWithoutEpoch(t *storeTest) {
	id := newID()
	first := t.claimed(take(id, "worker"))
	t.save(attempt(id, 1))
	_, err := t.claim(take(id, "other"))
	require.ErrorIs(t, err, port.ErrClaimed, "a save without an epoch ended the claim")
	require.Equal(t, first.Epoch, t.claimed(renew(first)).Epoch, "a save without an epoch fenced the worker out")
	mine := attempt(id, 2)
	mine.Epoch = first.Epoch
	t.save(mine)
	t.has(mine)
	t.save(ended(id, task.Cancelled))
	late := done(id, `"late"`)
	late.Epoch = first.Epoch
	require.ErrorIs(t, t.saveErr(late), port.ErrFinished)
	t.has(ended(id, task.Cancelled))
}

// renewalAfterCancel: the holder has to learn why its task has ended.
func renewalAfterCancel(t *storeTest) {
	id, other := newID(), newID()
	held, cancelled := t.claimed(take(other, "worker")), t.claimed(take(id, "worker"))
	t.save(ended(id, task.Cancelled))
	recs, err := t.claims(renew(held), renew(cancelled))
	require.NoError(t, port.ItemError(err, 0))
	require.ErrorIs(t, port.ItemError(err, 1), port.ErrFinished)
	require.Equal(t, []task.State{task.Open, task.Cancelled}, []task.State{recs[0].State, recs[1].State})
	t.has(ended(id, task.Cancelled))
}

func saveEndsClaim(t *storeTest) {
	id := newID()
	first := t.claimed(take(id, "first"))
	rec := attempt(id, 1)
	rec.Epoch = first.Epoch
	t.save(rec)
	require.True(t, t.load(id).LeaseEnd.IsZero(), "the claim has ended")
	t.save(rec)
	second := t.claimed(take(id, "second"))
	require.Greater(t, second.Epoch, first.Epoch, "epochs only rise")
	require.Equal(t, 1, second.Attempts)
	end := done(id, `"done"`)
	end.Epoch = first.Epoch
	require.ErrorIs(t, t.saveErr(end), port.ErrFenced)
	end.Epoch = second.Epoch
	t.save(end)
	t.save(end)
	t.has(end)
}

func endedNotClaimed(t *storeTest) {
	for _, state := range terminals() {
		want := ended(newID(), state)
		t.save(want)
		rec, err := t.claim(take(want.ID, "token"))
		require.ErrorIs(t, err, port.ErrFinished, "%v", state)
		require.Equal(t, plain(want), plain(rec), "the loser gets the record as it stands")
		t.has(want)
	}
}

func laterGenerationNotClaimed(t *storeTest) {
	want := attempt(newID(), 1)
	want.Generation = 2
	t.save(want)
	rec, err := t.claim(take(want.ID, "token"))
	require.ErrorIs(t, err, port.ErrFinished)
	require.Equal(t, plain(want), plain(rec))
	c := take(want.ID, "token")
	c.Generation = 2
	require.Equal(t, 2, t.claimed(c).Generation)
}

// claimErrors claims a batch with one of each kind, and one ID twice.
func claimErrors(t *storeTest) {
	held, over, fresh := newID(), newID(), newID()
	first := t.claimed(take(held, "holder"))
	t.save(ended(over, task.Dead))
	recs, err := t.claims(take(fresh, "a"), take(held, "a"), take(over, "a"), take(fresh, "b"), take(newID(), "a"))
	for i, want := range []error{nil, port.ErrClaimed, port.ErrFinished, port.ErrClaimed, nil} {
		if want == nil {
			require.NoError(t, port.ItemError(err, i), "item %d", i)
		} else {
			require.ErrorIs(t, port.ItemError(err, i), want, "item %d", i)
		}
	}
	require.Equal(t, first.Epoch, recs[1].Epoch)
	require.Equal(t, task.Dead, recs[2].State)
	for _, i := range []int{0, 3, 4} {
		require.Equal(t, "a", recs[i].Token, "item %d", i)
	}
}

func oneClaimer(t *storeTest) {
	const claimers = 25
	id := newID()
	recs := make([]port.Record, claimers)
	errs := make([]error, claimers)
	var group sync.WaitGroup
	for i := range claimers {
		group.Go(func() {
			got, err := t.store.Claim(t.Context(), []port.Claim{take(id, fmt.Sprint(i))})
			if errs[i] = port.ItemError(err, 0); len(got) == 1 {
				recs[i] = got[0]
			}
		})
	}
	group.Wait()
	holder := t.load(id).Token
	for i, err := range errs {
		require.Equal(t, holder, recs[i].Token, "claimer %d got the record as it stands", i)
		if holder == fmt.Sprint(i) {
			require.NoError(t, err, "the holder was told so")
		} else {
			require.ErrorIs(t, err, port.ErrClaimed, "claimer %d", i)
		}
	}
}
