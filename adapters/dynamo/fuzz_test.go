package dynamo_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/allocs"
)

const (
	rowID  = "0193a1f0-5b7c-4d3e-8f00-2a4b6c8d0e1f"
	rowKey = `"id":{"B":"AZOh8Ft8TT6PACpLbI0OHw=="}` // rowID in base64

	// perByte bounds what reading an answer allocates for each byte of it, beside
	// allocs.Spare. The dearest bytes are those of attributes that hold nothing.
	perByte = 64
)

// FuzzRow answers a read with any bytes in the place of a row, as they would come over the
// wire, beneath the real SDK: no panic, and what is read is a record that a row can hold.
func FuzzRow(f *testing.F) {
	f.Fuzz(func(t *testing.T, row []byte) {
		if json.Valid(row) && utf8.Valid(row) { // the SDK itself panics at some that is not
			checkRow(t, row)
		}
	})
}

func TestMemoryOfARowIsBounded(t *testing.T) { //nolint:paralleltest // it counts what all of the process allocate
	const size = 400 << 10 // an item's
	for _, row := range []string{
		`{` + rowKey + `,"s":{"N":"1"},"r":{"B":"` + strings.Repeat("AAAA", size/3) + `"}}`,
		`{` + rowKey + `,"s":` + strings.Repeat(`{"L":[`, size/7) + `{"NULL":true}` + strings.Repeat(`]}`, size/7) + `}`,
		`{` + rowKey + `,"s":{"L":[` + strings.Repeat(`{"L":[]},`, size/9) + `{"L":[]}]}}`,
		`{` + rowKey + `,"a":{"N":"` + strings.Repeat("9", size) + `"}}`,
		`{` + rowKey + `,"s":{"NS":[` + strings.Repeat(`"",`, size/3) + `""]}}`,
	} {
		checkRow(t, []byte(row))
	}
}

func checkRow(t *testing.T, row []byte) {
	t.Helper()
	store := over(func(*http.Request) (*http.Response, error) {
		return jsonAnswer(http.StatusOK, fmt.Sprintf(`{"Responses":{"tasks":[%s]}}`, row)), nil
	})
	var recs []port.Record
	var err error
	allocs.Within(t, len(row), perByte, func() { recs, err = store.Load(t.Context(), []string{rowID}, true) })
	require.Len(t, recs, 1)
	require.Equal(t, rowID, recs[0].ID)
	if err != nil {
		require.Equal(t, port.Record{ID: rowID}, recs[0], "an error and a record at once")
		return
	}
	sound(t, recs[0])
}

// sound wants a record that Save could have written, and that its row gives back.
func sound(t *testing.T, rec port.Record) {
	t.Helper()
	require.LessOrEqual(t, rec.State, task.Expired)
	for _, n := range []int{rec.Attempts, rec.GiveBacks, rec.Starts} {
		require.True(t, n >= 0 && n <= math.MaxInt32, "%+v", rec)
	}
	if rec.State == task.Unknown {
		return
	}
	again := dynamo.Decode(rec.ID, dynamo.Encode(rec))
	require.True(t, rec.LeaseEnd.Equal(again.LeaseEnd) && rec.Expires.Equal(again.Expires), "%+v is now %+v", rec, again)
	again.LeaseEnd, again.Expires = rec.LeaseEnd, rec.Expires
	require.Equal(t, withoutEmpty(rec), again)
}

// withoutEmpty leaves out what a row does not have when it is empty.
func withoutEmpty(rec port.Record) port.Record {
	for _, b := range []*[]byte{&rec.Result, &rec.Hash} {
		if len(*b) == 0 {
			*b = nil
		}
	}
	return rec
}
