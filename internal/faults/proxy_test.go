package faults_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/faults"
)

// service stands behind the proxy, and says that all it gets is done.
type service struct {
	calls  atomic.Int64
	bodies chan string
	answer http.HandlerFunc // nil: as above
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls.Add(1)
	body, _ := io.ReadAll(r.Body)
	select {
	case s.bodies <- string(body):
	default:
	}
	if s.answer != nil {
		s.answer(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	answer := `{"Successful":[` + entries(string(body)) + `]}`
	if n := strings.Count(string(body), `"Statement":`); n > 0 {
		answer = `{"Responses":[` + strings.TrimSuffix(strings.Repeat("{},", n), ",") + `]}`
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(answer))), 10))
	}
	_, _ = io.WriteString(w, answer)
}

func entries(body string) string {
	var all []string
	for i := range 10 {
		if strings.Contains(body, fmt.Sprintf(`"Id":"%d"`, i)) {
			all = append(all, fmt.Sprintf(`{"Id":"%d","MessageId":"m","MD5OfMessageBody":%q}`, i, md5OfBody))
		}
	}
	return strings.Join(all, ",")
}

const md5OfBody = "99914b932bd37a50b983c5e7c90ae93b" // of {}

// behind starts a proxy in front of s, in the midst of a storm.
func behind(t *testing.T, s *service, c faults.Config) (*faults.Proxy, string) {
	t.Helper()
	backend := httptest.NewServer(s)
	t.Cleanup(backend.Close)
	c.Target = backend.URL
	p, err := faults.New(c)
	require.NoError(t, err)
	url, stop, err := faults.Serve(t.Context(), p)
	require.NoError(t, err)
	t.Cleanup(stop)
	p.Storm(true)
	return p, url
}

func queueAt(url string) *sqs.Broker {
	return sqs.New(awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}), url+"/000000000000/tasks")
}

func tableAt(url string) *dynamo.Store {
	return dynamo.New(awsdynamodb.New(awsdynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}), "tasks")
}

func messages(n int) []port.Message {
	all := make([]port.Message, n)
	for i := range all {
		all[i] = port.Message{Body: []byte("{}")}
	}
	return all
}

func records(n int) []port.Record {
	all := make([]port.Record, n)
	for i := range all {
		id := fmt.Sprintf("00000000-03e8-7000-8000-%012d", i)
		all[i] = port.Record{ID: id, State: task.Done, Generation: 1, Expires: time.Now().Add(time.Hour)}
	}
	return all
}

// The words are those of the services if the adapters, over the real SDK, make
// of them what they have to.
func TestEachKindIsWhatItSays(t *testing.T) {
	t.Parallel()
	for kind, want := range map[faults.Kind]struct {
		calls       int64
		sent, saved error
	}{
		faults.None:     {calls: 1},
		faults.Delay:    {calls: 1},
		faults.Refuse:   {sent: port.ErrAmbiguous, saved: port.ErrUnavailable},
		faults.Error500: {sent: port.ErrAmbiguous, saved: port.ErrUnavailable},
		faults.Error503: {sent: port.ErrAmbiguous, saved: port.ErrUnavailable},
		faults.Throttle: {sent: port.ErrUnavailable, saved: port.ErrUnavailable},
		faults.Cut:      {calls: 1, sent: port.ErrAmbiguous, saved: port.ErrUnavailable},
	} {
		t.Run("kind "+string(kind), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(4) { // an answer is cut off as a whole or in its middle
				odds, s := faults.Odds{kind: 1}, &service{}
				p, url := behind(t, s, faults.Config{Service: faults.SQS, Seed: seed, Odds: odds, Delays: time.Millisecond})
				require.ErrorIs(t, queueAt(url).Send(t.Context(), messages(1)), want.sent)
				require.Equal(t, want.calls, s.calls.Load())
				require.Equal(t, faults.Counts{"SendMessageBatch": {kind: 1}}, p.Counts())

				s = &service{}
				p, url = behind(t, s, faults.Config{Service: faults.DynamoDB, Seed: seed, Odds: odds, Delays: time.Millisecond})
				require.ErrorIs(t, tableAt(url).Save(t.Context(), records(1)), want.saved)
				require.Equal(t, want.calls, s.calls.Load())
				require.Equal(t, faults.Counts{"BatchExecuteStatement": {kind: 1}}, p.Counts())
			}
		})
	}
}

