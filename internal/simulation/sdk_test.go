package simulation_test

import (
	"testing"

	"github.com/jamesTait-jt/goflow/internal/simulation"
)

// fewSDKSeeds are fewer than fewSeeds: each takes longer.
const fewSDKSeeds = 12

// TestSeedsOverTheSDK is TestSeeds with the SDK's real clients.
func TestSeedsOverTheSDK(t *testing.T) { seeds(t, fewSDKSeeds, simulation.Config{Wire: true}) }

// TestSameSeedSameHistoryOverTheSDK is TestSameSeedSameHistory with the SDK's real
// clients.
func TestSameSeedSameHistoryOverTheSDK(t *testing.T) { sameHistories(t, 20, simulation.Config{Wire: true}) }
