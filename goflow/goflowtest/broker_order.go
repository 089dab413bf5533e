package goflowtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

func orderCases(f BrokerFeatures) []brokerCase {
	return []brokerCase{
		{"BrokerSaysWhetherItKeepsOrder", f.Limiter, orderIsSaid},
		{"GroupsAreNoOrderUnlessAskedFor", true, groupsElsewhere},
		{"GroupComesAsItWasSent", f.Ordered, groupComesInOrder},
		{"GroupIsBlockedWhileItsHeadIsLeased", f.Ordered, groupIsBlocked},
		{"OtherGroupsGoOn", f.Ordered, otherGroupsGoOn},
		{"RetryHoldsUpItsGroup", f.Ordered, retryHoldsUpItsGroup},
		{"RestThatIsGivenBackComesBehindItsHead", f.Ordered, restComesBehindItsHead},
		{"LeasesThatEndLeaveTheOrder", f.Ordered, leasesEndInOrder},
		{"MessageWithoutAGroupIsItsOwn", f.Ordered, noGroupIsItsOwn},
		{"SameIDIsTakenAndDropped", f.Ordered, sameIDIsDropped},
		{"OrderTakesNoDelay", f.Ordered, orderTakesNoDelay},
		{"OrderNeedsAnID", f.Ordered, orderNeedsAnID},
		{"BadGroupIsRefusedAlone", f.Ordered, badGroup},
		{"DeadLettersKeepTheirGroup", f.Ordered && f.EnforcesMaxReceives, deadLettersKeepTheirGroup},
	}
}

// ordered opens a broker that keeps order.
func (t *brokerTest) ordered() port.Broker {
	t.Helper()
	return t.broker(BrokerOptions{Lease: longLease, Ordered: true})
}

// step returns a message whose first letter is its group.
func step(name string) port.Message {
	m := message(name)
	m.Group = "group-" + name[:1]
	return m
}

func (t *brokerTest) sendSteps(b port.Broker, names ...string) {
	t.Helper()
	msgs := make([]port.Message, len(names))
	for i, name := range names {
		msgs[i] = step(name)
	}
	t.send(b, msgs...)
}

// blocked asserts that nothing comes for a while.
func (t *brokerTest) blocked(b port.Broker, why string) {
	t.Helper()
	require.Empty(t, t.poll(b, 1, 2*defaultPollWait), why)
}

func orderIsSaid(t *brokerTest) {
	for _, ordered := range []bool{false, t.features.Ordered} {
		limiter, ok := t.broker(BrokerOptions{Ordered: ordered}).(port.Limiter)
		require.True(t, ok, "the broker is a port.Limiter")
		limits, err := limiter.Limits(t.Context())
		require.NoError(t, err)
		require.Equal(t, ordered, limits.Ordered)
		if orderer, ok := limiter.(port.Orderer); ok {
			require.Equal(t, ordered, orderer.Ordered())
		}
	}
}

// Fairness is no order: a group must not wait for one of its messages.
func groupsElsewhere(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	t.sendSteps(b, "a1", "a2")
	first := t.now(b)
	require.Equal(t, "group-a", first.Group)
	require.NotEqual(t, first.ID, t.now(b).ID)
}

func groupComesInOrder(t *brokerTest) {
	b := t.ordered()
	var want, got []string
	for n := range 12 {
		want = append(want, fmt.Sprintf("a%02d", n))
	}
	t.sendSteps(b, want[:10]...)
	t.sendSteps(b, want[10:]...)
	for len(got) < len(want) {
		ds := t.poll(b, 5, defaultPollWait)
		require.NotEmpty(t, ds, "after %v", got)
		for _, d := range ds {
			require.Equal(t, "group-a", d.Group)
		}
		got = append(got, bodies(ds)...)
		t.ack(b, ds...)
	}
	require.Equal(t, want, got)
}

func groupIsBlocked(t *brokerTest) {
	b := t.ordered()
	t.sendSteps(b, "a1", "a2")
	head := t.now(b)
	require.Equal(t, "a1", string(head.Body))
	t.blocked(b, "a2 came while a1 was leased")
	t.ack(b, head)
	require.Equal(t, "a2", string(t.now(b).Body))
}

func otherGroupsGoOn(t *brokerTest) {
	b := t.ordered()
	t.sendSteps(b, "a1", "a2", "b1")
	heads := []string{string(t.now(b).Body), string(t.now(b).Body)}
	require.ElementsMatch(t, []string{"a1", "b1"}, heads, "which group comes first is the broker's affair")
	t.sendSteps(b, "c1")
	require.Equal(t, "c1", string(t.now(b).Body))
}

