package goflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/allocs"
)

// perByte bounds what a processor allocates for each byte of a delivery, beside
// allocs.Spare. The dearest bytes are those of many short headers.
const perByte = 32

// messageID is that of every fuzzed delivery, a UUID as SQS gives them.
const messageID = "0193a1f0-5b7c-4d3e-8f00-2a4b6c8d0e1f"

// FuzzDelivery processes a delivery of any body and attributes as a home would, until
// it ends: no panic, no ack before there is a record and where it is due a dead letter,
// nothing out of its bounds. Bit 0 of has says whether the attribute goflow-dead is
// there, bit 1 the same of goflow-due. prior is the record that the task has already.
func FuzzDelivery(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte, dead, due string, has byte, receives int, age int64, prior byte) {
		inWorld(t, func(w *world) {
			d := goflow.Delivery{Message: port.Message{ID: messageID, Body: body}, Receives: receives}
			d.SentAt = time.Now().Add(-time.Duration(age % int64(10*365*24*time.Hour)))
			d.FirstReceivedAt = d.SentAt
			d.Attributes = map[string]string{}
			if has&1 != 0 {
				d.Attributes["goflow-dead"] = dead
			}
			if has&2 != 0 {
				d.Attributes["goflow-due"] = due
			}
			c := newTrial(w, prior, d)
			c.takeToItsEnd()
		})
	})
}

func TestMemoryOfADeliveryIsBounded(t *testing.T) { //nolint:paralleltest // it counts what all of the process allocate
	const size = 1 << 20
	for name, body := range map[string]string{
		"deep nesting": `{"v":1,"type":"echo","payload":` + strings.Repeat("[", size/2) + strings.Repeat("]", size/2) + `}`,
		"as deep as JSON may be, often": `{"v":1,"type":"echo","payload":[` +
			strings.Repeat(strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+",", size/18000) + `0]}`,
		"headers":            `{"v":1,"type":"echo","headers":{` + manyHeaders(size) + `}}`,
		"a text of escapes":  `{"v":1,"type":"` + strings.Repeat(`\u0061`, size/6) + `"}`,
		"a payload":          `{"v":1,"type":"echo","payload":[` + strings.Repeat("0,", size/2) + `0]}`,
		"no JSON":            strings.Repeat("a", size),
		"an object of no ID": `{"v":1,"type":"echo","id":"` + strings.Repeat("<", size) + `"}`,
	} {
		inWorld(t, func(w *world) {
			d := goflow.Delivery{Message: port.Message{ID: messageID, Body: []byte(body)}, Receives: 1, SentAt: time.Now()}
			o := newTrial(w, 0, d).first()
			require.Contains(t, []goflow.Action{goflow.Ack, goflow.Leave}, o.Action, name) // Leave: too large for a dead letter
		})
	}
}

// manyHeaders are as many short ones as fit.
func manyHeaders(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		b.WriteString(`"` + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/26/26%26)) + string(rune('a'+i/26/26/26)) + `":"",`)
	}
	return b.String() + `"z":""`
}

// trial is a delivery, and what becomes of it.
type trial struct {
	*world
	p    *goflow.Processor
	seen *watchedStore
	d    goflow.Delivery
	sent bool // a broker takes the body, so a dead letter can have it
}

func newTrial(w *world, prior byte, d goflow.Delivery) *trial {
	w.Helper()
	if records := priors(); int(prior)%len(records) > 0 {
		rec := records[int(prior)%len(records)]
		rec.ID = messageID
		require.NoError(w, w.records.Save(w.Context(), []port.Record{rec}))
	}
	c := &trial{world: w, seen: &watchedStore{Store: w.records, t: w.T}, d: d}
	w.store = c.seen
	handlers(w)
	c.p = w.newProcessor(goflow.Logger(slog.New(slog.DiscardHandler)))
	probe := port.Message{ID: messageID, Body: d.Body}
	c.sent = len(d.Body) <= 1<<20-8<<10 && w.dead.Send(w.Context(), []port.Message{probe}) == nil
	if c.sent {
		require.NoError(w, w.dead.Ack(w.Context(), []port.Delivery{w.receive(w.dead)}))
	}
	return c
}

