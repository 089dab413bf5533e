package goflow

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/quick"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// allowed is what SQS lets a message body hold:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func allowed(body []byte) bool {
	for _, r := range string(body) {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return utf8.Valid(body)
}

func TestEnvelopeGolden(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]*envelope{
		"least": {Version: 1, Type: "a", Payload: json.RawMessage(`null`)},
		"full": {
			Version: 1, ID: "0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f", Type: "image.resize",
			Payload: json.RawMessage(`{"url":"https://example.com/?a=1&b=<2>","width":100}`),
			Headers: map[string]string{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
			TTL:     60_000,
			Once:    true,
			Tracked: true,
			Unique:  "b2c54a2e-8b5e-8d3e-9f00-2a4b6c8d0e1f",
			Options: newWireOptions(policy{maxAttempts: 3, timeout: time.Minute, backoffBase: time.Second, backoffCap: time.Hour}),
		},
	} {
		body, err := e.encode()
		require.NoError(t, err)
		golden, err := os.ReadFile(filepath.Join("testdata", "envelope-"+name+".json"))
		require.NoError(t, err)
		require.Equal(t, strings.TrimSpace(string(golden)), string(body))
		assembled := *e
		assembled.compact = true
		body, err = assembled.encode()
		require.NoError(t, err)
		require.Equal(t, strings.TrimSpace(string(golden)), string(body), "of parts")
		back, err := decodeEnvelope(&port.Delivery{Message: port.Message{ID: "0193a1f0-5b7c-7d3e-8f00-000000000000", Body: body}})
		require.NoError(t, err)
		again, err := back.encode()
		require.NoError(t, err)
		if e.ID != "" {
			require.Equal(t, string(body), string(again))
		}
	}
}

func FuzzEnvelopeIsFitForSQS(f *testing.F) {
	f.Fuzz(func(t *testing.T, payload string) {
		e := &envelope{Version: 1, Type: "fuzz", Payload: json.RawMessage(payload)}
		body, err := e.encode()
		if err != nil {
			require.True(t, !utf8.ValidString(payload) || !json.Valid([]byte(payload)), "refused %q: %v", payload, err)
			return
		}
		if payload == "" {
			payload = "null"
		} else {
			requireSameAssembled(t, payload, body)
		}
		require.True(t, allowed(body), "%q", body)
		back, err := decodeEnvelope(&port.Delivery{Message: port.Message{Body: body}})
		require.NoError(t, err)
		var got json.RawMessage
		require.NoError(t, decoded(back, &got))
		require.Equal(t, exact(t, payload), exact(t, string(got)))
	})
}

// TestBadTextWithinAPayloadIsRefused: encoding/json passes on what a MarshalJSON
// makes, so that marshal's own text may be bad, too.
func TestBadTextWithinAPayloadIsRefused(t *testing.T) {
	t.Parallel()
	payload, err := marshal(struct{ P json.RawMessage }{json.RawMessage("\"\xff\"")})
	require.NoError(t, err)
	for _, compact := range []bool{false, true} {
		_, err := (&envelope{Version: 1, Type: "a", Payload: payload, compact: compact}).encode()
		require.ErrorIs(t, err, ErrInvalid)
	}
}

// requireSameAssembled: a payload that marshal has made compact comes to the same.
func requireSameAssembled(t *testing.T, payload string, want []byte) {
	t.Helper()
	compact, err := marshal(json.RawMessage(payload))
	require.NoError(t, err)
	got, err := (&envelope{Version: 1, Type: "fuzz", Payload: compact, compact: true}).encode()
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// exact decodes without the loss of a digit.
func exact(t *testing.T, text string) (v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&v))
	return v
}

func TestBackoffIsWithinItsBounds(t *testing.T) {
	t.Parallel()
	within := func(base, limit uint32, failed uint8) bool {
		p := policy{backoffBase: time.Duration(base) + 1, backoffCap: time.Duration(base) + time.Duration(limit) + 1}
		ceiling, next := p.ceiling(int(failed)), p.ceiling(int(failed)+1)
		pause := p.pause(int(failed))
		return pause >= 0 && pause <= ceiling && ceiling <= p.backoffCap && next >= ceiling && next <= 2*ceiling
	}
	require.NoError(t, quick.Check(within, nil))
	p := defaultPolicy()
	require.Equal(t, time.Second, p.ceiling(1))
	require.Equal(t, 8*time.Second, p.ceiling(4))
	require.Equal(t, 15*time.Minute, p.ceiling(1000))
}

func TestIDsAreUUIDv7(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(time.Now().UnixMilli())
	id, later := newID(now), newID(now.Add(time.Millisecond))
	require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`), id)
	require.Less(t, id, later)
	made, ok := idTime(id)
	require.True(t, ok)
	require.True(t, made.Equal(now))
	for _, bad := range []string{"", "x", strings.Repeat("-", 36), strings.ReplaceAll(id, "-", ""), id + "0"} {
		_, ok := parseID(bad)
		require.False(t, ok, bad)
	}
}

func TestStoredTextIsShortAndClean(t *testing.T) {
	t.Parallel()
	got := text(&PanicError{Value: "a\x00b\xff\uFFFE" + strings.Repeat("é", 4000)})
	require.True(t, allowed([]byte(got)))
	require.LessOrEqual(t, len(got), maxErrorText+len("…"))
	require.True(t, strings.HasPrefix(got, "panic: a\uFFFDb\uFFFD"))
}

func TestTypesAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	documented := regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)
	names := []string{"", strings.Repeat("x", 128), strings.Repeat("x", 129), "image.resize:v2_a-b", "é", "K"} // the last one is U+212A
	for r := range rune(0x180) {
		names = append(names, string(r), "a"+string(r))
	}
	for _, name := range names {
		require.Equal(t, documented.MatchString(name), validType(name) == nil, "%q", name)
	}
}

// extensions is a broker that tells whose leases it is to extend.
type extensions struct {
	*memory.Broker
	asked []string
}

func (b *extensions) Extend(_ context.Context, leases []port.Lease) error {
	for _, l := range leases {
		b.asked = append(b.asked, l.Delivery.ID)
	}
	return nil
}

// A delivery may be settled between the keeper's look at what is due and its call:
// then its message is not ours to touch any more.
func TestKeeperExtendsNothingThatWasLetGo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{"neither": {"a", "b"}, "a": {"b"}, "b": {"a"}, "both": nil} {
		b := &extensions{Broker: memory.NewBroker()}
		k, end := newKeeper(b, memory.NewStore(), time.Minute), time.Now().Add(time.Minute)
		for _, id := range []string{"a", "b"} {
			k.keep(Delivery{Message: port.Message{ID: id}, LeaseEnd: end}, func(error) {})
		}
		due, _ := k.due(end.Add(-time.Second))
		require.Len(t, due, 2)
		for _, h := range due {
			if name == "both" || name == h.delivery.ID {
				h.drop()
			}
		}
		k.extend(t.Context(), due)
		require.ElementsMatch(t, want, b.asked, name)
	}
}

func decoded(e *envelope, into any) error { return payload{env: e}.decode(into) }
