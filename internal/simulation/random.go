package simulation

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"math/bits"
	"sync"
	"time"
)

// seeded is where the core's chance comes from in a simulation. What it gives
// depends on the seed and the instant, and not on who else has asked: goroutines
// that ask at one instant get the same, whatever order they come in. IDs alone have
// to differ, so they are counted; who makes several at an instant makes them in turn.
type seeded struct {
	seed uint64

	mu    sync.Mutex
	at    int64
	count uint64 // of IDs made at that instant
}

// idBytes is how much of a UUIDv7 is random.
const idBytes = 10

// Read fills b.
func (s *seeded) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().UnixNano()
	if now != s.at {
		s.at, s.count = now, 0
	}
	if len(b) == idBytes {
		s.count++
	}
	state := mix(mix(s.seed^uint64(now)) + s.count + uint64(len(b))<<32)
	var word [8]byte
	for n := 0; n < len(b); n += len(word) {
		state = mix(state)
		binary.BigEndian.PutUint64(word[:], state)
		copy(b[n:], word[:])
	}
	return len(b), nil
}

// mix is a step of a generator whose bits look random.
func mix(x uint64) uint64 {
	hi, lo := bits.Mul64(x^0x9e3779b97f4a7c15, 0xd1342543de82ef95)
	return hi ^ lo + 0x2545f4914f6cdd1d
}

// SeedRandom makes all that is drawn from crypto/rand follow from a seed, until
// the function that it returns is called.
func SeedRandom(seed uint64) (restore func()) {
	var before io.Reader
	before, rand.Reader = rand.Reader, &seeded{seed: seed}
	return func() { rand.Reader = before }
}
