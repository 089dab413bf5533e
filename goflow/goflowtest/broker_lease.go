package goflowtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

func leaseCases(f BrokerFeatures) []brokerCase {
	return []brokerCase{
		{"LeaseEndRedelivers", f.LeasesEnd, leaseEndRedelivers},
		{"LeaseThatNeverEndsKeepsTheMessage", !f.LeasesEnd, leaseNeverEnds},
		{"ExtendKeepsTheLease", f.LeasesEnd, extendKeeps},
		{"ExtendIsNotKeptForTheNextLease", f.LeasesEnd, extendNotKept},
		{"ExtendToRetryLater", true, extendRetriesLater},
		{"ExtendIsNotRoundedDown", true, extendNotRoundedDown},
		{"ReleaseGivesBackAtOnce", true, releaseGivesBack},
		{"ReleaseOfABatchGivesAllBack", true, releaseBatch},
		{"ExtendErrorsNameTheLostLeases", true, extendErrors},
		{"ExtendUnderAnEndedLease", f.LeasesEnd, extendAfterEnd},
		{"AckEndsTheDelivery", true, ackEnds},
		{"AckOfABatchEndsOnlyThose", true, ackBatch},
		{"AckTwiceIsNoError", true, ackTwice},
		{"AckUnderALostLeaseIsNoError", f.LeasesEnd, ackLostLease},
		{"OldHandleDoesNotHarmTheNextLease", f.LeasesEnd, oldHandle},
		{"HandleOfAReleasedLeaseDoesNoHarm", f.EnforcesLeaseOnAck || f.KnowsLostLease, releasedHandle},
	}
}

func leaseEndRedelivers(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	t.sendOne(b, "crashed")
	first := t.now(b)
	second := t.within(b, defaultLease)
	t.notBefore(first.LeaseEnd, "the second delivery")
	t.notAfter(first.LeaseEnd, "the second delivery")
	require.Equal(t, first.ID, second.ID)
	require.Equal(t, "crashed", string(second.Body))
	require.Equal(t, 2, second.Receives)
}

func leaseNeverEnds(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	t.sendOne(b, "held")
	t.now(b)
	t.none(b)
}

func extendKeeps(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	t.sendOne(b, "long task")
	d := t.now(b)
	var asked time.Time
	for range 5 { // past the first lease
		time.Sleep(defaultLease / 4)
		asked = time.Now()
		require.NoError(t, t.extend(b, d, defaultLease))
	}
	t.within(b, defaultLease)
	t.notBefore(asked.Add(defaultLease), "the second delivery")
	t.notAfter(asked.Add(defaultLease), "the second delivery")
}

func extendNotKept(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: 3 * time.Second})
	t.sendOne(b, "short")
	require.NoError(t, t.extend(b, t.now(b), time.Second))
	second := t.within(b, time.Second)
	left := time.Until(second.LeaseEnd)
	require.Greater(t, left, 3*time.Second-t.slack(), "the second lease is as short as the first was made")
	t.within(b, 3*time.Second)
	t.notBefore(second.LeaseEnd, "the third delivery")
}

func extendRetriesLater(t *brokerTest) { t.retriedAfter(2 * time.Second) }

// A broker of whole seconds that cut this off would be half a second early.
func extendNotRoundedDown(t *brokerTest) { t.retriedAfter(1500 * time.Millisecond) }

func (t *brokerTest) retriedAfter(wait time.Duration) {
	b := t.broker(BrokerOptions{Lease: longLease})
	t.sendOne(b, "retried")
	d := t.now(b)
	asked := time.Now()
	require.NoError(t, t.extend(b, d, wait))
	answered := time.Now()
	t.within(b, wait+t.features.Granularity)
	t.notBefore(asked.Add(wait), "the retry")
	t.notAfter(answered.Add(wait+t.features.Granularity), "the retry")
}

func releaseGivesBack(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	t.sendOne(b, "given back")
	first := t.now(b)
	require.NoError(t, t.extend(b, first, 0))
	second := t.now(b)
	require.Equal(t, first.ID, second.ID)
	require.Equal(t, 2, second.Receives)
}

func releaseBatch(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	t.send(b, message("a"), message("b"), message("c"))
	leases := make([]port.Lease, 0, 3)
	for _, d := range t.all(b, 3, t.slack()) {
		leases = append(leases, port.Lease{Delivery: d})
	}
	require.NoError(t, b.Extend(t.Context(), leases))
	require.ElementsMatch(t, []string{"a", "b", "c"}, bodies(t.all(b, 3, t.slack())))
}