func TestPartOfABatchFails(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		s := &service{bodies: make(chan string, 1)}
		_, url := behind(t, s, faults.Config{Service: faults.SQS, Seed: seed, Odds: faults.Odds{faults.Part: 1}})
		err := queueAt(url).Send(t.Context(), messages(5))
		body, failed := <-s.bodies, 0
		for i := range 5 {
			itemErr := port.ItemError(err, i)
			sent := strings.Contains(body, fmt.Sprintf(`"Id":"%d"`, i))
			require.Equal(t, sent, itemErr == nil, "entry %d of %s: %v", i, body, itemErr)
			if !sent {
				require.ErrorIs(t, itemErr, port.ErrAmbiguous)
				failed++
			}
		}
		require.NotZero(t, failed)
		require.Less(t, failed, 5)

		s = &service{bodies: make(chan string, 1)}
		_, url = behind(t, s, faults.Config{Service: faults.DynamoDB, Seed: seed, Odds: faults.Odds{faults.Part: 1}})
		recs := records(5)
		for i := range recs {
			recs[i].Error = fmt.Sprintf("record %d", i)
		}
		err = tableAt(url).Save(t.Context(), recs)
		body = <-s.bodies
		for i := range 5 {
			written := strings.Contains(body, fmt.Sprintf("record %d", i))
			require.Equal(t, written, port.ItemError(err, i) == nil, "record %d of %s: %v", i, body, err)
			if !written {
				require.ErrorIs(t, port.ItemError(err, i), port.ErrUnavailable)
			}
		}
	}
}

func TestOnlyItemOfABatchFails(t *testing.T) {
	t.Parallel()
	s := &service{}
	p, url := behind(t, s, faults.Config{Service: faults.SQS, Odds: faults.Odds{faults.Part: 1}})
	require.ErrorIs(t, port.ItemError(queueAt(url).Send(t.Context(), messages(1)), 0), port.ErrAmbiguous)
	require.Equal(t, map[faults.Kind]int{faults.Part: 1}, p.Counts().Faults())
	p, url = behind(t, s, faults.Config{Service: faults.DynamoDB, Odds: faults.Odds{faults.Part: 1}})
	err := port.ItemError(tableAt(url).Save(t.Context(), records(1)), 0)
	require.ErrorIs(t, err, port.ErrUnavailable)
	require.ErrorContains(t, err, "ThrottlingError")
	require.Equal(t, map[faults.Kind]int{faults.Part: 1}, p.Counts().Faults())
	require.Zero(t, s.calls.Load())
	_, _ = tableAt(url).Load(t.Context(), []string{records(1)[0].ID}, true) // which is no batch of these
	require.EqualValues(t, 1, s.calls.Load())
}

// kindsOf is what happens to the first requests, one after the other.
func kindsOf(t *testing.T, seed uint64) (all []faults.Kind) {
	t.Helper()
	p, url := behind(t, &service{}, faults.Config{Service: faults.DynamoDB, Seed: seed, Odds: faults.Stormy(), Delays: time.Millisecond})
	table, before := tableAt(url), map[faults.Kind]int{}
	for range 60 {
		_ = table.Save(t.Context(), records(2)) // whatever comes of it
		after := p.Counts()["BatchExecuteStatement"]
		for kind, n := range after {
			if n > before[kind] {
				all = append(all, kind)
			}
		}
		before = after
	}
	return all
}

func TestSeedDecidesTheFaults(t *testing.T) {
	t.Parallel()
	one := kindsOf(t, 1)
	require.Len(t, one, 60)
	require.Equal(t, one, kindsOf(t, 1))
	require.NotEqual(t, one, kindsOf(t, 2))
}

