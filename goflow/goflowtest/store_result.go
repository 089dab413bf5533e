package goflowtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func resultCases(f StoreFeatures) []storeCase {
	return []storeCase{
		{"EveryFieldSurvives", true, everyField},
		{"ResultComesBackByteEqual", true, resultByteEqual},
		{"ErrorTextSurvives", true, errorText},
		{"TooLargeRecordIsRefusedAloneInItsBatch", f.MaxRecordBytes > 0, tooLargeRecord},
		{"LargeRecordsFitTogetherInABatch", f.MaxRecordBytes > 0, largeRecords},
		{"SaverMayReuseItsBuffers", true, saverReusesBuffers},
	}
}

func everyField(t *storeTest) {
	want := port.Record{
		ID: newID(), State: task.Open, Generation: 3, Attempts: 4, GiveBacks: 5, Starts: 6,
		Error: "what went wrong", Hash: []byte{0, 1, 0xfe, 0xff}, Expires: expires(),
	}
	t.save(want)
	t.has(want)
	death := want
	death.ID, death.State, death.Reason = newID(), task.Dead, "one of a few"
	t.save(death)
	t.has(death)
	want.State, want.Result, want.Error = task.Done, []byte(`[1]`), ""
	want.Attempts, want.GiveBacks, want.Starts = 7, 8, 0
	want.Expires = want.Expires.Add(17 * time.Second)
	t.save(want)
	t.has(want)
}

func resultByteEqual(t *storeTest) {
	results := []string{
		``, `null`, `true`, `0`, `-0.0`, `1e400`, `123456789012345678901234567890.123456789`, `9007199254740993`,
		`""`, `"ü 漢字 \u0000 \ud83d\ude00"`, `"😀"`, `[]`, `{}`, ` { "b" : 1, "a" : [ null, {"x":[[]]} ] } `,
		strings.Repeat("[", 40) + strings.Repeat("]", 40), `{"a":1,"a":2}`, "\x00\xff\xfe not JSON at all",
	}
	recs := make([]port.Record, len(results))
	for i, result := range results {
		recs[i] = done(newID(), result)
	}
	t.save(recs...)
	for i, want := range recs {
		got := t.load(want.ID)
		require.Equal(t, task.Done, got.State, "result %q", results[i])
		require.Equal(t, results[i], string(got.Result))
	}
}

func errorText(t *storeTest) {
	for _, text := range []string{
		"resize: decode: unexpected EOF", "two\nlines\tand \"quotes\" 'n' \\ $1 ?", "ü 漢字 😀 \u2028",
		strings.Repeat("long ", 2000),
	} {
		want := ended(newID(), task.Dead)
		want.Error = text
		t.save(want)
		t.has(want)
	}
}

func tooLargeRecord(t *storeTest) {
	before, large, after := done(newID(), `1`), done(newID(), noise(2*t.features.MaxRecordBytes)), done(newID(), `2`)
	err := t.store.Save(t.Context(), []port.Record{before, large, after})
	require.NoError(t, port.ItemError(err, 0), "the record before it")
	require.ErrorIs(t, port.ItemError(err, 1), port.ErrTooLarge)
	require.NoError(t, port.ItemError(err, 2), "the record after it")
	t.has(before)
	require.Equal(t, task.Unknown, t.load(large.ID).State)
	t.has(after)
	failed := ended(large.ID, task.Dead)
	t.save(failed)
	require.ErrorIs(t, t.saveErr(done(newID(), noise(2*t.features.MaxRecordBytes))), port.ErrTooLarge, "alone")
	t.has(failed)
}

// largeRecords writes a full batch and reads a full one, of records so large
// that they don't fit into one request or answer of some stores.
func largeRecords(t *storeTest) {
	text := noise(t.features.MaxRecordBytes / 2)
	recs := make([]port.Record, port.MaxReads)
	ids := make([]string, port.MaxReads)
	for i := range recs {
		recs[i] = done(newID(), fmt.Sprintf("[%d,%s]", i, text))
		ids[i] = recs[i].ID
	}
	for batch := range slices.Chunk(recs, port.MaxWrites) {
		t.save(batch...)
	}
	for i, got := range t.loadAll(ids...) {
		require.True(t, bytes.Equal(recs[i].Result, got.Result), "result %d is not what was saved", i) // no diff of 200 kB
	}
}

// noise returns n bytes of JSON that no store can compress to half.
func noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '!' + byte(rand.IntN('~'-'!')) //nolint:gosec // no secret: any bytes will do
	}
	return `"` + strings.NewReplacer(`\`, "~", `"`, "~").Replace(string(b)) + `"`
}

func saverReusesBuffers(t *storeTest) {
	rec := done(newID(), `"result"`)
	rec.Hash = []byte("hash")
	t.save(rec)
	for range 2 {
		copy(rec.Result, "changed!")
		copy(rec.Hash, "gone")
		rec = t.load(rec.ID)
		require.Equal(t, `"result"`, string(rec.Result))
		require.Equal(t, "hash", string(rec.Hash))
	}
}
