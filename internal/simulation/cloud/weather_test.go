package cloud_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

func drawn(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// TestWeather: over some seeds every fault comes, in a storm and not after it, and
// none that was left out.
func TestWeather(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		came := map[cloud.Fault]bool{}
		for seed := range uint64(20) {
			all, none := cloud.NewWeather(drawn(seed), time.Minute, nil), cloud.NewWeather(drawn(seed), time.Minute, cloud.Faults())
			strike(drawn(seed), all)
			strike(drawn(seed), none)
			require.Empty(t, none.Counts())
			for f := range all.Counts() {
				came[f] = true
			}
			time.Sleep(time.Minute)
			before := total(all)
			strike(drawn(seed), all)
			require.Equal(t, before, total(all), "after the storm")
		}
		for _, f := range cloud.Faults() {
			require.True(t, came[f], f)
		}
	})
}

func strike(r *rand.Rand, w *cloud.Weather) {
	for range 200 {
		for _, f := range cloud.Faults() {
			w.Strikes(r, f)
		}
	}
}

func total(w *cloud.Weather) (n int) {
	for _, count := range w.Counts() {
		n += count
	}
	return n
}

// TestOutages: for seconds, and then again not, all calls to one service fail, and
// those to the other do not.
func TestOutages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var others []cloud.Fault
		for _, f := range cloud.Faults() {
			if f != cloud.Outage {
				others = append(others, f)
			}
		}
		var w *cloud.Weather
		down := map[[2]bool]int{} // by whether queue and table answer
		for seed := range uint64(30) {
			w = cloud.NewWeather(drawn(seed), time.Minute, others)
			c := cloud.New(seed, history.NewLog(), w)
			c.AddQueue(url, 3, 10, letters)
			s := &sky{T: t, cloud: c, p: c.Start("process", true)}
			for begin := time.Now(); time.Since(begin) < 2*time.Minute; time.Sleep(time.Second) {
				_, err := s.write(t.Context(), insert(time.Now().String()))
				answers := [2]bool{s.send(0) == nil, err == nil}
				down[answers]++
				if time.Since(begin) > time.Minute+10*time.Second { // all tries of a call came after the storm
					require.Equal(t, [2]bool{true, true}, answers)
				}
			}
			c.End()
			c.Wait()
		}
		require.Positive(t, down[[2]bool{false, true}], "the queue was down")
		require.Positive(t, down[[2]bool{true, false}], "the table was down")
		require.Greater(t, down[[2]bool{true, true}], 1000)
	})
}
