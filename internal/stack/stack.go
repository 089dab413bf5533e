// Package stack reads where the queues and the table of a deployed
// template.yaml are. It is apart from internal/config because a worker knows
// that from its settings, and need not carry CloudFormation's client.
package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// Places are the stack's outputs.
type Places struct{ QueueURL, DeadQueueURL, Table string }

// Settings returns the places by the names of the settings that they are for.
func (p Places) Settings() map[string]string {
	return map[string]string{"queue-url": p.QueueURL, "dlq-url": p.DeadQueueURL, "table": p.Table}
}

// Read reads the outputs of the stack of that name. ErrRefused: there is none,
// or it may not be looked at. ErrUnavailable: it is being created, or
// CloudFormation cannot be reached. A *config.Error: it is another stack.
func Read(ctx context.Context, cfg aws.Config, name string) (Places, error) {
	found, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return Places{}, failure(name, err)
	}
	if len(found.Stacks) != 1 {
		return Places{}, fmt.Errorf("stack %s: %w: %d stacks have that name: check it", name, port.ErrRefused, len(found.Stacks))
	}
	return places(name, found.Stacks[0])
}

func places(name string, s types.Stack) (p Places, err error) {
	switch s.StackStatus {
	case types.StackStatusCreateInProgress, types.StackStatusReviewInProgress:
		return p, fmt.Errorf("stack %s: %w: it is still being created (%s): try again when it is complete",
			name, port.ErrUnavailable, s.StackStatus)
	default: // a stack that failed lacks outputs, one that is updated has them
	}
	outputs := map[string]string{}
	for _, o := range s.Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, output := range []string{"QueueUrl", "DeadQueueUrl", "Table"} {
		if outputs[output] == "" {
			return p, config.Errorf("stack %s has no output %s (%s): is it one of template.yaml?", name, output, s.StackStatus)
		}
	}
	return Places{QueueURL: outputs["QueueUrl"], DeadQueueURL: outputs["DeadQueueUrl"], Table: outputs["Table"]}, nil
}

// failure makes one line of what the SDK says.
func failure(name string, err error) error {
	api, answered := errors.AsType[smithy.APIError](err)
	if !answered {
		if unreachable, ok := errors.AsType[*url.Error](err); ok {
			err = unreachable // without what the SDK wraps around it
		}
		return fmt.Errorf("stack %s: %w: no answer from CloudFormation: %w; check the network, AWS_REGION and AWS_ENDPOINT_URL",
			name, port.ErrUnavailable, err)
	}
	class, advice := port.ErrRefused, "check its name, the region and AWS_ENDPOINT_URL, or deploy it with sam deploy"
	response, _ := errors.AsType[*smithyhttp.ResponseError](err)
	switch code := api.ErrorCode(); {
	case strings.HasPrefix(code, "Throttling"), response != nil && response.HTTPStatusCode() >= http.StatusInternalServerError:
		class, advice = port.ErrUnavailable, "try again"
	case strings.HasPrefix(code, "AccessDenied"):
		advice = "allow cloudformation:DescribeStacks on it, or name queue and table themselves"
	case code != "ValidationError": // which is that of a stack that is not there
		advice = "check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID or a role) and the clock"
	}
	return fmt.Errorf("stack %s: %w: %s: %s; %s", name, class, api.ErrorCode(), api.ErrorMessage(), advice)
}
