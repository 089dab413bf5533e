package memory

// slabSize is how many values are allocated together.
const slabSize = 32

// slab allocates values that live about equally long, many at a time: so each costs a
// part of an allocation, and the garbage collector finds them side by side. A slab is
// kept as long as one of its values is.
type slab[T any] struct{ left []T }

func (s *slab[T]) one() *T {
	if len(s.left) == 0 {
		s.left = make([]T, slabSize)
	}
	v := &s.left[0]
	s.left = s.left[1:]
	return v
}
