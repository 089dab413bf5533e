package memory

// ring is a first-in first-out queue that reuses its space.
type ring[T comparable] struct {
	buf  []T // the length is a power of two, or 0
	head int
	n    int
}

// spare is how many places an empty ring may keep.
const spare = 4096

func (r *ring[T]) push(v T) {
	if r.n == len(r.buf) {
		r.grow()
	}
	r.buf[(r.head+r.n)&(len(r.buf)-1)] = v
	r.n++
}

func (r *ring[T]) grow() {
	buf := make([]T, max(8, 2*len(r.buf)))
	n := copy(buf, r.buf[r.head:])
	copy(buf[n:], r.buf[:r.head])
	r.buf, r.head = buf, 0
}

// peek returns the oldest and leaves it there.
func (r *ring[T]) peek() (v T, ok bool) {
	if r.n == 0 {
		return v, false
	}
	return r.buf[r.head], true
}

// pop returns the oldest, or false when there is none.
func (r *ring[T]) pop() (v T, ok bool) {
	if r.n == 0 {
		return v, false
	}
	var zero T
	v, r.buf[r.head] = r.buf[r.head], zero
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.n--
	if r.n == 0 && len(r.buf) > spare {
		*r = ring[T]{}
	}
	return v, true
}

// remove takes v out, wherever it is, and reports whether it was there.
func (r *ring[T]) remove(v T) bool {
	found := false
	for range r.n {
		if x, _ := r.pop(); x == v {
			found = true
		} else {
			r.push(x)
		}
	}
	return found
}
