package goflowtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

func sendCases(f BrokerFeatures) []brokerCase {
	return []brokerCase{
		{"SentIsReceived", true, sentIsReceived},
		{"ABatchOfTenIsSentWhole", true, batchOfTen},
		{"MessageIDIsAUUIDAndStays", true, messageIDStays},
		{"DelayedMessageIsNotDeliveredEarly", true, delayedNotEarly},
		{"DelayIsNotRoundedDown", true, delayNotRoundedDown},
		{"DelayedMessageDoesNotHoldUpOthers", true, delayedHoldsUpNobody},
		{"DelayShowsInTheBrokersTimes", true, delayedByTheBrokersClock},
		{"TooLongDelayIsRefusedAlone", f.MaxDelay > 0, tooLongDelay},
		{"NegativeDelayIsRefused", f.MaxDelay > 0, negativeDelay},
		{"TooLargeMessageIsRefusedAloneInItsBatch", f.MaxMessageBytes > 0, tooLargeAlone},
		{"LargestMessageIsTaken", f.MaxMessageBytes > 0, largestMessage},
		{"AttributesCountTowardsTheLimit", f.MaxMessageBytes > 0, attributesCount},
		{"LargeMessagesFitTogetherInABatch", f.MaxMessageBytes > 0, largeBatch},
		{"BatchErrorsNameTheFailedItems", f.MaxMessageBytes > 0 || f.RefusesBadBodies, batchErrors},
		{"SendBlocksWhileFull", f.Blocks, sendBlocks},
		{"BlockedSendEndsWithItsContext", f.Blocks, blockedSendEnds},
	}
}

func sentIsReceived(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	t.sendOne(b, "hello")
	d := t.now(b)
	require.Equal(t, "hello", string(d.Body))
	require.Nil(t, d.Value, "a message that was sent as bytes has no Value")
	require.NotNil(t, d.Handle, "a delivery has a handle")
}

func batchOfTen(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	want := make([]string, port.MaxMessages)
	msgs := make([]port.Message, port.MaxMessages)
	for i := range msgs {
		want[i] = fmt.Sprintf("message %d", i)
		msgs[i] = message(want[i])
	}
	t.send(b, msgs...)
	require.ElementsMatch(t, want, bodies(t.all(b, len(want), t.slack())))
}

func messageIDStays(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	t.send(b, message("a"), message("b"))
	first := t.all(b, 2, t.slack())
	require.NotEqual(t, first[0].ID, first[1].ID, "two messages have two IDs")
	ids := map[string]string{}
	for _, d := range first {
		require.Regexp(t, uuidForm, d.ID)
		ids[string(d.Body)] = d.ID
		require.NoError(t, t.extend(b, d, 0))
	}
	for _, d := range t.all(b, 2, t.slack()) {
		require.Equal(t, ids[string(d.Body)], d.ID, "the ID of a message that comes again")
	}
}

func delayedNotEarly(t *brokerTest) { t.delayed(2 * time.Second) }

// A broker of whole seconds that cut this off would be half a second early.
func delayNotRoundedDown(t *brokerTest) { t.delayed(1500 * time.Millisecond) }

func (t *brokerTest) delayed(delay time.Duration) {
	b := t.broker(BrokerOptions{})
	m := message("later")
	m.Delay = delay
	start := time.Now()
	t.send(b, m)
	sent := time.Now()
	t.within(b, delay+t.features.Granularity)
	t.notBefore(start.Add(delay), "the delayed message")
	t.notAfter(sent.Add(delay+t.features.Granularity), "the delayed message")
}

func delayedHoldsUpNobody(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	later := message("later")
	later.Delay = 5*time.Second + t.slack()
	t.send(b, later, message("now"))
	require.Equal(t, "now", string(t.now(b).Body))
}

func tooLongDelay(t *brokerTest) {
	m := message("too late")
	m.Delay = t.features.MaxDelay + time.Second
	t.refusedAlone(m, port.ErrInvalid)
	m.Delay = t.features.MaxDelay
	t.send(t.broker(BrokerOptions{}), m)
}

func negativeDelay(t *brokerTest) {
	m := message("in the past")
	m.Delay = -time.Second
	t.refusedAlone(m, port.ErrInvalid)
}

func tooLargeAlone(t *brokerTest) {
	t.refusedAlone(message(strings.Repeat("x", t.features.MaxMessageBytes+1)), port.ErrTooLarge)
}

