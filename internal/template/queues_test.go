package template_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/template"
)

var queueKinds = map[string]map[string]string{"standard": nil, "fifo": {"Fifo": "true"}}

func TestQueuesTakeTLSOnly(t *testing.T) {
	t.Parallel()

	s := template.Read(t).Stack(t, nil)
	denied := map[any]bool{}
	for _, policy := range s.OfType("AWS::SQS::QueuePolicy") {
		for _, statement := range s.Statements() {
			if statement.Owner != policy || statement.Effect != "Deny" {
				continue
			}
			require.Equal(t, map[string]any{
				"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": statement.Resources[0],
				"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
			}, statement.All)
			queue := statement.Resources[0]
			// A policy says nothing about a queue that it isn't attached to.
			require.Equal(t, []any{queue[:len(queue)-len(".Arn}")] + "}"}, s.Property(policy, "Queues"))
			denied[queue] = true
		}
	}
	queues := s.OfType("AWS::SQS::Queue")
	require.Len(t, queues, 2)
	for _, queue := range queues {
		require.True(t, denied["${"+queue+".Arn}"], "%s is open to plain HTTP", queue)
	}
}

// Each queue names the other, one of them by a name that is put together: a typing
// error there would only be noticed when SQS keeps its first dead letter.
func TestQueuesKnowEachOther(t *testing.T) {
	t.Parallel()

	for kind, given := range queueKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()

			s := template.Read(t).Stack(t, given)
			suffix, fifo := "", any(nil)
			if kind == "fifo" {
				suffix, fifo = ".fifo", "true"
			}
			require.Equal(t, map[string]any{"deadLetterTargetArn": "${DeadQueue.Arn}", "maxReceiveCount": "1000"},
				s.Property("Queue", "RedrivePolicy"))
			require.Equal(t, map[string]any{
				"redrivePermission": "byQueue",
				"sourceQueueArns": []any{
					"arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:" + template.Text(s.Property("Queue"), "QueueName"),
				},
			}, s.Property("DeadQueue", "RedriveAllowPolicy"))
			// A stack named goflow and what goflow provision makes have room beside each other.
			queue, dead := s.Property("Queue", "QueueName"), s.Property("DeadQueue", "QueueName")
			require.Equal(t, []any{"goflow-queue" + suffix, "goflow-dead" + suffix}, []any{queue, dead})
			require.NotContains(t, []any{queue, dead}, goflow.DefaultQueue)
			require.NotContains(t, []any{queue, dead}, goflow.DefaultDeadQueue)
			require.Equal(t, fifo, s.Property("Queue", "FifoQueue"))
			require.Equal(t, fifo, s.Property("DeadQueue", "FifoQueue"))
			require.Equal(t, days(7), seconds(t, s.Property("Queue", "MessageRetentionPeriod")))
			require.Equal(t, days(14), seconds(t, s.Property("DeadQueue", "MessageRetentionPeriod")))
		})
	}
}

// The stack may go; tasks and results stay.
func TestDataOutlivesTheStack(t *testing.T) {
	t.Parallel()

	s := template.Read(t).Stack(t, nil)
	holders := append(s.OfType("AWS::SQS::Queue"), s.OfType("AWS::DynamoDB::Table")...)
	require.Len(t, holders, 3)
	for _, id := range holders {
		require.Equal(t, "Retain", template.Text(s.Resources[id], "DeletionPolicy"), id)
		require.Equal(t, "Retain", template.Text(s.Resources[id], "UpdateReplacePolicy"), id)
	}
}

func TestTableIsWhatTheStoreExpects(t *testing.T) {
	t.Parallel()

	for _, recovery := range []string{"true", "false"} {
		s := template.Read(t).Stack(t, map[string]string{"PointInTimeRecovery": recovery})
		require.Equal(t, map[string]any{
			"BillingMode":             "PAY_PER_REQUEST",
			"AttributeDefinitions":    []any{map[string]any{"AttributeName": "id", "AttributeType": "B"}},
			"KeySchema":               []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
			"TimeToLiveSpecification": map[string]any{"AttributeName": "t", "Enabled": "true"},
			"PointInTimeRecoverySpecification": map[string]any{
				"PointInTimeRecoveryEnabled": recovery,
			},
		}, s.Property("Table"))
	}
}

// What SQS and Lambda have to report so that somebody comes in time.
func TestAlarms(t *testing.T) {
	t.Parallel()

	queue := func(id string) []any {
		return []any{map[string]any{"Name": "QueueName", "Value": "${" + id + ".QueueName}"}}
	}
	worker := []any{map[string]any{"Name": "FunctionName", "Value": "${Worker}"}}
	want := map[string][]any{
		"DeadLettersAlarm": {"AWS/SQS", "ApproximateNumberOfMessagesVisible", queue("DeadQueue"), "GreaterThanThreshold", "0"},
		"AgeOfTasksAlarm":  {"AWS/SQS", "ApproximateAgeOfOldestMessage", queue("Queue"), "GreaterThanOrEqualToThreshold", "3600"},
		"InFlightAlarm":    {"AWS/SQS", "ApproximateNumberOfMessagesNotVisible", queue("Queue"), "GreaterThanThreshold", "100000"},
		"ErrorsAlarm":      {"AWS/Lambda", "Errors", worker, "GreaterThanThreshold", "0"},
		"ThrottlesAlarm":   {"AWS/Lambda", "Throttles", worker, "GreaterThanThreshold", "0"},
	}
	with, without := template.Read(t).Stack(t, template.Everything()), template.Read(t).Stack(t, nil)
	topic := []any{template.Everything()["AlarmTopicArn"]}
	got := map[string][]any{}
	for _, id := range with.OfType("AWS::CloudWatch::Alarm") {
		for _, name := range []string{"Namespace", "MetricName", "Dimensions", "ComparisonOperator", "Threshold"} {
			got[id] = append(got[id], with.Property(id, name))
		}
		require.Equal(t, topic, with.Property(id, "AlarmActions"), id)
		require.Equal(t, topic, with.Property(id, "OKActions"), id)
		require.Nil(t, without.Property(id, "AlarmActions"), id)
		require.Equal(t, "notBreaching", with.Property(id, "TreatMissingData"), id)
	}
	require.Equal(t, want, got)
}
