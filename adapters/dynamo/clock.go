package dynamo

import (
	"context"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

const (
	// dateFraction is half of what a Date header cuts off.
	dateFraction = 500 * time.Millisecond
	// smallSkew is what a Date header of whole seconds cannot tell from none.
	smallSkew = time.Second
	// lateAnswer is how long a call may take whose answer still tells the time.
	lateAnswer = time.Second
	// clockReads is how many reads a claim makes at the most to learn the time.
	clockReads = 3
)

// learnSkew keeps by how much the service's clock is ahead, as its last answer
// showed: that to a call that began at start. An answer that was long on its way,
// or that this process read late because it was stopped for a while, has an old
// date: by such a clock a claim would end before it began.
func (s *Store) learnSkew(meta middleware.Metadata, start time.Time) {
	measured, ok := awsmiddleware.GetAttemptSkew(meta)
	took := time.Since(start)
	switch {
	case !ok:
	case took > lateAnswer:
		s.clock.CompareAndSwap(clockUnseen, clockUnknown)
	default:
		s.skew.Store(int64(correction(measured + took/2)))
		s.clock.Store(clockKnown)
	}
}

// What a Store knows of the service's clock.
const (
	clockUnseen  int32 = iota // no answer has told of one
	clockUnknown              // all that did were late
	clockKnown
)

// learnTime reads a row that there is not, until the clock is known where only
// late answers have told of it. A claim by our own clock, which may be minutes
// wrong, could be taken over at once.
func (s *Store) learnTime(ctx context.Context) error {
	for try := 0; s.clock.Load() == clockUnknown; try++ {
		if try == clockReads {
			return s.refused(opClaim, port.ErrUnavailable, "its answers take more than a second, so its clock is unknown; try again")
		}
		if _, err := s.read(ctx, []item{{"id": key{}.value()}}, false, func(item) {}); err != nil {
			return err
		}
	}
	return nil
}

// correction is the skew that a Date header shows, whose fraction of a second
// was cut off.
func correction(measured time.Duration) time.Duration {
	if d := measured + dateFraction; d.Abs() > smallSkew {
		return d
	}
	return 0
}

// now is this process's clock, corrected by the service's.
func (s *Store) now() time.Time { return time.Now().Add(time.Duration(s.skew.Load())) }
