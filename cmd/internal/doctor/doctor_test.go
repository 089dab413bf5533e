package doctor_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/cmd/internal/doctor"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/internal/programtest"
)

// account stands in for AWS, where LocalStack knows neither permissions nor
// clocks that are wrong. All is well in it but for what a test changes.
type account struct {
	denied   map[string]bool // operations, such as SendMessageBatch
	identity int             // status of STS
	ahead    time.Duration   // of our clock

	mu    sync.Mutex
	asked []string
}

// answers are those of an account in which all is well.
func answers() map[string]string {
	return map[string]string{
		"DescribeTable": `{"Table":{"TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],` +
			`"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"B"}]}}`,
		"DescribeTimeToLive":    `{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"t"}}`,
		"BatchGetItem":          `{"Responses":{"records":[]}}`,
		"BatchExecuteStatement": `{"Responses":[{"Error":{"Code":"ConditionalCheckFailed","Message":"no"},"TableName":"records"}]}`,
	}
}

// queue is what SQS says of a queue.
func queue(url string) string {
	name := url[strings.LastIndex(url, "/")+1:]
	attributes := `"QueueArn":"arn:` + name + `","MessageRetentionPeriod":"1209600"`
	if name == "tasks" {
		attributes += `,"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:dead\",\"maxReceiveCount\":1000}"`
	}
	return `{"Attributes":{` + attributes + `}}`
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", time.Now().Add(a.ahead).UTC().Format(http.TimeFormat))
	body, _ := io.ReadAll(r.Body)
	_, operation, isJSON := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	a.mu.Lock()
	a.asked = append(a.asked, operation)
	a.mu.Unlock()
	switch {
	case !isJSON: // GetCallerIdentity
		a.identify(w)
	case a.denied[operation]:
		refuse(w, "AccessDeniedException")
	case operation == "GetQueueAttributes":
		_, url, _ := strings.Cut(string(body), `"QueueUrl":"`)
		url, _, _ = strings.Cut(url, `"`)
		_, _ = io.WriteString(w, queue(url))
	case answers()[operation] != "":
		_, _ = io.WriteString(w, answers()[operation])
	default:
		refuse(w, "AWS.SimpleQueueService.EmptyBatchRequest")
	}
}

func (a *account) identify(w http.ResponseWriter) {
	if a.identity != 0 {
		w.WriteHeader(a.identity)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>who?</Message></Error></ErrorResponse>`)
		return
	}
	_, _ = io.WriteString(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:me</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`)
}

func refuse(w http.ResponseWriter, code string) {
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprintf(w, `{"__type":"com.amazonaws#%s","message":"it says no"}`, code)
}

// examine returns the findings by their checks.
func examine(t *testing.T, a *account) map[string]doctor.Finding {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	programtest.UseEndpoint(t, server.URL)
	found := map[string]doctor.Finding{}
	for f := range doctor.Examine(t.Context(), func(context.Context) (config.Settings, error) {
		return config.Settings{QueueURL: server.URL + "/0/tasks", DLQURL: server.URL + "/0/dead", Table: "records"}, nil
	}) {
		found[f.Check] = f
	}
	require.Len(t, found, 13, "every check says something")
	return found
}

// requireOnly requires that of all checks only one found something wrong, which
// is refused.
func requireOnly(t *testing.T, found map[string]doctor.Finding, name, text string) {
	t.Helper()
	for check, f := range found {
		if check != name {
			require.Nil(t, f.Err, "%s: %s", check, f.Detail)
		}
	}
	require.Equal(t, doctor.Wrong, found[name].State)
	require.Contains(t, found[name].Detail, text)
	require.NotContains(t, found[name].Detail, "\n")
	require.Equal(t, program.Refused, program.Code(found[name].Err))
}

func TestHealthyAccount(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	a := &account{}
	for check, f := range examine(t, a) {
		require.Equal(t, doctor.OK, f.State, "%s: %s", check, f.Detail)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	require.Contains(t, a.asked, "DeleteMessageBatch")
}

func TestEachPermissionIsMissed(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	for operation, want := range map[string]struct{ check, text string }{
		"ReceiveMessage":               {"may take dead letters", "allow sqs:ReceiveMessage on the queue"},
		"ChangeMessageVisibilityBatch": {"may take dead letters", "allow sqs:ChangeMessageVisibility on the queue"},
		"DeleteMessageBatch":           {"may take dead letters", "allow sqs:DeleteMessage on the queue"},
		"BatchGetItem":                 {"may read records", "allow dynamodb:BatchGetItem on the table"},
		"BatchExecuteStatement":        {"may write records", "allow dynamodb:PartiQLInsert and dynamodb:PartiQLUpdate on the table"},
		"DescribeTimeToLive":           {"time to live", "allow dynamodb:DescribeTimeToLive on the table"},
	} {
		found := examine(t, &account{denied: map[string]bool{operation: true}})
		requireOnly(t, found, want.check, want.text)
	}
}

func TestMissingPermissionToPushIsFoundForBothQueues(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	found := examine(t, &account{denied: map[string]bool{"SendMessageBatch": true}})
	require.Contains(t, found["may push"].Detail, "sqs: send to tasks: refused")
	require.Contains(t, found["may take dead letters"].Detail, "sqs: send to dead: refused")
}

func TestClockThatIsWrong(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	for ahead, text := range map[time.Duration]string{
		3 * time.Minute:  "^(2m59s|3m0s) behind AWS's",
		-2 * time.Minute: "^2m[01]s ahead of AWS's",
	} {
		found := examine(t, &account{ahead: ahead})
		require.Equal(t, doctor.Wrong, found["clock"].State)
		require.Regexp(t, text, found["clock"].Detail)
		require.Equal(t, program.Usage, program.Code(found["clock"].Err))
	}
}

func TestCredentialsThatAWSDoesNotKnow(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	found := examine(t, &account{identity: http.StatusForbidden})
	requireOnly(t, found, "credentials", "InvalidClientTokenId: who?: check AWS_PROFILE")
	require.Equal(t, doctor.Skipped, found["queue"].State)
	require.Equal(t, "credentials is wrong", found["queue"].Detail)
	require.Equal(t, doctor.Skipped, found["time to live"].State, "what is skipped is no ground to go on")
}
