package goflowtest

import (
	"time"

	"github.com/stretchr/testify/require"
)

func moveCases(f BrokerFeatures) []brokerCase {
	return []brokerCase{
		{"TooManyReceivesMoveToTheDeadLetters", f.EnforcesMaxReceives, receivesMove},
		{"AckOnTheLastReceiveMovesNothing", f.EnforcesMaxReceives, ackOnLastReceive},
		{"WithoutMaxReceivesNothingMoves", true, nothingMoves},
		{"OldMessagesAreGone", f.EnforcesRetention, oldAreGone},
	}
}

func receivesMove(t *brokerTest) {
	dead := t.broker(BrokerOptions{Lease: longLease})
	b := t.broker(BrokerOptions{Lease: longLease, MaxReceives: 2, DeadLetter: dead})
	m := message("poison")
	m.Attributes = map[string]string{"note": "kept"}
	t.send(b, m)
	first := t.now(b)
	require.NoError(t, t.extend(b, first, 0))
	second := t.now(b)
	require.Equal(t, 2, second.Receives)
	require.Empty(t, t.poll(dead, 1, defaultPollWait), "moved while it was leased")
	time.Sleep(time.Second) // so that SentAt tells the two queues apart
	require.NoError(t, t.extend(b, second, 0))
	t.none(b)
	moved := t.now(dead)
	require.Equal(t, "poison", string(moved.Body))
	require.Equal(t, m.Attributes, moved.Attributes)
	require.Equal(t, []bool{false, true}, []bool{second.Moved, moved.Moved}, "Moved, before and after")
	if t.features.DeadLettersKeepSentAt {
		require.True(t, moved.SentAt.Equal(first.SentAt), "SentAt changed from %v to %v", first.SentAt, moved.SentAt)
	}
	t.ack(dead, moved)
	t.send(dead, m)
	sent := t.now(dead)
	require.False(t, sent.Moved, "it was sent, as by a worker")
	t.ack(dead, sent)
	t.none(dead)
}

func ackOnLastReceive(t *brokerTest) {
	dead := t.broker(BrokerOptions{})
	b := t.broker(BrokerOptions{MaxReceives: 1, DeadLetter: dead})
	t.sendOne(b, "just in time")
	t.ack(b, t.now(b))
	t.none(b)
	require.Empty(t, t.poll(dead, 1, defaultPollWait), "an acked message is no dead letter")
}

func nothingMoves(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	t.sendOne(b, "patient")
	for range 8 {
		require.NoError(t, t.extend(b, t.now(b), 0))
	}
	t.ack(b, t.now(b))
}

func oldAreGone(t *brokerTest) {
	const retention = time.Minute // the least that some allow
	b := t.broker(BrokerOptions{Lease: longLease, Retention: retention})
	t.sendOne(b, "old")
	time.Sleep(retention - 20*time.Second)
	t.sendOne(b, "young")
	time.Sleep(20*time.Second + t.slack())
	require.Equal(t, []string{"young"}, bodies(t.poll(b, 2, t.slack())))
}
