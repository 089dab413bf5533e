package lambda_test

import (
	"testing"

	"github.com/jamesTait-jt/goflow/internal/homes"
)

// TestFunctionIsAHome runs in a deployed function what pools run too.
func TestFunctionIsAHome(t *testing.T) {
	t.Parallel()
	d := deploy(t, "Timeout=2", "VisibilityTimeout=12", "Margin=300ms", "MaximumConcurrency=2", "Tracing=PassThrough")
	for _, s := range homes.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			s.Run(t, homes.Home{Client: d.client, Queue: d.queue, Dead: d.dead, Store: d.records})
		})
	}
}
