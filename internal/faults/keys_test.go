package faults_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/faults"
)

// keysAt is the SDK's client of the endpoint, as its default chain makes it.
func keysAt(url string) *aws.CredentialsCache {
	return aws.NewCredentialsCache(endpointcreds.New(url), func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = 5 * time.Minute })
}

func TestKeysOfAClientExpire(t *testing.T) {
	t.Parallel()
	const life = time.Minute
	keys := faults.NewKeys(1, life)
	url, stop, err := faults.Serve(t.Context(), keys)
	require.NoError(t, err)
	defer stop()
	before := time.Now()
	cache := keysAt(url)
	first, err := cache.Retrieve(t.Context())
	require.NoError(t, err)
	same, err := cache.Retrieve(t.Context())
	require.NoError(t, err)
	require.Equal(t, first.AccessKeyID, same.AccessKeyID, "it is used for some time")
	require.WithinRange(t, first.Expires, before.Add(life), time.Now().Add(life))
	require.True(t, keys.Good(first.AccessKeyID, first.Expires), "until the SDK asks for the next")
	require.False(t, keys.Good(first.AccessKeyID, first.Expires.Add(faults.Grace+time.Second)))
	require.False(t, keys.Good("another", before))
	next, err := keysAt(url).Retrieve(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, first.AccessKeyID, next.AccessKeyID)
	require.Equal(t, 2, keys.Counts().Requests())
}

func TestInAStormSomeKeysEndEarlyAndSomeAreNotGiven(t *testing.T) {
	t.Parallel()
	const life = time.Minute
	keys := faults.NewKeys(1, life)
	keys.Storm(true)
	url, stop, err := faults.Serve(t.Context(), keys)
	require.NoError(t, err)
	defer stop()
	early := 0
	for range 100 {
		got, err := keysAt(url).Retrieve(t.Context()) // which asks again when it is told to
		require.NoError(t, err)
		if !keys.Good(got.AccessKeyID, got.Expires) {
			early++
		}
	}
	require.InDelta(t, 20, early, 15)
	require.NotZero(t, keys.Counts().Faults()[faults.Error500])
}

// What is signed by a key that has ended is refused in the words of the service,
// and the next key is good again.
func TestExpiredKeyIsRefused(t *testing.T) {
	t.Parallel()
	keys := faults.NewKeys(1, -faults.Grace) // over when it is given
	keysURL, stop, err := faults.Serve(t.Context(), keys)
	require.NoError(t, err)
	defer stop()
	s := &service{}
	p, url := behind(t, s, faults.Config{Service: faults.SQS, Keys: keys})
	queue := sqs.New(awssqs.New(awssqs.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: keysAt(keysURL), RetryMaxAttempts: 1}), url+"/q")
	err = queue.Send(t.Context(), messages(1))
	require.ErrorIs(t, err, port.ErrUnavailable)
	require.ErrorContains(t, err, "ExpiredToken")
	require.Zero(t, s.calls.Load())
	require.Equal(t, faults.Counts{"SendMessageBatch": {faults.Expired: 1}}, p.Counts())
}
