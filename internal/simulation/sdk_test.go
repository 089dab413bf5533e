package simulation_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation"
	"github.com/jamesTait-jt/goflow/internal/simulation/wire"
)

// overWire is what TestReplay is told after -args where a seed was one of
// TestSeedsOverTheSDK.
var overWire = flag.Bool("wire", false, "whether TestReplay has the SDK's real clients")

// Over the SDK fewer seeds are simulated: each takes six times as long.
const (
	sdkShare     = 5
	sameSDKShare = 10
)

// TestSeedsOverTheSDK is TestSeeds with the SDK's real clients.
func TestSeedsOverTheSDK(t *testing.T) { //nolint:paralleltest // all chance comes from one source
	simulate(t, simulation.Config{Wire: true}, *leastSeeds/sdkShare/raceShare)
}

// TestSameSeedSameHistoryOverTheSDK is TestSameSeedSameHistory with the SDK's real
// clients. In these histories the wire does all that it can to a request.
func TestSameSeedSameHistoryOverTheSDK(t *testing.T) { //nolint:paralleltest // all chance comes from one source
	text := twice(t, simulation.Config{Wire: true}, max(*sameSeeds/sameSDKShare, 10))
	for _, kind := range wire.Kinds() {
		require.Contains(t, text, ": "+string(kind)+" ")
	}
	_, _ = fmt.Fprintf(os.Stdout, "histories over the SDK: %x\n", sha256.Sum256([]byte(text))) // what is missing is noticed by who compares
}
