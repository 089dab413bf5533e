package client_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
)

// A text that does not fit on the wire is the fault of its own task: pushes of
// others may be in the same call.
func TestTextThatIsNotUTF8IsItsOwnTasksFault(t *testing.T) {
	t.Parallel()
	f := start(t, &fake{})
	for name, opt := range map[string]goflow.PushOption{
		"Header": goflow.Headers(map[string]string{"a": "\xff"}), "HeaderName": goflow.Headers(map[string]string{"\xff": "a"}),
		"Key": goflow.Unique("\xff", 1e9), "Queue": goflow.OnQueue("\xff"),
	} {
		_, err := dial(t, f.address).Push(t.Context(), "x", json.RawMessage(one), opt)
		require.ErrorIs(t, err, goflow.ErrInvalid, name)
		require.NotErrorIs(t, err, goflow.ErrAmbiguous, name)
	}
	require.Empty(t, f.got())
}
