package goflowtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

func receiveCases(f BrokerFeatures) []brokerCase {
	return []brokerCase{
		{"ReceiveReturnsAtMostWhatFits", true, atMostWhatFits},
		{"ReceiveWaitsForAMessage", true, receiveWaits},
		{"EmptyReceiveEndsWithThePollWait", f.PollWaits, pollWaitEnds},
		{"ReceiveReturnsWhenContextEnds", true, receiveEndsWithContext},
		{"EndedReceiveStrandsNoMessage", true, endedReceiveStrandsNothing},
		{"ReceiveCountsRise", true, receiveCountsRise},
		{"SentAtAndFirstReceivedAtAreTheBrokersAndStay", true, timesStay},
		{"LeaseEndIsOnTheSafeSide", true, leaseEndIsSafe},
		{"ConcurrentReceiversShareTheMessages", true, receiversShare},
		{"PowersAreAsPromised", true, brokerPowers},
		{"LimitsAreTheBrokers", f.Limiter, limitsAreTrue},
		{"SizeCountsEachMessageOnce", f.Sizer, sizeCounts},
		{"CheckOfAWorkingBrokerIsNil", f.Checker, checkBroker},
	}
}

func atMostWhatFits(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	for i := range 5 {
		t.sendOne(b, fmt.Sprint(i))
	}
	seen := map[string]bool{}
	for len(seen) < 5 {
		into := make([]port.Delivery, 3)
		n, err := b.Receive(t.Context(), into[:2])
		require.NoError(t, err)
		require.LessOrEqual(t, n, 2)
		require.Positive(t, n, "%d of 5 messages came, then none", len(seen))
		require.Zero(t, into[2], "Receive wrote beyond what it was given")
		for _, d := range into[:n] {
			require.False(t, seen[string(d.Body)], "message %s came twice", d.Body)
			seen[string(d.Body)] = true
		}
	}
}

// received is what one call of Receive returned.
type received struct {
	ds  []port.Delivery
	err error
	at  time.Time
}

// receiving starts a Receive of one message and returns where its answer goes.
func (t *brokerTest) receiving(ctx context.Context, b port.Broker) <-chan received {
	answer := make(chan received, 1)
	go func() {
		into := make([]port.Delivery, 1)
		n, err := b.Receive(ctx, into)
		answer <- received{into[:n], err, time.Now()}
	}()
	return answer
}

func receiveWaits(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: 10 * time.Second, PollWait: 5 * time.Second})
	answer := t.receiving(t.Context(), b)
	time.Sleep(time.Second)
	t.sendOne(b, "awaited")
	sent := time.Now()
	got := <-answer
	require.NoError(t, got.err)
	require.Equal(t, []string{"awaited"}, bodies(got.ds), "Receive gave up before its poll wait was over")
	require.Less(t, got.at.Sub(sent), time.Second+t.features.Slack, "Receive woke up late")
}

func pollWaitEnds(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: 10 * time.Second, PollWait: 2 * time.Second})
	start := time.Now()
	n, err := b.Receive(t.Context(), make([]port.Delivery, 1))
	require.NoError(t, err)
	require.Zero(t, n)
	took := time.Since(start)
	require.GreaterOrEqual(t, took, time.Second, "Receive hardly waited")
	require.LessOrEqual(t, took, 3*time.Second+t.features.Slack)
}

func receiveEndsWithContext(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	answer := t.receiving(ctx, b)
	time.Sleep(defaultPollWait / 4)
	cancel()
	ended := time.Now()
	got := <-answer
	require.Empty(t, got.ds)
	if got.err != nil {
		require.ErrorIs(t, got.err, context.Canceled)
	}
	require.LessOrEqual(t, got.at.Sub(ended), defaultPollWait+t.features.Slack)
	again := <-t.receiving(ctx, b)
	require.Empty(t, again.ds, "with a context that had ended before")
	t.sendOne(b, "after")
	d := t.now(b)
	require.Equal(t, 1, d.Receives, "the ended Receive took the message first")
}

// endedReceiveStrandsNothing sends at the moment at which a Receive is told to
// end: either that one returns the message, or the next does at once.
func endedReceiveStrandsNothing(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	ctx, cancel := context.WithCancel(t.Context())
	answer := t.receiving(ctx, b)
	time.Sleep(defaultPollWait / 4)
	cancel()
	t.sendOne(b, "not stranded")
	got := <-answer
	ds := append(got.ds, t.poll(b, 1-len(got.ds), t.slack())...)
	require.Equal(t, []string{"not stranded"}, bodies(ds), "the message is leased to nobody")
}

func receiveCountsRise(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	t.sendOne(b, "again and again")
	for want := 1; want <= 4; want++ {
		d := t.now(b)
		require.Equal(t, want, d.Receives)
		require.NoError(t, t.extend(b, d, 0))
	}
}

func timesStay(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	const grain = time.Second // clocks of two machines, and whole milliseconds
	before := time.Now()
	t.sendOne(b, "when")
	after := time.Now()
	time.Sleep(2 * time.Second)
	first := t.now(b)
	received := time.Now()
	require.WithinRange(t, first.SentAt, before.Add(-grain), after.Add(grain), "SentAt")
	require.WithinRange(t, first.FirstReceivedAt, after.Add(2*time.Second-grain), received.Add(grain), "FirstReceivedAt")
	require.NoError(t, t.extend(b, first, 0))
	time.Sleep(2 * time.Second)
	second := t.now(b)
	require.True(t, second.SentAt.Equal(first.SentAt), "SentAt changed from %v to %v", first.SentAt, second.SentAt)
	require.True(t, second.FirstReceivedAt.Equal(first.FirstReceivedAt), "FirstReceivedAt changed from %v to %v",
		first.FirstReceivedAt, second.FirstReceivedAt)
}

