package dynamo

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// defaultClaimSlack is the default of ClaimSlack.
const defaultClaimSlack = 2 * time.Second

// API is what a Store calls: an [awsdynamodb.Client], or what somebody has put
// around one. It has to honour the options of a call, and may get more methods:
// embed a client.
type API interface {
	BatchExecuteStatement(context.Context, *awsdynamodb.BatchExecuteStatementInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.BatchExecuteStatementOutput, error)
	BatchGetItem(context.Context, *awsdynamodb.BatchGetItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.BatchGetItemOutput, error)
	DescribeTable(context.Context, *awsdynamodb.DescribeTableInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.DescribeTableOutput, error)
}

// Store keeps one record per task in one table. Its methods may be called
// concurrently. It holds no resources, so there is nothing to close.
type Store struct {
	api        API
	table      string
	claimSlack time.Duration
	skew       atomic.Int64 // nanoseconds that DynamoDB's clock is ahead of ours
	clock      atomic.Int32 // what is known of it
}

var (
	_ port.Store   = (*Store)(nil)
	_ port.Checker = (*Store)(nil)
)

// Option sets what New leaves at its default.
type Option func(*Store)

// ClaimSlack sets how long after the end of another's lease a claim may be taken
// over. Default 2 s. It pays for the difference of two clocks, so a shorter one
// is for tests only.
func ClaimSlack(d time.Duration) Option {
	return func(s *Store) { s.claimSlack = max(d, 0) }
}

// New returns a Store over the table with this name or ARN. It makes no call:
// [Store.Check] says whether the table is there.
func New(client API, table string, opts ...Option) *Store {
	s := &Store{api: client, table: table, claimSlack: defaultClaimSlack}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Save writes up to 25 records, each by one conditional statement, or by two or
// three where another write came first. Besides what [port.Store] says, per
// item: ErrInvalid for an ID that is no UUID, a state that is Unknown, a
// generation below 1, a count below 0 or a Value; ErrUnavailable when DynamoDB
// throttles or fails; ErrRefused for a table that is missing or forbidden. To save again the very outcome that
// stands is no error, so a save whose answer was lost may be repeated.
func (s *Store) Save(ctx context.Context, recs []port.Record) error {
	errs := port.ItemErrors{}
	var writes []*write
	for i := range recs {
		id, err := s.writable(opSave, recs[i].ID, recs[i].Generation)
		if err == nil {
			err = s.savable(&recs[i])
		}
		if err != nil {
			errs[i] = err
			continue
		}
		rec := recs[i]
		rec.LeaseEnd, rec.Token = time.Time{}, "" // A save ends a claim and never makes one.
		rec.Error = strings.ToValidUTF8(rec.Error, "\uFFFD")
		writes = append(writes, &write{index: i, id: id, step: &saving{store: s, id: id, rec: rec}})
	}
	(&batch{store: s, op: opSave, errs: errs}).run(ctx, writes)
	return errs.Err()
}

// Claim takes or renews up to 25 claims. A record whose claim ended is taken
// over ClaimSlack after its end at the earliest, by a compare-and-set on epoch
// and lease end. Times are by this process's clock, corrected by DynamoDB's.
// Errors besides what [port.Store] says are as of Save; ErrInvalid also for a
// claim without a token, or for no time. A record that could not
// be read because of such an error has only its ID.
func (s *Store) Claim(ctx context.Context, claims []port.Claim) ([]port.Record, error) {
	errs := port.ItemErrors{}
	recs := make([]port.Record, len(claims))
	for i := range claims {
		recs[i].ID = claims[i].ID
	}
	if err := s.learnTime(ctx); err != nil {
		return recs, allFail(len(claims), err).Err()
	}
	unseen := s.clock.Load() == clockUnseen
	s.claim(ctx, claims, recs, errs)
	late := s.clock.Load() == clockUnknown
	if !unseen || !late && s.skew.Load() == 0 {
		return recs, errs.Err()
	}
	// They were made by our own clock, which the answer shows to be wrong, or does not show to be right.
	if err := s.learnTime(ctx); err != nil {
		return recs, allFail(len(claims), err).Err()
	}
	clear(errs)
	s.claim(ctx, claims, recs, errs)
	return recs, errs.Err()
}

// allFail gives n items the same error.
func allFail(n int, err error) port.ItemErrors {
	errs := port.ItemErrors{}
	for i := range n {
		errs[i] = err
	}
	return errs
}

// claim makes the claims, and fills in what stands then and what failed.
func (s *Store) claim(ctx context.Context, claims []port.Claim, recs []port.Record, errs port.ItemErrors) {
	var writes []*write
	for i := range claims {
		recs[i] = port.Record{ID: claims[i].ID}
		id, err := s.writable(opClaim, claims[i].ID, claims[i].Generation)
		if err == nil && (claims[i].For <= 0 || claims[i].Token == "" && claims[i].Epoch == 0) {
			err = s.refused(opClaim, port.ErrInvalid, "a claim needs a token and lasts some time")
		}
		if err != nil {
			errs[i] = err
			continue
		}
		writes = append(writes, &write{index: i, id: id, step: &claiming{store: s, id: id, claim: claims[i], rec: &recs[i]}})
	}
	(&batch{store: s, op: opClaim, errs: errs}).run(ctx, writes)
}

// Reopen opens up to 25 dead records for their next generation; a record that
// has Expires gives its own. Errors are as of Save.
func (s *Store) Reopen(ctx context.Context, recs []port.Record) error {
	errs := port.ItemErrors{}
	var writes []*write
	for i := range recs {
		id, err := s.writable(opReopen, recs[i].ID, recs[i].Generation)
		if err != nil {
			errs[i] = err
			continue
		}
		writes = append(writes, &write{index: i, id: id, step: &reopening{store: s, id: id, rec: recs[i]}})
	}
	(&batch{store: s, op: opReopen, errs: errs}).run(ctx, writes)
	return errs.Err()
}

// writable checks what every write names.
func (s *Store) writable(o op, id string, generation int) (key, error) {
	k, ok := parseID(id)
	switch {
	case !ok:
		return k, s.refused(o, port.ErrInvalid, "the ID "+quote(id)+" is no UUID")
	case generation < 1:
		return k, s.refused(o, port.ErrInvalid, "a generation is at least 1")
	}
	return k, nil
}

// savable checks what a record says.
func (s *Store) savable(rec *port.Record) error {
	switch {
	case rec.State == task.Unknown || rec.State > task.Expired:
		return s.refused(opSave, port.ErrInvalid, "state "+rec.State.String())
	case rec.Attempts < 0 || rec.GiveBacks < 0 || rec.Starts < 0:
		return s.refused(opSave, port.ErrInvalid, "a count below 0")
	case rec.Value != nil:
		return s.refused(opSave, port.ErrInvalid, "a Value towards a store that keeps bytes")
	}
	return s.fits(rec)
}
