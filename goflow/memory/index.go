package memory

import "hash/maphash"

// index finds entries by their IDs. A map of pointers would do the same; but it is searched twice to add an entry, and
// the garbage collector follows each of its pointers to an entry of its own: with all
// results kept, that was half of what a task of local mode costs.
type index struct {
	n      int // entries
	seed   maphash.Seed
	cells  []uint64 // open addressing: half of the ID's hash, then 1 + the entry's place; 0: free
	chunks [][]entry
	unused []uint32 // places of chunks
}

const (
	chunkBits = 8
	chunkSize = 1 << chunkBits
	halfHash  = 32
)

func newIndex() index {
	return index{seed: maphash.MakeSeed(), cells: make([]uint64, 64)}
}

func (x *index) at(place uint32) *entry { return &x.chunks[place>>chunkBits][place&(chunkSize-1)] }

// search returns the cell of an ID, or the free one where it belongs.
func (x *index) search(id string, hash uint32) (cell int, found bool) {
	mask := len(x.cells) - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		switch c := x.cells[i]; {
		case c == 0:
			return i, false
		case uint32(c>>halfHash) == hash && x.at(uint32(c)-1).id == id: //nolint:gosec // the halves of c
			return i, true
		}
	}
}

func (x *index) hash(id string) uint32 {
	return uint32(maphash.String(x.seed, id) >> halfHash)
}

// find returns nil for an ID without entry.
func (x *index) find(id string) *entry {
	cell, found := x.search(id, x.hash(id))
	if !found {
		return nil
	}
	return x.at(uint32(x.cells[cell]) - 1) //nolint:gosec // the lower half
}

// add returns the place of an ID and whether it is a new one, which the caller fills.
func (x *index) add(id string) (place uint32, isNew bool) {
	hash := x.hash(id)
	cell, found := x.search(id, hash)
	if found {
		return uint32(x.cells[cell]) - 1, false //nolint:gosec // the lower half
	}
	place = x.unusedPlace()
	x.cells[cell] = uint64(hash)<<halfHash | uint64(place+1)
	if x.n++; x.n > len(x.cells)/4*3 {
		x.grow()
	}
	return place, true
}

// unusedPlace returns a place that is not in use.
func (x *index) unusedPlace() uint32 {
	if n := len(x.unused); n > 0 {
		place := x.unused[n-1]
		x.unused = x.unused[:n-1]
		return place
	}
	if x.n == len(x.chunks)*chunkSize {
		x.chunks = append(x.chunks, make([]entry, chunkSize))
	}
	return uint32(x.n) //nolint:gosec // that many don't fit into memory
}

func (x *index) grow() {
	old := x.cells
	x.cells = make([]uint64, 2*len(old))
	mask := len(x.cells) - 1
	for _, c := range old {
		if c == 0 {
			continue
		}
		i := int(c>>halfHash) & mask
		for x.cells[i] != 0 {
			i = (i + 1) & mask
		}
		x.cells[i] = c
	}
}

// places is how many there are, those not in use included.
func (x *index) places() int { return x.n + len(x.unused) }

// drop takes out an entry.
func (x *index) drop(place uint32) {
	e := x.at(place)
	cell, _ := x.search(e.id, x.hash(e.id))
	*e = entry{}
	x.unused = append(x.unused, place)
	x.n--
	x.free(cell)
}

// free empties a cell and moves those behind it up that would not be found otherwise.
func (x *index) free(cell int) {
	mask := len(x.cells) - 1
	for i := (cell + 1) & mask; x.cells[i] != 0; i = (i + 1) & mask {
		home := int(x.cells[i]>>halfHash) & mask
		if (i-home)&mask >= (i-cell)&mask {
			x.cells[cell] = x.cells[i]
			cell = i
		}
	}
	x.cells[cell] = 0
}
