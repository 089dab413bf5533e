package memory

// Discard empties the broker of what is waiting or delayed and returns the IDs
// of those messages. What is leased is not touched.
func (b *LocalBroker) Discard() []string {
	q := b.q
	q.mu.Lock()
	defer q.mu.Unlock()
	var ids []string
	for it, ok := q.ready.pop(); ok; it, ok = q.ready.pop() {
		it.where = gone
		ids = append(ids, it.msg.ID)
	}
	for len(q.scheduled) > 0 {
		it := q.scheduled[0]
		q.scheduled.remove(it)
		it.where = gone
		ids = append(ids, it.msg.ID)
	}
	q.delayed = 0
	q.senders.wakeAll()
	q.releaseReceivers()
	return ids
}