// priors are what may be known of a task, from nothing on.
func priors() []port.Record {
	return []port.Record{
		{},
		{State: task.Open, Generation: 1, Attempts: 1, GiveBacks: 1},
		{State: task.Open, Generation: 1, Starts: 5},
		{State: task.Dead, Generation: 1},
		{State: task.Done, Generation: 1},
		{State: task.Cancelled, Generation: 1},
		{State: task.Dead, Generation: 2},
		{State: task.Open, Generation: 7},
	}
}

// handlers are jobs of each kind. Whatever runs is a sound attempt.
func handlers(w *world) {
	w.mux.Use(func(next goflow.Handler) goflow.Handler {
		return func(ctx context.Context) error {
			info, _ := goflow.TaskFromContext(ctx)
			if info.Attempt < 1 || info.Attempt > info.MaxAttempts || info.MaxAttempts > 1000 || info.Generation < 1 {
				w.Errorf("out of bounds: %+v", info)
			}
			if end, _ := ctx.Deadline(); time.Until(end)%time.Millisecond != 0 { // the bubble's time stands still
				w.Errorf("a timeout of %v, which no message can ask for", time.Until(end))
			}
			return next(ctx)
		}
	})
	echo := func(_ context.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil }
	goflow.NewJob[json.RawMessage, json.RawMessage]("echo").Handle(w.mux, echo)
	goflow.NewJob[json.RawMessage, json.RawMessage]("once", goflow.Once()).Handle(w.mux, echo)
	goflow.NewJob[struct{ A, B map[string]int }, int]("typed").Handle(w.mux, func(_ context.Context, in struct{ A, B map[string]int }) (int, error) {
		return 1 / len(in.A), nil // a panic for some
	})
	goflow.NewJob[json.RawMessage, int]("fail").Handle(w.mux, func(_ context.Context, in json.RawMessage) (int, error) {
		return 0, errors.New(string(in))
	})
}

// first processes the delivery once.
func (c *trial) first() (o goflow.Outcome) {
	c.Helper()
	size := len(c.d.Body) + len(c.d.Attributes["goflow-dead"]) + len(c.d.Attributes["goflow-due"])
	allocs.Within(c, size, perByte, func() { o = c.p.Process(c.Context(), c.d) })
	return o
}

// takeToItsEnd delivers the message, and those that become of it, until it is over or
// takes longer than a test has time.
func (c *trial) takeToItsEnd() {
	o := c.first()
	for range 12 {
		if c.sent {
			require.NoError(c, o.Err, "the ports are sound")
		}
		require.True(c, o.After >= 0 && o.After <= 12*time.Hour, "%v", o.After)
		if o.Action == goflow.Ack && !c.hopped() {
			c.ended()
			return
		}
		if o.Action != goflow.Ack {
			time.Sleep(max(o.After, time.Second))
			c.d.Receives = int(min(int64(c.d.Receives), 1<<40)) + 1
		}
		o = c.p.Process(c.Context(), c.d)
	}
}

// hopped tells whether a copy was sent in place of the message, and takes it up.
func (c *trial) hopped() bool {
	size, err := c.queue.Size(c.Context())
	require.NoError(c, err)
	if size == (port.Size{}) {
		return false
	}
	hop := c.receive(c.queue)
	require.NoError(c, c.queue.Ack(c.Context(), []port.Delivery{hop}))
	require.Equal(c, c.d.Body, hop.Body)
	require.NotEqual(c, messageID, hop.ID, "so only what it carries says whose it is")
	c.d = hop
	return true
}

