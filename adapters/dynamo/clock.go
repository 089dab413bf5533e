package dynamo

import (
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

const (
	// dateFraction is half of what a Date header cuts off.
	dateFraction = 500 * time.Millisecond
	// smallSkew is what a Date header of whole seconds cannot tell from none.
	smallSkew = time.Second
	// lateAnswer is how long a call may take whose answer still tells the time.
	lateAnswer = time.Second
)

// learnSkew keeps by how much the service's clock is ahead, as its last answer
// showed: that to a call that began at start. An answer that was long on its way,
// or that this process read late because it was stopped for a while, has an old
// date: by such a clock a claim would end before it began.
func (s *Store) learnSkew(meta middleware.Metadata, start time.Time) {
	measured, ok := awsmiddleware.GetAttemptSkew(meta)
	took := time.Since(start)
	if !ok || took > lateAnswer {
		return
	}
	s.skew.Store(int64(correction(measured + took/2)))
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
