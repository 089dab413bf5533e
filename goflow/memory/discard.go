package memory

// Discard empties the broker of what nobody works on, and returns the IDs of
// those messages: what is waiting, delayed, or under a lease that was given an
// end by Extend, which is how a retry waits. What else is leased is not touched.
func (b *LocalBroker) Discard() []string {
	q := b.q
	q.mu.Lock()
	defer q.mu.Unlock()
	var ids []string
	discard := func(it *item) {
		it.where = gone
		ids = append(ids, it.msg.ID)
	}
	for it, ok := q.ready.pop(); ok; it, ok = q.ready.pop() {
		discard(it)
	}
	for len(q.scheduled) > 0 {
		it := q.scheduled[0]
		q.scheduled.remove(it)
		if it.where == leased {
			q.leased--
		}
		discard(it)
	}
	q.delayed = 0
	q.senders.wakeAll()
	q.releaseReceivers()
	return ids
}
