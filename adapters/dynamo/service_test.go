package dynamo_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// request is one that reached the service.
type request struct {
	action string
	body   map[string]any
}

// service is a network with a DynamoDB of one table, below the real SDK.
type service struct {
	status    string                                      // of the table
	keyType   string                                      // of its attribute id
	keySchema string                                      // as JSON
	ttl       string                                      // its description, as JSON
	fail      func(action string, nth int) *http.Response // nil: the answer
	takes     time.Duration                               // each call
	requests  []request
}

func newService() *service {
	return &service{
		status: "ACTIVE", keyType: "B", keySchema: `[{"AttributeName":"id","KeyType":"HASH"}]`, ttl: `{"TimeToLiveStatus":"DISABLED"}`,
	}
}

func (s *service) Do(r *http.Request) (*http.Response, error) {
	req := request{action: r.Header.Get("X-Amz-Target")[len("DynamoDB_20120810."):]}
	if err := json.NewDecoder(r.Body).Decode(&req.body); err != nil {
		return nil, err
	}
	s.requests = append(s.requests, req)
	time.Sleep(s.takes)
	if s.fail != nil {
		if answer := s.fail(req.action, s.count(req.action)); answer != nil {
			return answer, nil
		}
	}
	switch req.action {
	case "DescribeTable":
		return jsonAnswer(200, fmt.Sprintf(
			`{"Table":{"TableStatus":%q,"KeySchema":%s,"AttributeDefinitions":[{"AttributeName":"other","AttributeType":"S"},{"AttributeName":"id","AttributeType":%q}]}}`,
			s.status, s.keySchema, s.keyType)), nil
	case "DescribeTimeToLive":
		return jsonAnswer(200, `{"TimeToLiveDescription":`+s.ttl+`}`), nil
	}
	return jsonAnswer(200, `{}`), nil
}

func (s *service) count(action string) (n int) {
	for _, r := range s.requests {
		if r.action == action {
			n++
		}
	}
	return n
}

func (s *service) names() (names []string) {
	for _, r := range s.requests {
		names = append(names, r.action)
	}
	return names
}

// refuse answers an error.
func refuse(status int, code string) *http.Response {
	answer, _ := refusal(status, code)(nil) // never fails
	return answer
}

func TestProvisionMakesATableThatForgets(t *testing.T) {
	t.Parallel()
	s := newService()
	require.NoError(t, dynamo.Provision(t.Context(), clientOver(s.Do), "tasks"))
	require.Equal(t, []string{"CreateTable", "DescribeTable", "DescribeTable", "DescribeTimeToLive", "UpdateTimeToLive"}, s.names())
	made := s.requests[0].body
	require.Equal(t, []any{"tasks", "PAY_PER_REQUEST"}, []any{made["TableName"], made["BillingMode"]})
	require.Equal(t, []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}}, made["KeySchema"])
	require.Equal(t, []any{map[string]any{"AttributeName": "id", "AttributeType": "B"}}, made["AttributeDefinitions"])
	require.Equal(t, map[string]any{"AttributeName": dynamo.ExpiryAttribute, "Enabled": true}, s.requests[4].body["TimeToLiveSpecification"])
}

// TestProvisionMayBeRepeated: DynamoDB takes a second table, and a second time to
// live, for errors.
func TestProvisionMayBeRepeated(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"ENABLED", "ENABLING"} {
		s := newService()
		s.ttl = fmt.Sprintf(`{"TimeToLiveStatus":%q,"AttributeName":"t"}`, status)
		s.fail = func(action string, _ int) *http.Response {
			if action == "CreateTable" {
				return refuse(400, "ResourceInUseException")
			}
			return nil
		}
		require.NoError(t, dynamo.Provision(t.Context(), clientOver(s.Do), "tasks"))
		require.Zero(t, s.count("UpdateTimeToLive"), status)
	}
}

func TestProvisionWaitsForItsTable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.status, s.takes = "CREATING", 10*time.Millisecond // the SDK waits for ever where a call takes no time
		begin := time.Now()
		s.fail = func(string, int) *http.Response {
			if time.Since(begin) >= time.Minute {
				s.status = "ACTIVE"
			}
			return nil
		}
		require.NoError(t, dynamo.Provision(t.Context(), clientOver(s.Do), "tasks"))
		require.InDelta(t, 62, time.Since(begin).Seconds(), 5, "a look every five seconds at least")

		s.status, s.fail = "CREATING", nil
		begin = time.Now()
		err := dynamo.Provision(t.Context(), clientOver(s.Do), "tasks")
		requireClass(t, err, port.ErrUnavailable, "it is never made")
		require.InDelta(t, 120, time.Since(begin).Seconds(), 6)
	})
}

// TestProvisionThatFails says what is to be allowed, wherever it fails, and tries
// nothing after that.
func TestProvisionThatFails(t *testing.T) {
	t.Parallel()
	const all = "allow dynamodb:CreateTable, dynamodb:DescribeTable, dynamodb:DescribeTimeToLive and dynamodb:UpdateTimeToLive on the table"
	for _, c := range []struct {
		action string
		nth    int
		want   string
	}{
		{"CreateTable", 1, "dynamo: provision tasks: refused: AccessDenied: it says no; " + all},
		{"DescribeTable", 1, "dynamo: provision tasks: refused: AccessDenied: it says no; " + all},
		{"DescribeTable", 2, "dynamo: describe tasks: refused: AccessDenied: it says no; allow dynamodb:DescribeTable on the table"},
		{"DescribeTimeToLive", 1, "dynamo: provision tasks: refused: AccessDenied: it says no; " + all},
		{"UpdateTimeToLive", 1, "dynamo: provision tasks: refused: AccessDenied: it says no; " + all},
	} {
		s := newService()
		s.fail = func(action string, nth int) *http.Response {
			if action == c.action && nth >= c.nth {
				return refuse(400, "AccessDeniedException")
			}
			return nil
		}
		err := dynamo.Provision(t.Context(), clientOver(s.Do), "tasks")
		requireClass(t, err, port.ErrRefused, c.action)
		require.ErrorContains(t, err, c.want)
		require.Equal(t, c.action, s.requests[len(s.requests)-1].action, "the last thing that was tried")
	}
}

