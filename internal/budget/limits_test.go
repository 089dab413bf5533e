package main

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// within are figures that just keep all limits.
func within() (all figures) {
	for _, l := range limits() {
		all = append(all, figure{l.scenario, l.figure, l.most + l.least})
	}
	return all
}

func TestLimits(t *testing.T) {
	t.Parallel()
	require.NoError(t, within().judge(limits()))
	for i, l := range limits() {
		t.Run(l.scenario+" "+l.figure, func(t *testing.T) {
			t.Parallel()
			beyond := 1e-3
			if l.least > 0 {
				beyond = -beyond
			}
			for _, value := range []float64{l.most + l.least + beyond, math.NaN()} {
				got := within()
				got[i].value = value
				err := got.judge(limits())
				require.ErrorContains(t, err, fmt.Sprintf("%s: %s is %.4g, and the limit is %s", l.scenario, l.figure, value, l.text()))
				require.NotContains(t, err.Error(), "\n", "others are within theirs")
			}
			got := within()
			got[i].name += "?"
			require.EqualError(t, got.judge(limits()), l.scenario+": "+l.figure+" was not measured")
		})
	}
}

func TestLastLineIsForMachines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	all := figures{{saturatedPool, calls, 0.3612}, {saturatedPool, dollars, 0.8249}, {saturatedPool, allocs, 188.2}, {once, calls, 0.4}}
	require.NoError(t, report(&out, all, nil))
	require.Regexp(t, `\ncost: calls=0\.3612 dollars_per_million=0\.8249 allocs=188\.2\n$`, out.String())
}
