package port

import (
	"context"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Store keeps one Record per task. A writing call has 1 to MaxWrites items, a
// reading one 1 to MaxReads. If a batch names one ID twice, the later item is
// applied after the earlier one. A record whose Expires is over counts as
// absent, for reads and for writes.
type Store interface {
	// Save writes what is known of a task: an outcome, a failed attempt, a
	// start mark. States only move forward within a generation. Per item:
	//   - ErrFinished: a terminal record of this generation, or one of a later
	//     generation, stands unchanged;
	//   - ErrFenced: rec.Epoch is set and the record has another epoch;
	//   - ErrTooLarge: no store of this kind takes such a record.
	// Where two apply, the first of these. Between open records the later
	// progress stands: more Attempts, or as many and more GiveBacks, or as many
	// of both and more Starts. To save what is known already, the outcome that
	// stands included, or less, is no error and changes nothing, so any Save may
	// be repeated. Saving a record that has an epoch ends the claim. A record of
	// a later generation replaces one of an earlier; a Hash stays when the new
	// record has none.
	Save(ctx context.Context, recs []Record) error

	// Load returns one record per ID, in order; State Unknown and the ID where
	// there is none. fresh sees every Save that returned before; otherwise the
	// read may be a moment behind, at half the cost.
	Load(ctx context.Context, ids []string, fresh bool) ([]Record, error)

	// Claim takes, or with an Epoch renews, the sole right to run a task. It
	// returns the records as they stand after it, in order, those of the items
	// that failed included. Per item:
	//   - ErrFinished: the record is terminal or of a later generation;
	//   - ErrClaimed: another claim's lease has not ended;
	//   - ErrFenced: a renewed claim went to a later epoch.
	// A claim with the Token of the one that stands is the same claim: taking
	// it again after a lost answer succeeds.
	Claim(ctx context.Context, claims []Claim) ([]Record, error)

	// Reopen sets dead records of exactly the given generation to the next
	// one, open, without attempts or claims, so that a redriven task can end
	// again. Every other record stays as it is, without error: twice is once.
	Reopen(ctx context.Context, recs []Record) error
}

// Record is what a Store knows of a task.
type Record struct {
	ID    string     // a UUID
	State task.State // Unknown: there is no record
	// Generation is 1, and one more per redrive.
	Generation int
	// Attempts counts failed attempts, GiveBacks recorded returns to the queue
	// and Starts the starts that have had no outcome yet.
	Attempts, GiveBacks, Starts int
	// Epoch is the fencing token of the claim; 0: never claimed. LeaseEnd is
	// when the claim ends (zero: it has ended), Token who holds it.
	Epoch    uint64
	LeaseEnd time.Time
	Token    string
	// Result is the encoded result of a task that is Done; Value is the result
	// itself, only towards a store that is InProcess.
	Result []byte
	Value  any
	// Error says why a task is Dead, or why its last attempt failed.
	Error string
	// Reason sorts the error of a task that is Dead: one word or a few, the
	// same that its dead letter has.
	Reason string
	// Hash is the payload's, kept for tasks whose ID the client chose.
	Hash []byte
	// Expires is when the record may be forgotten; zero: never. Stores keep
	// whole seconds.
	Expires time.Time
}

// Claim asks for the sole right to run a task in a generation.
type Claim struct {
	ID         string
	Generation int
	// Epoch is 0 to take the right, and the claim's epoch to renew it.
	Epoch uint64
	// Token is random and names the one who asks.
	Token string
	// For is how long the claim lasts unless it is renewed.
	For time.Duration
	// Expires is given to the record that the claim makes or updates.
	Expires time.Time
}
