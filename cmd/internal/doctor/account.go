package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// examination is what the checks learn one after the other.
type examination struct {
	places Places
	cfg    aws.Config
	time   clockWatch
	is     config.Settings
	sqs    *awssqs.Client

	queued, dead   *sqs.Broker
	queueIs        sqs.Description
	queueURL       string
	deadIs         *sqs.Description // nil: not known
	records        *dynamo.Store
	expiresRecords func(context.Context) (string, error)
}

func (e *examination) region(ctx context.Context) (detail string, err error) {
	if e.cfg, err = config.SDK(ctx); err != nil {
		return "", err
	}
	e.time.below = e.cfg.HTTPClient
	if e.time.below == nil {
		e.time.below = awshttp.NewBuildableClient()
	}
	e.cfg.HTTPClient = &e.time
	return e.cfg.Region, config.CheckRegion(e.cfg)
}

// stsTime bounds the question whose credentials they are, which a network may
// have no way to.
const stsTime = 5 * time.Second

// credentials asks for them, and AWS whose they are, which needs no permission.
func (e *examination) credentials(ctx context.Context) (string, error) {
	found, err := config.CheckCredentials(ctx, e.cfg)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, stsTime)
	defer cancel()
	who, err := sts.NewFromConfig(e.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if api, ok := errors.AsType[smithy.APIError](err); ok && refusal(api, err) {
		return "", fmt.Errorf("%w: %s: %s: check AWS_PROFILE, AWS_ACCESS_KEY_ID or the role (these are of %s), and the clock",
			port.ErrRefused, api.ErrorCode(), api.ErrorMessage(), found.Source)
	}
	if err != nil {
		return fmt.Sprintf("from %s; STS, which could tell whose they are, does not answer", found.Source), nil
	}
	return fmt.Sprintf("%s, from %s", aws.ToString(who.Arn), found.Source), nil
}

// refusal tells a refusal from trouble that passes.
func refusal(api smithy.APIError, err error) bool {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && answer.HTTPStatusCode() < http.StatusInternalServerError && !strings.HasPrefix(api.ErrorCode(), "Throttl")
}

func (e *examination) settings(ctx context.Context) (detail string, err error) {
	if e.is, err = e.places(ctx); err != nil {
		return "", err
	}
	if e.is.Stack != "" {
		return "of stack " + e.is.Stack, nil
	}
	return "all of them are good", nil
}

// maxSkew is how far our clock may be off. AWS refuses what is signed five
// minutes ago; the leases themselves go by AWS's clock.
const maxSkew = time.Minute

func (e *examination) clock(context.Context) (string, error) {
	skew, seen := e.time.skew()
	if !seen {
		return "", fmt.Errorf("%w: no service has told the time", port.ErrUnavailable)
	}
	if skew.Abs() > maxSkew {
		way := "behind"
		if skew < 0 {
			way = "ahead of"
		}
		return "", config.Errorf("%v %s AWS's, and requests that are five minutes off are refused: set it by NTP", skew.Abs().Round(time.Second), way)
	}
	return "within a minute of AWS's", nil
}

// clockWatch is an HTTP client that compares our clock with the service's.
type clockWatch struct {
	below aws.HTTPClient

	mu    sync.Mutex
	ahead time.Duration // of the service
	seen  bool
}

// Do is that of the client below.
func (w *clockWatch) Do(r *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := w.below.Do(r)
	if err != nil {
		return resp, err
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		w.mu.Lock()
		w.ahead, w.seen = date.Sub(start.Add(time.Since(start)/2).Round(0)), true
		w.mu.Unlock()
	}
	return resp, nil
}

func (w *clockWatch) skew() (ahead time.Duration, seen bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ahead, w.seen
}
