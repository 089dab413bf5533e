package main

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/internal/programtest"
)

// entry is one of a batch, in a request to SQS and in its answer.
type entry struct {
	ID   string `json:"Id"`
	Body string `json:"MessageBody,omitempty"`
	Code string `json:"Code,omitempty"`
	Sum  string `json:"MD5OfMessageBody,omitempty"`
	Name string `json:"MessageId,omitempty"`
}

// doubtfulQueue is a queue that says of each task with the payload "doubt" that
// something went wrong. It keeps order if its name says so.
func doubtfulQueue(t *testing.T, queue string) (url string, took *[]string) {
	t.Helper()
	took = new([]string)
	ordered := strings.HasSuffix(queue, ".fifo")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "SendMessageBatch") {
			_, _ = fmt.Fprintf(w, `{"Attributes":{"QueueArn":"arn:aws:sqs:us-east-1:000000000000:%s","FifoQueue":"%v"}}`, queue, ordered)
			return
		}
		var in struct {
			Entries []entry `json:"Entries"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		var out struct {
			Successful []entry `json:"Successful"`
			Failed     []entry `json:"Failed"`
		}
		for _, e := range in.Entries {
			if strings.Contains(e.Body, "doubt") {
				out.Failed = append(out.Failed, entry{ID: e.ID, Code: "InternalError"})
				continue
			}
			var body struct {
				Payload string `json:"payload"`
			}
			_ = json.Unmarshal([]byte(e.Body), &body)
			*took = append(*took, body.Payload)
			sum := md5.Sum([]byte(e.Body))
			out.Successful = append(out.Successful, entry{ID: e.ID, Name: e.ID, Sum: hex.EncodeToString(sum[:])})
		}
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(s.Close)
	programtest.UseEndpoint(t, s.URL)
	return s.URL + "/000000000000/" + queue, took
}

// TestTaskInDoubtIsNamed: who does not know whether his task was pushed needs its ID to
// push it again as the same one, and the others of a file are pushed.
func TestTaskInDoubtIsNamed(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	const named = `outcome unknown.*: to push it again as the same task, give it the ID [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n`
	url, _ := doubtfulQueue(t, "q")
	r := programtest.Main(run).Run(t, programtest.Call{Args: []string{"push", "--queue-url", url, "mail", `"doubt"`}})
	require.Equal(t, program.Refused, r.Code, r.Stderr)
	require.Regexp(t, named, r.Stderr)
	var in strings.Builder
	for i := range 30 {
		payload := "fine"
		if i == 3 {
			payload = "doubt"
		}
		fmt.Fprintf(&in, `{"type":"mail","payload":%q}`+"\n", payload)
	}
	r = programtest.Main(run).Run(t, programtest.Call{Args: []string{"push", "--queue-url", url, "-"}, Stdin: in.String()})
	require.Equal(t, program.Refused, r.Code, r.Stderr)
	require.Regexp(t, `line 4: .*`+named, r.Stderr)
	require.Equal(t, 29, strings.Count(r.Stdout, "\n"), r.Stdout)
}

// TestLinesOfAGroupKeepTheirOrder: behind one that was not pushed, in this call or an earlier one, or that was bad, none
// of its group is. Other groups go on.
func TestLinesOfAGroupKeepTheirOrder(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	for name, bad := range map[string]string{ //nolint:paralleltest // the SDK reads the environment of the process
		"in doubt": `{"type":"mail","payload":"doubt","group":"g"}`,
		"refused":  `{"type":"no type","group":"g"}`,
		"option":   `{"type":"mail","group":"g","maxAttempts":-1}`,
		"bad":      `{"payload":1,"group":"g"}`,
	} {
		t.Run(name, func(t *testing.T) {
			url, took := doubtfulQueue(t, "q.fifo")
			var in strings.Builder
			for i := 1; i <= 40; i++ {
				line := fmt.Sprintf(`{"type":"mail","payload":"%02d","group":"%s"}`, i, map[bool]string{true: "g", false: "other"}[i <= 30])
				if i == 4 {
					line = bad
				}
				in.WriteString(line + "\n")
			}
			r := programtest.Main(run).Run(t, programtest.Call{Args: []string{"push", "--queue-url", url, "-"}, Stdin: in.String()})
			require.Equal(t, program.Refused, r.Code, r.Stderr)
			require.Contains(t, r.Stderr, "line 30: unavailable: not sent, as an earlier line of group g was not\n")
			require.Subset(t, *took, []string{"01", "02", "03", "31", "40"})
			for _, payload := range *took {
				// Of one call SQS may take the later and not the earlier (docs/reliability.md).
				behind := payload > "10" || name != "in doubt" && payload > "04"
				require.False(t, behind && payload <= "30", "%s was pushed though line 4 was not", payload)
			}
		})
	}
}

// TestLinesThatAreNotPushedAreNamed: nobody takes any.
func TestLinesThatAreNotPushedAreNamed(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "SendMessageBatch") {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(w, `{"__type":"AccessDenied"}`)
			return
		}
		_, _ = fmt.Fprint(w, `{"Attributes":{"QueueArn":"arn:aws:sqs:us-east-1:000000000000:q"}}`)
	}))
	t.Cleanup(s.Close)
	programtest.UseEndpoint(t, s.URL)
	r := programtest.Main(run).Run(t, programtest.Call{
		Args: []string{"push", "--queue-url", s.URL + "/000000000000/q", "-"}, Stdin: strings.Repeat(`{"type":"mail","payload":1}`+"\n", 30),
	})
	require.Equal(t, program.Refused, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "line 10: ")
	require.Contains(t, r.Stderr, "lines from 11 on were not pushed")
}
