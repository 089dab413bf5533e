package cloud

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Fault is something that goes wrong in the cloud.
type Fault string

// The faults. A seed has some of them, each as often as it draws.
const (
	Refused     Fault = "refused"      // the request never arrived
	LostAnswer  Fault = "lost answer"  // it took effect, and nobody was told
	Throttled   Fault = "throttled"    // the service was too busy
	ServerError Fault = "server error" // 500, with or without effect
	Outage      Fault = "outage"       // nothing of a service works for seconds
	Slow        Fault = "slow"         // the request or its answer takes seconds
	ItemFailed  Fault = "item failed"  // one of a batch, the others not
	ItemBusy    Fault = "item throttled"
	Duplicate   Fault = "duplicate"       // delivered although it is leased
	Ghost       Fault = "ghost"           // delivered after its delete
	Late        Fault = "late visibility" // comes later than it could
	Stale       Fault = "stale read"
	LeftOut     Fault = "unprocessed keys"
	CrashBefore Fault = "crash before call"
	CrashAfter  Fault = "crash after call"
	CrashRun    Fault = "crash in a run"
	Pause       Fault = "pause" // a process stands still, and does not know it
	Stall       Fault = "stall" // the same, between an answer and what is made of it
)

// Faults are all there are.
func Faults() []Fault {
	return []Fault{
		Refused, LostAnswer, Throttled, ServerError, Outage, Slow, ItemFailed, ItemBusy, Duplicate, Ghost, Late, Stale, LeftOut,
		CrashBefore, CrashAfter, CrashRun, Pause, Stall,
	}
}

// usual is how often a fault comes, by chance, where a seed has it at its usual
// strength: per call, item, message, run or process and second, as it may be.
func (f Fault) usual() float64 {
	switch f {
	case Slow, CrashBefore, CrashAfter, Stall:
		return 0.004
	case CrashRun:
		return 0.02
	case Refused, LostAnswer, Throttled, ServerError:
		return 0.03
	case ItemFailed, ItemBusy, LeftOut, Stale, Late:
		return 0.05
	case Outage, Pause, Duplicate:
		return 0.01
	default:
		return 0.04
	}
}

// Weather is which faults there are, and how many came.
type Weather struct {
	calm    time.Time // no fault comes from then on
	chances map[Fault]float64
	outages []outage
	longest time.Duration // that a request or an answer is usually on its way, while the storm lasts

	mu     sync.Mutex
	counts map[Fault]int
}

// outage is one of a service.
type outage struct {
	queues      bool // else the table
	from, until time.Time
}

// NewWeather draws the weather of a storm that lasts so long; without are faults
// that it shall not have.
func NewWeather(r *rand.Rand, storm time.Duration, without []Fault) *Weather {
	now := time.Now()
	w := &Weather{calm: now.Add(storm), chances: map[Fault]float64{}, counts: map[Fault]int{}}
	for _, f := range Faults() {
		strength := []float64{0, 0.3, 1, 1, 3}[r.IntN(5)] // a storm of everything at once hides what a few do
		if !slices.Contains(without, f) {
			w.chances[f] = f.usual() * strength
		}
	}
	for at := time.Duration(0); at < storm; at += time.Second {
		hit, queues, length := chance(r, w.chances[Outage]), chance(r, .5), between(r, time.Second, 15*time.Second)
		if hit {
			w.outages = append(w.outages, outage{queues: queues, from: now.Add(at), until: now.Add(min(at+length, storm))})
		}
	}
	// What happens within milliseconds of each other is rare. In some seeds all takes its time.
	w.longest = []time.Duration{usual, usual, usual, 30 * usual, longest}[r.IntN(5)]
	return w
}

// way is how long a request or an answer is usually on its way, at the most.
func (w *Weather) way() time.Duration {
	if time.Now().Before(w.calm) {
		return max(w.longest, usual)
	}
	return usual
}

// Strikes draws whether a fault comes now, and counts it.
func (w *Weather) Strikes(r *rand.Rand, f Fault) bool {
	hit := chance(r, w.chances[f]) // drawn in any weather, so that what follows stays the same
	if !hit || !time.Now().Before(w.calm) {
		return false
	}
	w.count(f)
	return true
}

func (w *Weather) count(f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[f]++
}

// out tells whether a service is down.
func (w *Weather) out(queues bool) bool {
	now := time.Now()
	for _, o := range w.outages {
		if o.queues == queues && !now.Before(o.from) && now.Before(o.until) {
			w.count(Outage)
			return true
		}
	}
	return false
}

// Counts are how many of each fault came.
func (w *Weather) Counts() map[Fault]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts
}
