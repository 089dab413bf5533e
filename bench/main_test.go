package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/bench/internal/contend"
	"github.com/jamesTait-jt/goflow/bench/internal/count"
	"github.com/jamesTait-jt/goflow/bench/internal/rounds"
)

// Without any server, the pools run, and all others are said to be left out.
func TestFieldSaysWhoIsLeftOut(t *testing.T) {
	for _, name := range []string{"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_DYNAMODB", "BENCH_REDIS", "BENCH_POSTGRES"} {
		t.Setenv(name, "")
	}
	t.Setenv("BENCH_WITHOUT_REDIS", "no Redis here")
	t.Setenv("BENCH_WITHOUT_POSTGRES", "")

	f, err := newField(t.Context())
	require.NoError(t, err)
	var here []string
	for _, c := range f.contenders {
		here = append(here, c.Name)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(contend.Pools())), here)
	reasons := map[string]string{}
	for _, a := range f.absent {
		reasons[a.name] = a.reason
	}
	require.ElementsMatch(t, append(slices.Collect(maps.Keys(contend.Queues())), "Celery"), slices.Collect(maps.Keys(reasons)))
	require.Equal(t, "no Redis here", reasons["asynq"])
	require.NotEmpty(t, reasons["River"])

	f.keep("ants,nobody")
	require.Len(t, f.contenders, 1)
	require.NotNil(t, f.named("ants"))
	require.Nil(t, f.named("pond"))
}

// Whoever takes part has tasks in every mode.
func TestEveryModeHasTasksForAll(t *testing.T) {
	t.Parallel()

	all := []*rounds.Contender{{Name: "Celery"}}
	for name := range contend.Queues() {
		all = append(all, &rounds.Contender{Name: name, Meter: count.Nobody{}})
	}
	for name := range contend.Pools() {
		all = append(all, &rounds.Contender{Name: name, InProcess: true})
	}
	for name, m := range modes() {
		for _, e := range m.entries(all) {
			require.Positive(t, e.Load.Tasks, "%s of mode %q", e.Name, name)
			require.Positive(t, e.Load.LowTasks)
			require.Equal(t, e.InProcess, e.Load.LowGap == 0)
		}
	}
}

func TestPageIsNotWrittenFromAPart(t *testing.T) {
	t.Parallel()

	folder := t.TempDir()
	require.ErrorContains(t, compare(t.Context(), "smoke", "", folder), "several rounds")
	require.ErrorContains(t, compare(t.Context(), "", "ants", folder), "all contenders")
	require.ErrorContains(t, compare(t.Context(), "fast", "", ""), `"fast"`)
}