func TestCheckLooksAtKeyAndState(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*service)
		class  error
		want   string
	}{
		"active":      {func(*service) {}, nil, ""},
		"updating":    {func(s *service) { s.status = "UPDATING" }, nil, ""},
		"creating":    {func(s *service) { s.status = "CREATING" }, port.ErrUnavailable, "the table is CREATING; try again in a minute"},
		"key of text": {func(s *service) { s.keyType = "S" }, port.ErrRefused, "its key must be the binary attribute id alone"},
		"another key": {func(s *service) { s.keySchema = `[{"AttributeName":"name","KeyType":"HASH"}]` }, port.ErrRefused, "its key must"},
		"a sort key": {func(s *service) {
			s.keySchema = `[{"AttributeName":"id","KeyType":"HASH"},{"AttributeName":"g","KeyType":"RANGE"}]`
		}, port.ErrRefused, "its key must"},
		"a key of no type":  {func(s *service) { s.keySchema = `[{"AttributeName":"id","KeyType":"HASH"}]`; s.keyType = "" }, port.ErrRefused, "its key must"},
		"an answer of none": {func(s *service) { s.fail = func(string, int) *http.Response { return jsonAnswer(200, `{}`) } }, port.ErrRefused, "its key must"},
		"a key not described": {func(s *service) {
			s.fail = func(string, int) *http.Response {
				return jsonAnswer(200, `{"Table":{"TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}}`)
			}
		}, port.ErrRefused, "its key must"},
		"a forbidden one": {func(s *service) {
			s.fail = func(string, int) *http.Response { return refuse(400, "AccessDeniedException") }
		}, port.ErrRefused, "allow dynamodb:DescribeTable on the table"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService()
			c.change(s)
			err := over(s.Do).Check(t.Context())
			if c.class == nil {
				require.NoError(t, err)
				return
			}
			requireClass(t, err, c.class, name)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestExpiryIsTheAttributeThatIsReallyUsed(t *testing.T) {
	t.Parallel()
	for ttl, want := range map[string]string{
		`{"TimeToLiveStatus":"ENABLED","AttributeName":"t"}`:   "t",
		`{"TimeToLiveStatus":"ENABLING","AttributeName":"t"}`:  "t",
		`{"TimeToLiveStatus":"ENABLED","AttributeName":"old"}`: "old",
		`{"TimeToLiveStatus":"DISABLING","AttributeName":"t"}`: "",
		`{"TimeToLiveStatus":"DISABLED"}`:                      "",
		`null`:                                                 "",
	} {
		s := newService()
		s.ttl = ttl
		got, err := dynamo.Expiry(t.Context(), clientOver(s.Do), "tasks")
		require.NoError(t, err)
		require.Equal(t, want, got, ttl)
	}
	_, err := dynamo.Expiry(t.Context(), clientOver(refusal(400, "AccessDeniedException")), "tasks")
	requireClass(t, err, port.ErrRefused, "forbidden")
	require.ErrorContains(t, err, "dynamo: read the time to live of tasks: ")
	require.ErrorContains(t, err, "allow dynamodb:DescribeTimeToLive on the table")
}

// TestPermissionIsAskedWithoutWriting: the update is of a row that is not there,
// and makes none.
func TestPermissionIsAskedWithoutWriting(t *testing.T) {
	t.Parallel()
	answers := func(responses ...types.BatchStatementResponse) *fake {
		return &fake{write: func(int, []types.BatchStatementRequest) ([]types.BatchStatementResponse, error) {
			return responses, nil
		}}
	}
	says := func(code types.BatchStatementErrorCodeEnum) *fake {
		return answers(types.BatchStatementResponse{Error: &types.BatchStatementError{Code: code}})
	}
	for name, c := range map[string]struct {
		f     *fake
		class error
	}{
		"granted":         {says(condition), nil},
		"granted at once": {answers(types.BatchStatementResponse{}), nil},
		"forbidden":       {says(types.BatchStatementErrorCodeEnumAccessDenied), port.ErrRefused},
		"no table":        {says(types.BatchStatementErrorCodeEnumResourceNotFound), port.ErrRefused},
		"throttled":       {says(types.BatchStatementErrorCodeEnumThrottlingError), port.ErrUnavailable},
		"no answer":       {answers(), port.ErrUnavailable},
	} {
		err := dynamo.NewFake(c.f).MayUpdate(t.Context())
		require.Equal(t, `UPDATE "tasks" SET w = ? WHERE id = ? AND attribute_exists(id)`, *c.f.calls[0][0].Statement)
		if c.class == nil {
			require.NoError(t, err, name)
			continue
		}
		requireClass(t, err, c.class, name)
	}
	err := over(refusal(400, "AccessDeniedException")).MayUpdate(t.Context())
	requireClass(t, err, port.ErrRefused, "as a whole")
	require.ErrorContains(t, err, "allow dynamodb:PartiQLInsert and dynamodb:PartiQLUpdate on the table")
	asked := map[string]bool{}
	for range 3 {
		f := says(condition)
		require.NoError(t, dynamo.NewFake(f).MayUpdate(t.Context()))
		asked[showValue(f.calls[0][0].Parameters[1])] = true
	}
	require.Len(t, asked, 3, "no task has that ID, nor gets it")
}
