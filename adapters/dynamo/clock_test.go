package dynamo_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// TestFirstClaimWaitsForTheClock: the first answers of a table whose clock is four
// minutes ahead come late. A claim by our own clock would have been over by its.
func TestFirstClaimWaitsForTheClock(t *testing.T) {
	t.Parallel()
	const ahead = 4 * time.Minute
	for lates, known := range map[int]bool{0: true, 1: true, 3: true, 4: false} {
		synctest.Test(t, func(t *testing.T) {
			calls, written := 0, 0
			s := over(func(r *http.Request) (*http.Response, error) {
				answer := jsonAnswer(200, `{"Responses":{}}`)
				if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "BatchExecuteStatement") {
					written++
					answer = jsonAnswer(200, `{"Responses":[{"TableName":"tasks"}]}`)
				}
				if calls++; calls <= lates {
					time.Sleep(3 * time.Second)
				}
				answer.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
				return answer, nil
			})
			_, err := s.Load(t.Context(), ids(1), true)
			require.NoError(t, err)
			rec, err := claimOne(t, s, take())
			if !known {
				require.ErrorIs(t, err, port.ErrUnavailable)
				require.Zero(t, written)
				return
			}
			require.NoError(t, err)
			require.InDelta(t, ahead+time.Minute, time.Until(rec.LeaseEnd), float64(time.Second))
			require.Equal(t, lates+2, calls, "the load, a read for each that was late, and the claim")
		})
	}
}

// TestClockThatCannotBeReadMakesNoClaim: the only answer came late, and there is no other.
func TestClockThatCannotBeReadMakesNoClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := over(func(*http.Request) (*http.Response, error) {
			if calls++; calls > 1 {
				return jsonAnswer(400, `{"__type":"AccessDeniedException"}`), nil
			}
			time.Sleep(3 * time.Second)
			answer := jsonAnswer(200, `{"Responses":{}}`)
			answer.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
			return answer, nil
		})
		_, err := s.Load(t.Context(), ids(1), true)
		require.NoError(t, err)
		_, err = claimOne(t, s, take())
		require.ErrorIs(t, err, port.ErrRefused)
	})
}

// TestDescriptionTellsTheTime: a claim after it is by the table's clock.
func TestDescriptionTellsTheTime(t *testing.T) {
	t.Parallel()
	const ahead = 4 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		claims := 0
		s := over(func(r *http.Request) (*http.Response, error) {
			answer := jsonAnswer(200, `{"Table":{"TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],`+
				`"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"B"}]}}`)
			if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "BatchExecuteStatement") {
				claims++
				answer = jsonAnswer(200, `{"Responses":[{"TableName":"tasks"}]}`)
			}
			answer.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			return answer, nil
		})
		require.NoError(t, s.Check(t.Context()))
		rec, err := claimOne(t, s, take())
		require.NoError(t, err)
		require.InDelta(t, ahead+time.Minute, time.Until(rec.LeaseEnd), float64(time.Second))
		require.Equal(t, 1, claims, "the first one is right")
	})
}

// TestFirstCallOfAllMayBeAClaim: nothing is known of the table's clock before its
// answer, which comes in time.
func TestFirstCallOfAllMayBeAClaim(t *testing.T) {
	t.Parallel()
	for ahead, calls := range map[time.Duration]int{0: 1, 4 * time.Minute: 2, -4 * time.Minute: 2} {
		synctest.Test(t, func(t *testing.T) {
			made := 0
			s := over(func(*http.Request) (*http.Response, error) {
				made++
				answer := jsonAnswer(200, `{"Responses":[{"TableName":"tasks"}]}`)
				answer.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
				return answer, nil
			})
			rec, err := claimOne(t, s, take())
			require.NoError(t, err)
			require.InDelta(t, ahead+time.Minute, time.Until(rec.LeaseEnd), float64(time.Second))
			require.Equal(t, calls, made)
		})
	}
}

// TestLateFirstAnswerTakesNoClaimOver: another's claim stands for a minute more. Our
// clock is four minutes ahead, and the first answer, which could show it, is late.
func TestLateFirstAnswerTakesNoClaimOver(t *testing.T) {
	t.Parallel()
	const behind = 4 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		until := strconv.FormatInt(time.Now().Add(time.Minute-behind).UnixMilli(), 10)
		var calls, thefts int
		s := over(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			answer := jsonAnswer(200, `{"Responses":{}}`)
			switch {
			case strings.Contains(string(body), "INSERT"):
				answer = jsonAnswer(200, `{"Responses":[{"Error":{"Code":"DuplicateItem"}}]}`)
			case strings.Contains(string(body), "AND l = ?"):
				thefts++
				answer = jsonAnswer(200, `{"Responses":[{}]}`)
			case strings.Contains(string(body), "UPDATE"):
				answer = jsonAnswer(200, `{"Responses":[{"Error":{"Code":"ConditionalCheckFailed","Item":{"s":{"N":"0"},"g":{"N":"1"},
					"a":{"N":"0"},"o":{"N":"0"},"c":{"N":"0"},"e":{"N":"1"},"l":{"N":"`+until+`"},"w":{"S":"other"}}}}]}`)
			}
			if calls++; calls < 3 {
				time.Sleep(3 * time.Second)
			}
			answer.Header.Set("Date", time.Now().Add(-behind).UTC().Format(http.TimeFormat))
			return answer, nil
		})
		_, err := claimOne(t, s, take())
		require.ErrorIs(t, err, port.ErrClaimed)
		require.Zero(t, thefts)
	})
}
