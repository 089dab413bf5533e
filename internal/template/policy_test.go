package template_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/template"
)

// allowed returns every statement that allows something, with all options on.
func allowed(t *testing.T) []template.Statement {
	t.Helper()

	statements := template.Read(t).Stack(t, template.Everything()).Statements()
	statements = slices.DeleteFunc(statements, func(s template.Statement) bool { return s.Effect != "Allow" })
	require.NotEmpty(t, statements)

	return statements
}

// ownStack is the stack as those ask for it who know its name only: its ARN ends
// in an ID, and IAM puts an asterisk there when a request has none.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html
const ownStack = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/goflow/*"

// A policy without bounds is one that nobody notices until it is used.
func TestNothingIsAllowedByAsterisk(t *testing.T) {
	t.Parallel()

	for _, s := range allowed(t) {
		for _, key := range []string{"NotAction", "NotResource", "NotPrincipal"} {
			require.NotContains(t, s.All, key, "%s allows what it doesn't name", s.Owner)
		}
		require.NotContains(t, strings.Join(s.Actions, " "), "*", "%s", s.Owner)
		require.NotContains(t, template.Text(s.All, "Principal")+template.Text(s.All, "Principal", "AWS"), "*", "%s", s.Owner)
		// X-Ray knows no resources.
		trace := func(action string) bool { return strings.HasPrefix(action, "xray:Put") }
		if !slices.ContainsFunc(s.Actions, func(a string) bool { return !trace(a) }) {
			continue
		}
		require.NotContains(t, strings.ReplaceAll(strings.Join(s.Resources, " "), ownStack, ""), "*", "%s allows %v", s.Owner, s.Actions)
	}
}

func TestTheTableIsNeverReadAsAWhole(t *testing.T) {
	t.Parallel()

	for _, s := range allowed(t) {
		for _, action := range s.Actions {
			require.NotRegexp(t, `(?i)^dynamodb:(PartiQLSelect|Scan|Query|ExportTable\w*)$`, action, s.Owner)
		}
	}
}

// LocalStack enforces no policy, so an action on the wrong kind of thing would
// be found on AWS only.
func TestActionsFitWhatTheyAreAllowedOn(t *testing.T) {
	t.Parallel()

	s := template.Read(t).Stack(t, template.Everything())
	owners := map[string]string{"sqs": "AWS::SQS::Queue", "dynamodb": "AWS::DynamoDB::Table", "logs": "AWS::Logs::LogGroup"}
	others := map[string]string{"kms": s.Parameters["KmsKeyArn"], "xray": "*", "cloudformation": ownStack}
	for _, statement := range allowed(t) {
		if service := template.Text(statement.All, "Principal", "Service"); service != "" {
			require.Equal(t, []string{"lambda.amazonaws.com", "sts:AssumeRole"}, append([]string{service}, statement.Actions...))
			continue
		}
		require.NotEmpty(t, statement.Resources, statement.Owner)
		require.NotEmpty(t, statement.Actions, statement.Owner)
		for _, action := range statement.Actions {
			service, _, _ := strings.Cut(action, ":")
			for _, resource := range statement.Resources {
				if id, isArn := strings.CutSuffix(strings.TrimPrefix(resource, "${"), ".Arn}"); isArn {
					require.Equal(t, owners[service], template.Text(s.Resources[id], "Type"), "%s on %s in %s", action, resource, statement.Owner)
				} else {
					require.Equal(t, others[service], resource, "%s in %s", action, statement.Owner)
				}
			}
		}
	}
}

// SAM attaches managed policies of AWS's, for all queues and logs, to a role that
// it makes itself.
func TestRolesAreOurOwn(t *testing.T) {
	t.Parallel()

	s := template.Read(t).Stack(t, nil)
	functions := s.OfType("AWS::Serverless::Function")
	require.NotEmpty(t, functions)
	for _, id := range functions {
		require.Equal(t, "${WorkerRole.Arn}", s.Property(id, "Role"))
		require.Nil(t, s.Property(id, "Policies"), id)
	}
	for _, id := range s.OfType("AWS::IAM::Role") {
		require.Nil(t, s.Property(id, "ManagedPolicyArns"), id)
	}
}

// The dead are the worker's to send and the operator's to take.
func TestWhoMayDoWhatWithQueues(t *testing.T) {
	t.Parallel()

	want := map[string][]string{
		"WorkerRole Queue":         {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:SendMessage"},
		"WorkerRole DeadQueue":     {"sqs:SendMessage"},
		"ProducerPolicy Queue":     {"sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"},
		"ProducerPolicy DeadQueue": {"sqs:GetQueueAttributes", "sqs:GetQueueUrl"},
		"OperatorPolicy Queue":     {"sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"},
		"OperatorPolicy DeadQueue": {
			"sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks", "sqs:CancelMessageMoveTask", "sqs:ReceiveMessage",
			"sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
		},
	}
	got := map[string][]string{}
	for _, s := range allowed(t) {
		if len(s.Actions) > 0 && strings.HasPrefix(s.Actions[0], "sqs:") {
			for _, resource := range s.Resources {
				key := s.Owner + " " + strings.TrimSuffix(strings.TrimPrefix(resource, "${"), ".Arn}")
				got[key] = append(got[key], s.Actions...)
			}
		}
	}
	require.Equal(t, want, got)
}

func TestGranted(t *testing.T) {
	t.Parallel()

	granted := template.Granted(t, "WorkerRole")
	require.IsIncreasing(t, granted)
	require.Subset(t, granted, []string{
		"kms:Decrypt " + template.Everything()["KmsKeyArn"], "sqs:DeleteMessage Queue", "xray:PutTraceSegments *",
	})
	require.NotContains(t, strings.Join(granted, " "), "sts:AssumeRole")
}

// Without these, whoever has a policy for the queues can neither push nor run a
// task once there is a key.
func TestKeyIsGrantedToAllWhoUseTheQueues(t *testing.T) {
	t.Parallel()

	key := template.Everything()["KmsKeyArn"]
	tm := template.Read(t)
	grants := func(s *template.Stack, prefix string) map[string][]string {
		owners := map[string][]string{}
		for _, statement := range s.Statements() {
			for _, action := range statement.Actions {
				if statement.Effect == "Allow" && strings.HasPrefix(action, prefix) {
					owners[statement.Owner] = append(owners[statement.Owner], action)
				}
			}
		}
		return owners
	}

	with := tm.Stack(t, template.Everything())
	for owner := range grants(with, "sqs:") {
		require.ElementsMatch(t, []string{"kms:GenerateDataKey", "kms:Decrypt"}, grants(with, "kms:")[owner], owner)
	}
	without := tm.Stack(t, nil)
	require.Empty(t, grants(without, "kms:"))
	for _, id := range with.OfType("AWS::SQS::Queue") {
		require.Equal(t, key, with.Property(id, "KmsMasterKeyId"))
		require.Nil(t, with.Property(id, "SqsManagedSseEnabled"))
		require.Nil(t, without.Property(id, "KmsMasterKeyId"))
		require.Equal(t, "true", without.Property(id, "SqsManagedSseEnabled"))
	}
}
