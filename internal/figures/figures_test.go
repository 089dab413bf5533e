package figures_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/figures"
)

func list(all ...figures.Figure) figures.List { return all }

func one(scenario, name string, value float64) figures.Figure {
	return figures.Figure{Scenario: scenario, Name: name, Value: value}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	limits := []figures.Limit{figures.AtMost("pool", "calls", 0.38), figures.AtLeast("pool", "rate", 4), figures.AtMost("idle", "others", 0)}
	for name, c := range map[string]struct {
		got  figures.List
		want string // "": all is well
	}{
		"just within":    {list(one("pool", "calls", 0.38), one("pool", "rate", 4), one("idle", "others", 0)), ""},
		"too much":       {list(one("pool", "calls", 0.3801), one("pool", "rate", 4), one("idle", "others", 0)), "pool: calls is 0.3801, and the limit is ≤ 0.38"},
		"too little":     {list(one("pool", "calls", 0.1), one("pool", "rate", 3.999), one("idle", "others", 0)), "pool: rate is 3.999, and the limit is ≥ 4"},
		"more than none": {list(one("pool", "calls", 0.1), one("pool", "rate", 4), one("idle", "others", 1)), "idle: others is 1, and the limit is ≤ 0"},
		"no number":      {list(one("pool", "calls", math.NaN()), one("pool", "rate", 4), one("idle", "others", 0)), "pool: calls is NaN, and the limit is ≤ 0.38"},
		"not measured":   {list(one("pool", "calls", 0.1), one("idle", "rate", 4), one("idle", "others", 0)), "pool: rate was not measured"},
		"two":            {list(one("pool", "calls", 1), one("pool", "rate", 1), one("idle", "others", 0)), "pool: calls is 1, and the limit is ≤ 0.38\npool: rate is 1, and the limit is ≥ 4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := c.got.Judge(limits); c.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, c.want)
			}
		})
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	got := list(one("pool", "calls", 0.36123456), one("pool", "rate", 11000), one("idle", "others", 0))
	limits := []figures.Limit{figures.AtLeast("pool", "rate", 4), figures.AtMost("idle", "others", 0)}
	require.Equal(t, "pool                 calls=0.36123 rate=11000 (≥ 4)\nidle                 others=0 (≤ 0)", got.Lines(limits))
	require.Equal(t, `| scenario | figure | value | limit |
|---|---|---:|---|
| pool | calls | 0.36123 |  |
|  | rate | 11000 | ≥ 4 |
| idle | others | 0 | ≤ 0 |
`, got.Markdown(limits))
}
