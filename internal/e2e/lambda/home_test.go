package lambda_test

import (
	"testing"

	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/internal/homes"
)

// TestFunctionIsAHome runs in deployed functions what pools run too: in one, in
// another with FIFO queues, and in a third that has the time to see that a task is
// cancelled, which the mapping hands nothing else meanwhile.
func TestFunctionIsAHome(t *testing.T) {
	t.Parallel()
	brief := deploy(t, "Timeout=2", "VisibilityTimeout=12", "Margin=300ms", "Tracing=PassThrough")
	fifo := deploy(t, "Timeout=3", "VisibilityTimeout=18", "Margin=300ms", "Tracing=PassThrough", "Fifo=true")
	patient := deploy(t, "Timeout=35", "VisibilityTimeout=210", "Margin=300ms", "Tracing=PassThrough")
	homes.Test(t, goflowtest.RealTime, homes.Function(), func(_ *testing.T, n homes.Need) homes.Home {
		d := brief
		switch {
		case n.Ordered:
			d = fifo
		case n.Patient:
			d = patient
		}
		return homes.Home{Client: d.client, Queue: d.queue, Dead: d.dead, Store: d.records}
	})
}
