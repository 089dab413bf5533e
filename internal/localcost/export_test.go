package localcost

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// LocalMode runs n tasks on GoFlow's side, ByHand on the other.
func LocalMode(tb testing.TB, n int) {
	tb.Helper()
	l, err := newLocal()
	require.NoError(tb, err)
	require.NoError(tb, all(l.one, n))
	require.NoError(tb, l.gf.Close())
}

func ByHand(tb testing.TB, n int) {
	tb.Helper()
	h := newByHand()
	defer h.close()
	require.NoError(tb, all(h.one, n))
}

// One returns what runs one task, and what ends local mode then.
func One(tb testing.TB) (one, end func()) {
	tb.Helper()
	l, err := newLocal()
	require.NoError(tb, err)
	return func() {
			if got, err := l.one(1000); err != nil || got != 1_000_000 {
				tb.Fatal(got, err)
			}
		}, func() {
			require.NoError(tb, l.gf.Close())
		}
}
