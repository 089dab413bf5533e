// Package store has the in-memory key-value store that local mode keeps its
// handlers in, and that a program can keep results in. It imports nothing of
// GoFlow.
package store

import "sync"

// InMemoryKVStore is a map that is safe for concurrent use. It never forgets a
// key. Make one with NewInMemoryKVStore.
type InMemoryKVStore[K comparable, V any] struct {
	mu     sync.RWMutex
	values map[K]V
}

// NewInMemoryKVStore returns an empty store.
func NewInMemoryKVStore[K comparable, V any]() *InMemoryKVStore[K, V] {
	return &InMemoryKVStore[K, V]{values: map[K]V{}}
}

// Put stores v under k and replaces what was there.
func (s *InMemoryKVStore[K, V]) Put(k K, v V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[k] = v
}

// Get returns the value stored under k, and whether there is one.
func (s *InMemoryKVStore[K, V]) Get(k K) (V, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.values[k]
	return v, ok
}
