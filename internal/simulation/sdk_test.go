package simulation_test

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation"
	"github.com/jamesTait-jt/goflow/internal/simulation/wire"
)

// overWire is what TestReplay is told after -args where a seed was one of
// TestSeedsOverTheSDK.
var overWire = flag.Bool("wire", false, "whether TestReplay has the SDK's real clients")

// fewSDKSeeds are fewer than fewSeeds: each takes longer.
const fewSDKSeeds = 12

// TestSeedsOverTheSDK is TestSeeds with the SDK's real clients.
func TestSeedsOverTheSDK(t *testing.T) {
	report := simulation.NewReport()
	began := time.Now()
	for n := uint64(0); *budget == 0 && n < fewSDKSeeds || time.Since(began) < *budget; n++ {
		c := simulation.Config{Seed: *seed + n**stride, Wire: true}
		if !t.Run(strconv.FormatUint(c.Seed, 10), func(t *testing.T) { one(t, c, report) }) {
			break
		}
	}
	report.Print(t.Output(), time.Since(began))
	if *reportFile == "" {
		return
	}
	data, err := json.Marshal(report)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(*reportFile, data, 0o600))
}

// TestSameSeedSameHistoryOverTheSDK is TestSameSeedSameHistory with the SDK's real
// clients. In these histories the wire does all that it can to a request.
func TestSameSeedSameHistoryOverTheSDK(t *testing.T) {
	var all []string
	for seed := range uint64(20) {
		first, again := sdkLines(t, seed), sdkLines(t, seed)
		require.GreaterOrEqual(t, len(first), fewestEvents, "events of seed %d", seed)
		for i := range min(len(first), len(again)) {
			require.Equal(t, first[i], again[i], "event %d of seed %d", i, seed)
		}
		require.Len(t, again, len(first), "events of seed %d", seed)
		all = append(all, first...)
	}
	text := strings.Join(all, "\n")
	for _, kind := range wire.Kinds() {
		require.Contains(t, text, ": "+string(kind)+" ")
	}
	_, _ = fmt.Fprintf(os.Stdout, "histories over the SDK: %x\n", sha256.Sum256([]byte(text))) // what is missing is noticed by who compares
}

func sdkLines(t *testing.T, seed uint64) (all []string) {
	t.Helper()
	o := simulation.Run(t, simulation.Config{Seed: seed, Wire: true})
	for i := range o.Events {
		all = append(all, o.Events[i].String())
	}
	return all
}
