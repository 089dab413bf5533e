package client_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
)

// The queue took a later task and not an earlier one: to push that again would
// turn the order of the group round. A second call would succeed.
func TestOvertakenIsNotPushedAgain(t *testing.T) {
	t.Parallel()
	const pushed, busy, doubtful = rpc.Reason_REASON_UNSPECIFIED, rpc.Reason_REASON_UNAVAILABLE, rpc.Reason_REASON_AMBIGUOUS
	in := []goflow.PushOption{goflow.Group("g")}
	for name, test := range map[string]struct {
		first  []rpc.Reason // what the first call says of each
		chosen bool         // the caller gives IDs
		opts   []goflow.PushOption
		again  int // how many the second call has
		errs   port.ItemErrors
	}{
		"the first":                     {[]rpc.Reason{busy, pushed, pushed}, false, in, 0, port.ItemErrors{0: port.ErrUnavailable}},
		"one between":                   {[]rpc.Reason{pushed, busy, pushed}, false, in, 0, port.ItemErrors{1: port.ErrUnavailable}},
		"what stands behind it":         {[]rpc.Reason{busy, pushed, busy}, false, in, 0, port.ItemErrors{0: port.ErrUnavailable, 2: port.ErrUnavailable}},
		"by one in doubt":               {[]rpc.Reason{busy, doubtful, busy}, true, in, 0, port.ItemErrors{0: port.ErrUnavailable, 1: port.ErrAmbiguous, 2: port.ErrUnavailable}},
		"one in doubt":                  {[]rpc.Reason{doubtful, pushed, pushed}, true, in, 0, port.ItemErrors{0: port.ErrAmbiguous}},
		"the last was not overtaken":    {[]rpc.Reason{pushed, pushed, busy}, false, in, 1, nil},
		"nor one before all the others": {[]rpc.Reason{busy, busy, busy}, false, in, 3, nil},
		"all are in doubt":              {[]rpc.Reason{doubtful, doubtful, doubtful}, true, in, 3, nil},
		"no group":                      {[]rpc.Reason{busy, pushed, doubtful}, true, nil, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, &fake{push: func(calls int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
				answer := queued(r)
				for i := range answer.GetResults() {
					if reason := test.first[i]; calls == 1 && reason != pushed {
						answer.Results[i].Error = &rpc.Error{Reason: reason}
					}
				}
				return answer, nil
			}})
			tasks := make([]task.Task, len(test.first))
			for i := range tasks {
				tasks[i] = task.Task{Type: "x", Payload: i}
				if test.chosen {
					tasks[i].ID = goflow.IDFrom(string(rune('a' + i)))
				}
			}
			_, err := dial(t, f.address).PushMany(t.Context(), tasks, test.opts...)
			for i := range tasks {
				require.ErrorIs(t, port.ItemError(err, i), test.errs[i])
			}
			calls := f.got()
			require.Len(t, calls, min(1+test.again, 2))
			if test.again > 0 {
				require.Len(t, calls[1].GetTasks(), test.again)
			}
		})
	}
}