func TestCalmProxyForwardsEverything(t *testing.T) {
	t.Parallel()
	p, url := behind(t, &service{}, faults.Config{Service: faults.SQS, Odds: faults.Odds{faults.Refuse: 1}})
	p.Storm(false)
	require.NoError(t, queueAt(url).Send(t.Context(), messages(3)))
	require.Empty(t, p.Counts().Faults())
}

// A service carries out what it has received, though nobody waits for the answer.
func TestRequestGoesOnWithoutItsSender(t *testing.T) {
	t.Parallel()
	began, answer := make(chan struct{}), make(chan struct{})
	s := &service{answer: func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-answer
		_, _ = io.WriteString(w, "{}")
	}}
	backend := httptest.NewServer(s)
	defer backend.Close()
	p, err := faults.New(faults.Config{Service: faults.SQS, Target: backend.URL})
	require.NoError(t, err)
	gone := make(chan struct{})
	url, stop, err := faults.Serve(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		context.AfterFunc(r.Context(), func() { close(gone) })
		p.ServeHTTP(w, r)
	}))
	require.NoError(t, err)
	defer stop()
	sending, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- queueAt(url).Send(sending, messages(1)) }()
	<-began
	cancel()
	require.Error(t, <-ended)
	<-gone
	close(answer)
	require.NoError(t, p.Leave(t.Context()))
	require.Equal(t, faults.Counts{"SendMessageBatch": {faults.None: 1}}, p.Counts())
}

func TestServiceThatLeavesEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	began, answer := make(chan struct{}), make(chan struct{})
	s := &service{}
	p, url := behind(t, s, faults.Config{Service: faults.SQS})
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-answer
		_, _ = io.WriteString(w, `{"Successful":[`+entries(`"Id":"0"`)+`]}`)
	}
	under := make(chan error, 1)
	go func() { under <- queueAt(url).Send(t.Context(), messages(1)) }()
	<-began
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, p.Leave(impatient), context.Canceled)
	require.ErrorIs(t, queueAt(url).Send(t.Context(), messages(1)), port.ErrAmbiguous, "it is away")
	left := make(chan error, 1)
	go func() { left <- p.Leave(t.Context()) }()
	close(answer)
	require.NoError(t, <-under)
	require.NoError(t, <-left)
	require.EqualValues(t, 1, s.calls.Load())
	p.Return()
	s.answer = nil
	require.NoError(t, queueAt(url).Send(t.Context(), messages(1)))
	require.Equal(t, faults.Counts{"SendMessageBatch": {faults.None: 2, faults.Away: 1}}, p.Counts())
}

func TestServiceThatDoesNotAnswerIsAway(t *testing.T) {
	t.Parallel()
	p, url := behind(t, &service{answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		faults.Config{Service: faults.DynamoDB})
	require.ErrorIs(t, tableAt(url).Save(t.Context(), records(1)), port.ErrUnavailable)
	require.Equal(t, map[faults.Kind]int{faults.Away: 1}, p.Counts().Faults())
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]faults.Config{
		`target "nowhere"`:    {Target: "nowhere"},
		`odds 2 of "cut off"`: {Target: "http://h", Odds: faults.Odds{faults.Cut: 2}},
		"odds of 1.25 in all": {Target: "http://h", Odds: faults.Odds{faults.Cut: 0.5, faults.Delay: 0.75}},
	} {
		_, err := faults.New(c)
		require.ErrorContains(t, err, want)
	}
}

func TestCountsSayWhatHappened(t *testing.T) {
	t.Parallel()
	c := faults.Counts{"B": {faults.None: 7, faults.Cut: 2, faults.Refuse: 1}, "A": {faults.None: 1}}
	require.Equal(t, []string{"A: 1 requests", "B: 10 requests, 2 cut off, 1 refused"}, c.Lines())
	require.Equal(t, 11, c.Requests())
	require.Equal(t, map[faults.Kind]int{faults.Cut: 2, faults.Refuse: 1}, c.Faults())
}
