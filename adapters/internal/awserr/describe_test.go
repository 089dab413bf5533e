package awserr_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/internal/awserr"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// TestErrorIsALineOfBearableLength, whatever a service, or what stands in front
// of it, says: some answer with a page.
func TestErrorIsALineOfBearableLength(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{
		strings.Repeat("<p>\r\n", 1000), strings.Repeat("é", 300), "x" + strings.Repeat("é", 300), strings.Repeat("\xffa", 500), "short\n\nenough",
	} {
		err := awserr.New("sqs: send to tasks", port.ErrUnavailable, nil, reason)
		require.True(t, utf8.ValidString(err.Error()))
		require.NotContains(t, err.Error(), "\uFFFD")
		require.NotContains(t, err.Error(), "\n")
		require.LessOrEqual(t, len(err.Error()), len("sqs: send to tasks: unavailable: ")+400+len("…"))
		require.Equal(t, len(reason) > 400, strings.HasSuffix(err.Error(), "…"), "%q", err)
	}
}

// TestAddressThatIsNoneIsShownAsItIs: an HTTP client of the program's own may say
// anything.
func TestAddressThatIsNoneIsShownAsItIs(t *testing.T) {
	t.Parallel()
	d := &awserr.Dialect{Thing: "queue"}
	said := d.Describe("sqs:SendMessage", &url.Error{Op: "Post", URL: "http://[::1", Err: errors.New("no route")}, port.ErrUnavailable)
	require.Equal(t, "no answer from http://[::1: no route; check the network, AWS_REGION and AWS_ENDPOINT_URL", said)
	said = d.Describe("sqs:SendMessage", &url.Error{Op: "Post", URL: "http://u:secret@sqs.test/path?q=1", Err: errors.New("no route")}, port.ErrUnavailable)
	require.Contains(t, said, "no answer from http://sqs.test: no route", "and no secrets")
}