// ended checks what there has to be once a message may be deleted.
func (c *trial) ended() {
	c.Helper()
	require.NotEmpty(c, c.seen.id, "acked without a look at the record")
	recs, err := c.records.Load(c.Context(), []string{c.seen.id}, true)
	require.NoError(c, err)
	rec, generation := recs[0], c.generation()
	require.True(c, rec.State.Terminal() || rec.Generation > generation, "acked: %+v", rec)
	sound(c.T, rec)
	if rec.State == task.Dead && rec.Generation <= generation && c.sent {
		c.buried(rec)
	}
}

// generation is the delivery's, as docs/wire-format.md has it.
func (c *trial) generation() int {
	var note struct {
		ID         string    `json:"id"`
		Generation int       `json:"generation"`
		Reason     string    `json:"reason"`
		Error      string    `json:"error"`
		Attempts   int       `json:"attempts"`
		Receives   int       `json:"receives"`
		SentAt     time.Time `json:"sentAt"`
		DiedAt     time.Time `json:"diedAt"`
	}
	text, ok := c.d.Attributes["goflow-dead"]
	if !ok || json.Unmarshal([]byte(text), &note) != nil || note.Generation < 1 || note.Generation >= math.MaxInt32 {
		return 1
	}
	return note.Generation + 1
}

// buried checks a dead letter, which a redrive can use.
func (c *trial) buried(rec goflow.Record) {
	c.Helper()
	dead, err := goflow.NewDeadLetterQueue(c.dead, c.queue, c.records)
	require.NoError(c, err)
	letters := 0
	for l, err := range dead.List(c.Context(), goflow.DeadLetterFilter{}) {
		require.NoError(c, err)
		require.Equal(c, rec.ID, l.ID)
		require.Equal(c, rec.Generation, l.Generation)
		require.Equal(c, c.d.Body, l.Body)
		require.LessOrEqual(c, len(l.Attributes["goflow-dead"]), 4<<10)
		require.False(c, l.Unsettled)
		letters++
	}
	require.Positive(c, letters, "acked without a dead letter: %+v", rec)
	if rec.Generation == math.MaxInt32 {
		return
	}
	c.d = c.receive(c.dead)
	if o := c.p.Process(c.Context(), c.d); o.Action == goflow.Ack {
		recs, err := c.records.Load(c.Context(), []string{rec.ID}, true)
		require.NoError(c, err)
		require.Equal(c, rec.Generation+1, recs[0].Generation, "a redrive is the next generation")
	}
}

// watchedStore notes whose record was asked for first, and refuses what is out of
// bounds in all that is written.
type watchedStore struct {
	port.Store
	t  *testing.T
	id string
}

func (s *watchedStore) note(id string) {
	if s.id == "" {
		s.id = id
	}
}

func (s *watchedStore) Save(ctx context.Context, recs []port.Record) error {
	for _, rec := range recs {
		s.note(rec.ID)
		sound(s.t, rec)
	}
	return s.Store.Save(ctx, recs)
}

func (s *watchedStore) Load(ctx context.Context, ids []string, fresh bool) ([]port.Record, error) {
	s.note(ids[0])
	return s.Store.Load(ctx, ids, fresh)
}

func (s *watchedStore) Claim(ctx context.Context, claims []port.Claim) ([]port.Record, error) {
	s.note(claims[0].ID)
	return s.Store.Claim(ctx, claims)
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// sound says what every record is, whatever the message was.
func sound(t *testing.T, rec port.Record) {
	t.Helper()
	require.Regexp(t, uuid, rec.ID, "the one form of an ID")
	for _, n := range []int{rec.Generation - 1, rec.Attempts, rec.GiveBacks, rec.Starts} {
		require.True(t, n >= 0 && n < math.MaxInt32, "%+v", rec)
	}
	require.True(t, utf8.ValidString(rec.Error) && len(rec.Error) < 1<<10, "%q", rec.Error)
}
