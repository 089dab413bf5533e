package sqs_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

// groups sends messages and returns what SQS is told of their order.
func groups(t *testing.T, newBroker func(sqs.API, ...sqs.Option) *sqs.Broker, msgs ...port.Message) (sent []string) {
	t.Helper()
	f := &fake{}
	require.NoError(t, newBroker(f).Send(t.Context(), msgs))
	value := func(s *string) string {
		if s == nil {
			return "none"
		}
		return *s
	}
	for _, e := range f.sends[0].Entries {
		require.Zero(t, e.DelaySeconds)
		sent = append(sent, value(e.MessageGroupId)+" "+value(e.MessageDeduplicationId))
	}
	return sent
}

func TestGroupAndIDGoToTheQueueThatKnowsThem(t *testing.T) {
	t.Parallel()
	msgs := []port.Message{{ID: "id-1", Body: []byte("x"), Group: "g"}, {ID: "id-2", Body: []byte("x")}}
	require.Equal(t, []string{"g id-1", "id-2 id-2"}, groups(t, sqs.NewFakeFIFO, msgs...))
	require.Equal(t, []string{"g none", "none none"}, groups(t, sqs.NewFake, msgs...))
}

// Messages must not overtake those whose request failed; on a standard queue there
// is nothing to overtake.
func TestNothingOvertakesARequestThatFailed(t *testing.T) {
	t.Parallel()
	msgs := make([]port.Message, 3)
	for i := range msgs {
		msgs[i] = port.Message{ID: fmt.Sprint("id-", i), Body: []byte(strings.Repeat("x", 600<<10)), Group: "g"}
	}
	for name, newBroker := range map[string]func(sqs.API, ...sqs.Option) *sqs.Broker{"standard": sqs.NewFake, "fifo": sqs.NewFakeFIFO} {
		f := &fake{fail: map[string]types.BatchResultErrorEntry{"0": entryError("ThrottlingException", false)}}
		err := newBroker(f).Send(t.Context(), msgs)
		require.ErrorIs(t, port.ItemError(err, 0), port.ErrUnavailable, name)
		if name == "standard" {
			require.Len(t, f.sends, 3)
			require.NoError(t, port.ItemError(err, 2))
			continue
		}
		require.Len(t, f.sends, 1)
		requireClass(t, port.ItemError(err, 1), port.ErrUnavailable, name)
		require.ErrorContains(t, port.ItemError(err, 2), "not sent, as an earlier message of the batch was not")
	}
}

func TestLimitsSayWhetherTheQueueKeepsOrder(t *testing.T) {
	t.Parallel()
	for _, ordered := range []bool{false, true} {
		newBroker := sqs.NewFake
		if ordered {
			newBroker = sqs.NewFakeFIFO
		}
		limits, err := newBroker(&fake{}).Limits(t.Context())
		require.NoError(t, err)
		require.Equal(t, ordered, limits.Ordered)
	}
}

func TestProvisionOfQueuesOfTwoKindsIsRefused(t *testing.T) {
	t.Parallel()
	client := awssqs.New(awssqs.Options{HTTPClient: transport(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("a call")
	})})
	for _, in := range []sqs.ProvisionInput{{Queue: "a.fifo", DeadQueue: "a-dead"}, {Queue: "a", DeadQueue: "a-dead.fifo"}} {
		_, _, err := sqs.Provision(t.Context(), client, in)
		requireClass(t, err, port.ErrInvalid, in.Queue)
		require.ErrorContains(t, err, "both names end in .fifo, or neither")
	}
}

func TestProvisionMakesFIFOQueues(t *testing.T) {
	t.Parallel()
	client := awssqs.NewFromConfig(localstack.Config(t))
	in := sqs.ProvisionInput{Queue: localstack.Name(t) + ".fifo", DeadQueue: localstack.Name(t) + ".fifo"}
	queueURL, deadURL, err := sqs.Provision(t.Context(), client, in)
	require.NoError(t, err)
	again, _, err := sqs.Provision(t.Context(), client, in)
	require.NoError(t, err)
	require.Equal(t, queueURL, again)
	for _, url := range []string{queueURL, deadURL} {
		requireAttributes(t, client, url, map[string]string{
			"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId",
			"ContentBasedDeduplication": strconv.FormatBool(false),
		})
	}
	b := sqs.New(client, queueURL, sqs.PollWait(time.Second))
	require.NoError(t, b.Check(t.Context()))
	require.NoError(t, b.Send(t.Context(), []port.Message{{ID: "id-1", Body: []byte("x"), Group: "g"}}))
	into := make([]port.Delivery, 1)
	n, err := b.Receive(t.Context(), into)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, "g", into[0].Group)
}