func leaseEndIsSafe(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	t.sendOne(b, "leased")
	d := t.now(b)
	if !t.features.LeasesEnd {
		require.Zero(t, d.LeaseEnd, "leases that never end have no end")
		return
	}
	left := time.Until(d.LeaseEnd)
	require.LessOrEqual(t, left, longLease)
	require.Greater(t, left, longLease-t.slack())
}

// receiversShare lets four receivers ack thirty messages: every message comes,
// to one of them only.
func receiversShare(t *brokerTest) {
	const messages, receivers = 30, 4
	b := t.broker(BrokerOptions{Lease: longLease})
	for i := range messages {
		t.sendOne(b, fmt.Sprint(i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*t.slack())
	defer cancel()
	seen := &tally{want: messages, full: cancel, times: map[string]int{}}
	var group sync.WaitGroup
	for range receivers {
		group.Go(func() {
			into := make([]port.Delivery, 3)
			for ctx.Err() == nil {
				n, _ := b.Receive(ctx, into)
				seen.add(into[:n])
				if n > 0 && b.Ack(context.WithoutCancel(ctx), into[:n]) != nil {
					t.Error("Ack failed")
				}
			}
		})
	}
	group.Wait()
	require.Len(t, seen.times, messages, "every message came")
	for body, n := range seen.times {
		require.Equal(t, 1, n, "message %s had two leases at once", body)
	}
}

// tally counts how often each body came, and calls full when it has seen want
// of them.
type tally struct {
	want int
	full func()

	mu    sync.Mutex
	times map[string]int
}

func (c *tally) add(ds []port.Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range ds {
		c.times[string(d.Body)]++
	}
	if len(c.times) == c.want {
		c.full()
	}
}

func brokerPowers(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	_, inProcess := b.(port.InProcess)
	_, limiter := b.(port.Limiter)
	_, orders := b.(port.Orderer)
	_, sizer := b.(port.Sizer)
	_, checker := b.(port.Checker)
	require.Equal(t, t.features.InProcess, inProcess, "port.InProcess")
	require.Equal(t, t.features.Limiter, limiter, "port.Limiter")
	require.Equal(t, t.features.Orderer, orders, "port.Orderer")
	require.Equal(t, t.features.Sizer, sizer, "port.Sizer")
	require.Equal(t, t.features.Checker, checker, "port.Checker")
}

func limitsAreTrue(t *brokerTest) {
	opts := BrokerOptions{Lease: 7 * time.Second, PollWait: 3 * time.Second}
	if t.features.EnforcesMaxReceives {
		opts.MaxReceives, opts.DeadLetter = 9, t.broker(BrokerOptions{})
	}
	if t.features.EnforcesRetention {
		opts.Retention = time.Hour
	}
	limiter, ok := t.broker(opts).(port.Limiter)
	require.True(t, ok, "the broker is a port.Limiter")
	got, err := limiter.Limits(t.Context())
	require.NoError(t, err)
	want := port.Limits{
		MaxMessageBytes: t.features.MaxMessageBytes,
		MaxDelay:        t.features.MaxDelay,
		MaxReceives:     opts.MaxReceives,
		Retention:       opts.Retention,
	}
	if t.features.LeasesEnd {
		want.Lease = opts.Lease
	}
	if t.features.PollWaits {
		want.PollWait = opts.PollWait
	}
	if !t.features.EnforcesRetention {
		got.Retention = 0 // the broker's own
	}
	require.Equal(t, want, got)
}

func sizeCounts(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	sizer, ok := b.(port.Sizer)
	require.True(t, ok, "the broker is a port.Sizer")
	t.hasSize(sizer, port.Size{})
	delayed := message("delayed")
	delayed.Delay = time.Minute
	t.send(b, message("a"), message("b"), message("c"), delayed)
	d := t.now(b)
	t.hasSize(sizer, port.Size{Waiting: 2, Leased: 1, Delayed: 1})
	t.ack(b, d)
	t.hasSize(sizer, port.Size{Waiting: 2, Delayed: 1})
	require.NoError(t, t.extend(b, t.now(b), 0))
	t.hasSize(sizer, port.Size{Waiting: 2, Delayed: 1})
}

// hasSize waits a little: a size is an estimate.
func (t *brokerTest) hasSize(s port.Sizer, want port.Size) {
	t.Helper()
	var got port.Size
	for deadline := time.Now().Add(t.slack()); ; time.Sleep(100 * time.Millisecond) {
		var err error
		got, err = s.Size(t.Context())
		require.NoError(t, err)
		if got == want || time.Now().After(deadline) {
			break
		}
	}
	require.Equal(t, want, got)
}

func checkBroker(t *brokerTest) {
	checker, ok := t.broker(BrokerOptions{}).(port.Checker)
	require.True(t, ok, "the broker is a port.Checker")
	require.NoError(t, checker.Check(t.Context()))
}
