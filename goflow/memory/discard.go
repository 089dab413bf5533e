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
		ids = append(ids, it.msg.ID)
		q.drop(it)
	}
	for w, ok := q.ready.pop(); ok; w, ok = q.ready.pop() {
		if w.item == nil {
			ids = append(ids, w.id)
			continue
		}
		discard(w.item)
	}
	for len(q.scheduled) > 0 {
		it := q.scheduled[0]
		q.scheduled.remove(it)
		if it.where == leased {
			q.leased.Add(-1)
		}
		discard(it)
	}
	q.delayed = 0
	q.senders.wakeAll()
	q.releaseReceivers()
	return ids
}
