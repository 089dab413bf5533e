package memory

import (
	"fmt"
	"strconv"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// check says what the table of Store would refuse in a record.
func (s *Store) check(r *port.Record) error {
	switch {
	case !isUUID(r.ID):
		return fmt.Errorf("ID %q is not a UUID: %w", r.ID, port.ErrInvalid)
	case r.Value != nil:
		return fmt.Errorf("a Value towards a store that keeps bytes: %w", port.ErrInvalid)
	}
	if n := recordBytes(r); n > s.maxBytes {
		return fmt.Errorf("a record of %d bytes, want at most %d: %w", n, s.maxBytes, port.ErrTooLarge)
	}
	return checkState(r)
}

// checkState says what no store can keep.
func checkState(r *port.Record) error {
	switch {
	case r.State == task.Unknown || r.State > task.Expired:
		return fmt.Errorf("state %v: %w", r.State, port.ErrInvalid)
	case r.Generation < 1:
		return fmt.Errorf("generation %d: %w", r.Generation, port.ErrInvalid)
	case r.Attempts < 0 || r.GiveBacks < 0 || r.Starts < 0:
		return fmt.Errorf("a count below 0: %w", port.ErrInvalid)
	}
	return nil
}

// checkClaim says which claim means nothing.
func checkClaim(c *port.Claim) error {
	switch {
	case c.Generation < 1:
		return fmt.Errorf("generation %d: %w", c.Generation, port.ErrInvalid)
	case c.Token == "" && c.Epoch == 0:
		return fmt.Errorf("no token: %w", port.ErrInvalid)
	case c.For <= 0:
		return fmt.Errorf("a claim for %v: %w", c.For, port.ErrInvalid)
	}
	return nil
}

// recordBytes is what DynamoDB counts: one byte for each attribute's name (two
// for the key's), the bytes of texts and binaries, and for a number one byte
// and one for every two digits. A zero attribute is left out.
func recordBytes(r *port.Record) int {
	n := len("id") + 16
	for _, blob := range []int{len(r.Result), len(r.Error), len(r.Reason), len(r.Hash), len(r.Token)} {
		if blob > 0 {
			n += 1 + blob
		}
	}
	expires := r.Expires.Unix()
	if r.Expires.IsZero() {
		expires = 0
	}
	for _, number := range []int64{
		int64(r.State), int64(r.Generation), int64(r.Attempts), int64(r.GiveBacks), int64(r.Starts),
		int64(r.Epoch), expires, //nolint:gosec // an epoch counts claims
	} {
		if number != 0 {
			n += 2 + (len(strconv.FormatInt(number, 10))+1)/2
		}
	}
	return n
}
