package handlers_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/handlers"
)

// runs pushes one task to a worker of its own and returns its record.
func runs(t *testing.T, taskType, payload string) goflow.Record {
	t.Helper()
	mux := goflow.NewMux()
	handlers.Register(mux)
	broker, store := memory.NewBroker(), memory.NewStore()
	worker, err := goflow.NewWorker(broker, store, mux, goflow.NoDeadLetters(),
		goflow.MaxAttempts(3), goflow.Backoff(time.Millisecond, time.Millisecond))
	require.NoError(t, err)
	client, err := goflow.NewClient(broker, store)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	id, err := client.Push(ctx, taskType, json.RawMessage(payload))
	require.NoError(t, err)
	rec, err := client.Wait(ctx, id)
	require.NoError(t, err)
	return rec
}

func TestSamples(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.NotFound(w, r)
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		default:
			_, _ = w.Write([]byte("hello"))
		}
	}))
	t.Cleanup(site.Close)
	for name, test := range map[string]struct {
		taskType, payload string
		state             task.State
		failed            int
		want              string // the result, or part of the error
	}{
		"echo gives an object back":        {"sample.echo", `{"a":[1,null]}`, task.Done, 0, `{"a":[1,null]}`},
		"echo gives null back":             {"sample.echo", `null`, task.Done, 0, `null`},
		"hash digests once unless told":    {"sample.hash", `{"text":"abc"}`, task.Done, 0, `{"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","rounds":1}`},
		"hash digests the digest":          {"sample.hash", `{"text":"abc","rounds":2}`, task.Done, 0, `{"sha256":"4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358","rounds":2}`},
		"hash refuses too many rounds":     {"sample.hash", `{"rounds":1000001}`, task.Dead, 1, "give 1 to 1000000"},
		"hash refuses fewer than none":     {"sample.hash", `{"rounds":-1}`, task.Dead, 1, "give 1 to 1000000"},
		"fetch reports status and size":    {"sample.fetch", `{"url":"` + site.URL + `"}`, task.Done, 0, `{"status":200,"bytes":5}`},
		"fetch takes 404 as final":         {"sample.fetch", `{"url":"` + site.URL + `/missing"}`, task.Dead, 1, "404"},
		"fetch tries again after 502":      {"sample.fetch", `{"url":"` + site.URL + `/broken"}`, task.Dead, 3, "502"},
		"fetch refuses other schemes":      {"sample.fetch", `{"url":"file:///etc/passwd"}`, task.Dead, 1, "http://"},
		"fetch refuses what is no URL":     {"sample.fetch", `{"url":"http://a b"}`, task.Dead, 1, "url"},
		"flaky succeeds after its fails":   {"sample.flaky", `{"fail":2}`, task.Done, 2, `{"attempt":3}`},
		"flaky dies when it fails too far": {"sample.flaky", `{"fail":3}`, task.Dead, 3, "attempt 3 of 3"},
		"fail fails for good":              {"sample.fail", `{"message":"no"}`, task.Dead, 1, "no"},
		"panic is an error of each run":    {"sample.panic", `{"message":"oh"}`, task.Dead, 3, "panic: oh"},
		"a payload of another type fails":  {"sample.hash", `[1]`, task.Dead, 1, "payload"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := runs(t, test.taskType, test.payload)
			require.Equal(t, test.state, rec.State, rec.Error)
			require.Equal(t, test.failed, rec.Attempts)
			if rec.State == task.Done {
				require.JSONEq(t, test.want, string(rec.Result))
			} else {
				require.Contains(t, rec.Error, test.want)
			}
		})
	}
}

func TestFetchHidesPasswords(t *testing.T) {
	t.Parallel()
	rec := runs(t, "sample.fetch", `{"url":"ftp://me:secret@host/"}`)
	require.Equal(t, task.Dead, rec.State)
	require.NotContains(t, rec.Error, "secret")
	require.True(t, strings.Contains(rec.Error, "xxxxx"), rec.Error)
}