func retryHoldsUpItsGroup(t *brokerTest) {
	b := t.ordered()
	t.sendSteps(b, "a1", "a2")
	head, asked := t.now(b), time.Now()
	require.NoError(t, t.extend(b, head, 3*time.Second))
	for _, want := range []string{"a1", "a2"} {
		d := t.within(b, 3*time.Second+t.features.Granularity)
		require.Equal(t, want, string(d.Body))
		t.notBefore(asked.Add(3*time.Second), want)
		t.ack(b, d)
	}
}

// restComesBehindItsHead is what a worker does after a failure: the head waits for
// its retry, and what was received behind it waits as long.
func restComesBehindItsHead(t *brokerTest) {
	b := t.ordered()
	t.sendSteps(b, "a1", "a2", "a3")
	ds := t.all(b, 3, t.slack())
	require.Equal(t, []string{"a1", "a2", "a3"}, bodies(ds))
	leases := make([]port.Lease, len(ds))
	for i, d := range ds {
		leases[i] = port.Lease{Delivery: d, For: 4 * time.Second}
	}
	require.NoError(t, b.Extend(t.Context(), leases))
	t.blocked(b, "the rest came before its head")
	var got []string
	for range 3 {
		d := t.within(b, 4*time.Second)
		got = append(got, string(d.Body))
		t.ack(b, d)
	}
	require.Equal(t, []string{"a1", "a2", "a3"}, got)
}

func leasesEndInOrder(t *brokerTest) {
	b := t.broker(BrokerOptions{Ordered: true})
	t.sendSteps(b, "a1", "a2", "a3")
	t.all(b, 2, t.slack())
	time.Sleep(defaultLease + t.slack())
	var got []string
	for range 3 {
		d := t.now(b)
		got = append(got, string(d.Body))
		t.ack(b, d)
	}
	require.Equal(t, []string{"a1", "a2", "a3"}, got)
}

func noGroupIsItsOwn(t *brokerTest) {
	b := t.ordered()
	t.send(b, message("one"), message("two"))
	first, second := t.now(b), t.now(b)
	require.NotEmpty(t, first.Group)
	require.NotEqual(t, first.Group, second.Group)
}

func sameIDIsDropped(t *brokerTest) {
	b := t.ordered()
	m := step("a1")
	t.send(b, m)
	t.send(b, m)
	other := step("a1") // the same body, another task
	t.send(b, other)
	t.ack(b, t.now(b))
	t.ack(b, t.now(b))
	t.blocked(b, "the copy came")
	t.send(b, m)
	t.blocked(b, "the copy came, after the message was acked")
}

func orderTakesNoDelay(t *brokerTest) {
	b := t.ordered()
	m := step("a1")
	m.Delay = time.Second
	err := b.Send(t.Context(), []port.Message{m, step("a2")})
	require.ErrorIs(t, port.ItemError(err, 0), port.ErrInvalid)
	require.ErrorContains(t, port.ItemError(err, 0), "a delay of 1s: a queue that keeps order takes none")
	require.NoError(t, port.ItemError(err, 1))
	require.Equal(t, "a2", string(t.now(b).Body))
}

func orderNeedsAnID(t *brokerTest) {
	b := t.ordered()
	for _, id := range []string{"", "a b"} {
		err := b.Send(t.Context(), []port.Message{{ID: id, Body: []byte("x"), Group: "g"}})
		require.ErrorIs(t, port.ItemError(err, 0), port.ErrInvalid, "ID %q", id)
	}
}

func badGroup(t *brokerTest) {
	b := t.ordered()
	m := step("a1")
	m.Group = "a b"
	err := b.Send(t.Context(), []port.Message{m, step("a2")})
	require.ErrorIs(t, port.ItemError(err, 0), port.ErrInvalid)
	require.Equal(t, "a2", string(t.now(b).Body))
}

func deadLettersKeepTheirGroup(t *brokerTest) {
	dead := t.ordered()
	b := t.broker(BrokerOptions{Lease: longLease, Ordered: true, MaxReceives: 1, DeadLetter: dead})
	t.sendSteps(b, "a1", "a2")
	require.NoError(t, t.extend(b, t.now(b), 0))
	require.Equal(t, "a2", string(t.now(b).Body), "the group goes on without the dead")
	moved := t.now(dead)
	require.Equal(t, "a1", string(moved.Body))
	require.Equal(t, "group-a", moved.Group)
}