func largestMessage(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	body := strings.Repeat("x", t.features.MaxMessageBytes)
	t.sendOne(b, body)
	got := t.within(b, defaultLease)                                           // a large answer may be lost on its way
	require.True(t, body == string(got.Body), "the body is not what was sent") // no diff of a MiB
}

func attributesCount(t *brokerTest) {
	m := message(strings.Repeat("x", t.features.MaxMessageBytes-100))
	m.Attributes = map[string]string{"note": strings.Repeat("y", 200)}
	t.refusedAlone(m, port.ErrTooLarge)
}

// Ten messages that are small enough each may be too much for one request: that
// is the broker's affair.
func largeBatch(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	msgs := make([]port.Message, port.MaxMessages)
	for i := range msgs {
		msgs[i] = message(strings.Repeat(string(rune('0'+i)), t.features.MaxMessageBytes/5))
	}
	t.send(b, msgs...)
	seen := map[byte]bool{}
	for until := time.Now().Add(4 * t.slack()); len(seen) < len(msgs) && time.Now().Before(until); {
		for _, d := range t.poll(b, 1, defaultLease) { // a large answer may be lost on its way, so one at a time
			require.Len(t, d.Body, t.features.MaxMessageBytes/5)
			seen[d.Body[0]] = true
			t.ack(b, d)
		}
	}
	require.Len(t, seen, len(msgs), "each of the large messages came")
}

// batchErrors sends good and bad items in turn: the errors name the bad ones,
// and the good ones arrive.
func batchErrors(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	bad, want := "\x00", port.ErrInvalid
	if !t.features.RefusesBadBodies {
		bad, want = strings.Repeat("x", t.features.MaxMessageBytes+1), port.ErrTooLarge
	}
	err := b.Send(t.Context(), []port.Message{
		message(bad), message("one"), message("two"), message(bad), message("four"), message(bad),
	})
	for i := range 6 {
		if i == 0 || i == 3 || i == 5 {
			require.ErrorIs(t, port.ItemError(err, i), want, "item %d", i)
		} else {
			require.NoError(t, port.ItemError(err, i), "item %d", i)
		}
	}
	require.ElementsMatch(t, []string{"one", "two", "four"}, bodies(t.all(b, 3, t.slack())))
}

// refusedAlone sends m between two good messages, and alone: it is refused with
// want and never arrives, the others do.
func (t *brokerTest) refusedAlone(m port.Message, want error) {
	t.Helper()
	b := t.broker(BrokerOptions{Lease: longLease})
	err := b.Send(t.Context(), []port.Message{message("before"), m, message("after")})
	require.NoError(t, port.ItemError(err, 0), "the message before it")
	require.ErrorIs(t, port.ItemError(err, 1), want)
	require.NoError(t, port.ItemError(err, 2), "the message after it")
	require.ErrorIs(t, port.ItemError(b.Send(t.Context(), []port.Message{m}), 0), want, "sent alone")
	require.ElementsMatch(t, []string{"before", "after"}, bodies(t.all(b, 2, t.slack())))
	require.Empty(t, t.poll(b, 1, defaultPollWait), "a refused message arrived")
}

func sendBlocks(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease, Capacity: 2})
	t.send(b, message("one"), message("two"))
	done := make(chan error, 1)
	go func() { done <- b.Send(t.Context(), []port.Message{message("three")}) }()
	select {
	case err := <-done:
		t.Fatalf("Send to a full broker returned %v", err)
	case <-time.After(time.Second):
	}
	t.now(b)
	select {
	case err := <-done:
		require.NoError(t, err, "Send when there is room again")
	case <-time.After(t.slack()):
		t.Fatal("Send still blocks though there is room")
	}
	require.ElementsMatch(t, []string{"two", "three"}, bodies(t.all(b, 2, t.slack())))
}

func blockedSendEnds(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease, Capacity: 2})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := b.Send(ctx, []port.Message{message("one"), message("two"), message("three"), message("four")})
	require.NoError(t, port.ItemError(err, 0), "there was room for it")
	require.NoError(t, port.ItemError(err, 1), "there was room for it")
	for i := 2; i < 4; i++ {
		require.ErrorIs(t, port.ItemError(err, i), port.ErrUnavailable, "item %d was surely not sent", i)
		require.ErrorIs(t, port.ItemError(err, i), context.DeadlineExceeded, "item %d", i)
	}
	require.ElementsMatch(t, []string{"one", "two"}, bodies(t.all(b, 2, t.slack())))
	require.Empty(t, t.poll(b, 1, defaultPollWait), "a message came that was not sent")
}
