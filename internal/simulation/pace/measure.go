package pace

import (
	"testing"
	"time"

	"github.com/jamesTait-jt/goflow/internal/figures"
)

// Measure runs every scenario, with so manieth of its tasks. Only one can run at a
// time in a process, since all chance in the core comes from one source.
func Measure(t *testing.T, share int) (l figures.List) {
	t.Helper()
	l = append(l, consume(t, 16_000/share)...)
	l = append(l, push(t, 10_000/share)...)
	l = append(l, saturate(t, 10_000/share)...)
	l = append(l, oneAtATime(t, 200/share)...)
	l = append(l, under(t, lowLoad, 600/share, 100*time.Millisecond)...)
	l = append(l, under(t, highLoad, 5_000/share, time.Millisecond)...)
	return append(l, idleFor(t)...)
}
