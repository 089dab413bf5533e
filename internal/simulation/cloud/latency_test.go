package cloud_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// TestLatency: calls take as long as they are said to, and one of a hundred eight
// times that.
func TestLatency(t *testing.T) {
	t.Parallel()
	const calls, queueRTT, tableRTT = 4000, 10 * time.Millisecond, 5 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		c := cloud.New(1, history.NewLog(), cloud.NewWeather(drawn(1), 0, cloud.Faults()))
		c.Latency = &cloud.Latency{Queues: queueRTT, Table: tableRTT}
		c.AddQueue("https://sqs/q", 10, 10, "https://sqs/d")
		p := c.Start("p", false)
		for of, call := range map[time.Duration]func(context.Context) error{
			queueRTT: func(ctx context.Context) error {
				_, err := p.Queues().GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: new("https://sqs/q")})
				return err
			},
			tableRTT: func(ctx context.Context) error {
				_, err := p.Table().DescribeTable(ctx, &awsdynamodb.DescribeTableInput{TableName: new("t")})
				return err
			},
		} {
			took := make([]time.Duration, calls)
			for i := range took {
				began := time.Now()
				require.NoError(t, call(t.Context()))
				took[i] = time.Since(began)
			}
			slices.Sort(took)
			require.InDelta(t, of, took[calls/2], float64(of)/50, "the median")
			require.GreaterOrEqual(t, took[0], of*9/10)
			slow, _ := slices.BinarySearch(took, 2*of)
			require.LessOrEqual(t, took[slow-1], of*11/10, "those that are not slow")
			require.InDelta(t, calls/100, calls-slow, calls/200, "slow ones")
			require.InDelta(t, 8*of, took[slow], float64(of)/5, "a slow one")
		}
	})
}
