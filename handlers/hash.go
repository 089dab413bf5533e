package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/jamesTait-jt/goflow/goflow"
)

// HashArgs is the payload of Hash.
type HashArgs struct {
	Text string `json:"text"`
	// Rounds is how often the digest is digested again: 1 to 1,000,000; 0
	// means 1.
	Rounds int `json:"rounds,omitempty"`
}

// HashReport is the result of Hash.
type HashReport struct {
	SHA256 string `json:"sha256"` // in hex
	Rounds int    `json:"rounds"`
}

// Hash keeps a processor busy: it digests a text in rounds.
var Hash = goflow.NewJob[HashArgs, HashReport]("sample.hash")

// maxRounds bounds what one task may cost, about a tenth of a second.
const maxRounds = 1_000_000

func hash(ctx context.Context, in HashArgs) (HashReport, error) {
	rounds := max(in.Rounds, 1)
	if in.Rounds < 0 || rounds > maxRounds {
		return HashReport{}, goflow.Permanent(fmt.Errorf("rounds %d: give 1 to %d", in.Rounds, maxRounds))
	}
	sum := sha256.Sum256([]byte(in.Text))
	for round := 1; round < rounds; round++ {
		if round%10_000 == 0 && ctx.Err() != nil { // seldom enough to cost nothing
			return HashReport{}, ctx.Err()
		}
		sum = sha256.Sum256(sum[:])
	}
	return HashReport{SHA256: hex.EncodeToString(sum[:]), Rounds: rounds}, nil
}
