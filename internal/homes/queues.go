package homes

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
)

// queues are about homes with more than one.
func queues(f Features) []scenario {
	return []scenario{
		{name: "TasksTakeTheQueueThatIsNamed", lease: f.lease(), run: func(t *testing.T, h Home) {
			other := h.another()
			other.Client, other.Store, other.features = h.Client, h.Store, h.features
			second := goflow.Queues(goflow.Queue{Name: "second", Broker: other.Queue, DeadLetters: other.Dead})
			client, err := goflow.NewClient(h.Queue, h.Store, second)
			require.NoError(t, err)
			named, err := Plain.Push(t.Context(), client, Act{MendedIn: 9}, goflow.OnQueue("second"))
			require.NoError(t, err)
			stop := h.Start(t, h, second)
			h.done(t, h.push(t, Plain, Act{}))
			other.dead(t, named, death{1, "permanent", errBad.Error()})
			require.NoError(t, stop())
		}},
	}
}