// extendErrors extends a batch in which one message is gone: the others are
// kept whatever becomes of that one.
func extendErrors(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	t.send(b, message("a"), message("gone"), message("c"))
	leases := make([]port.Lease, 0, 3)
	gone := -1
	for i, d := range t.all(b, 3, t.slack()) {
		if string(d.Body) == "gone" {
			gone = i
		}
		leases = append(leases, port.Lease{Delivery: d, For: longLease})
	}
	t.ack(b, leases[gone].Delivery)
	err := b.Extend(t.Context(), leases)
	for i := range leases {
		switch {
		case i != gone:
			require.NoError(t, port.ItemError(err, i), "item %d is ours", i)
		case t.features.KnowsLostLease:
			require.ErrorIs(t, port.ItemError(err, i), port.ErrLeaseLost)
		case port.ItemError(err, i) != nil:
			require.ErrorIs(t, port.ItemError(err, i), port.ErrLeaseLost, "the only error that Extend may give here")
		}
	}
	t.none(b)
}

// extendAfterEnd extends a lease that has ended: a broker that knows refuses,
// and the message comes again at once.
func extendAfterEnd(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	t.sendOne(b, "late")
	d := t.now(b)
	time.Sleep(time.Until(d.LeaseEnd) + t.slack())
	err := t.extend(b, d, longLease)
	if !t.features.KnowsEndedLease {
		if err != nil {
			require.ErrorIs(t, err, port.ErrLeaseLost)
		}
		return
	}
	require.ErrorIs(t, err, port.ErrLeaseLost)
	require.Equal(t, d.ID, t.now(b).ID, "the refused Extend kept the message")
}

func ackEnds(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	t.sendOne(b, "done")
	t.ack(b, t.now(b))
	t.none(b)
}

func ackBatch(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	t.send(b, message("a"), message("b"), message("c"), message("d"))
	ds := t.all(b, 4, t.slack())
	t.ack(b, ds[0], ds[2])
	for _, i := range []int{1, 3} {
		require.NoError(t, t.extend(b, ds[i], 0))
	}
	want := []string{string(ds[1].Body), string(ds[3].Body)}
	require.ElementsMatch(t, want, bodies(t.all(b, 2, t.slack())))
	require.Empty(t, t.poll(b, 1, defaultPollWait), "an acked message came again")
}

func ackTwice(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	t.send(b, message("a"), message("b"))
	ds := t.all(b, 2, t.slack())
	t.ack(b, ds[0])
	t.ack(b, ds...)
	t.none(b)
}

func ackLostLease(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	t.sendOne(b, "late")
	d := t.now(b)
	time.Sleep(time.Until(d.LeaseEnd) + t.slack())
	t.ack(b, d)
}

// oldHandle lets the holder of an ended lease extend, release and ack while
// another holds the message: the second lease runs its time, and then the
// message comes again.
func oldHandle(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: 3 * time.Second})
	t.sendOne(b, "contested")
	old := t.now(b)
	current := t.within(b, 3*time.Second)
	if t.features.KnowsLostLease {
		require.ErrorIs(t, t.extend(b, old, 0), port.ErrLeaseLost)
		require.ErrorIs(t, t.extend(b, old, longLease), port.ErrLeaseLost)
	}
	t.ack(b, old)
	if !t.features.EnforcesLeaseOnAck {
		return // the message may be gone now, or not
	}
	again := t.within(b, 3*time.Second)
	t.notBefore(current.LeaseEnd, "the third delivery")
	t.notAfter(current.LeaseEnd, "the third delivery")
	require.Equal(t, old.ID, again.ID)
}

// releasedHandle goes on using a lease that was given back.
func releasedHandle(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	t.sendOne(b, "given back")
	old := t.now(b)
	require.NoError(t, t.extend(b, old, 0))
	current := t.now(b)
	if t.features.KnowsLostLease {
		require.ErrorIs(t, t.extend(b, old, 0), port.ErrLeaseLost)
		require.Empty(t, t.poll(b, 1, defaultPollWait), "the message was given back under the old handle")
	}
	if t.features.EnforcesLeaseOnAck {
		t.ack(b, old)
		require.NoError(t, t.extend(b, current, 0))
		require.Equal(t, old.ID, t.now(b).ID, "the message was acked under the old handle")
	}
}
