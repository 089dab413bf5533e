package memory

// Held returns how many records a store holds, those that are over included.
func Held(s *LocalStore) int { return s.t.entries.n }

// Awaited returns how many tasks somebody waits for.
func Awaited(s *Store) int { return len(s.t.asleep) }
