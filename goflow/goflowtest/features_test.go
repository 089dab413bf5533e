package goflowtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
)

func TestFeaturesAreRowsOfATable(t *testing.T) {
	t.Parallel()
	rows := goflowtest.BrokerFeatures{LeasesEnd: true, MaxMessageBytes: 1 << 20, Slack: 1500 * time.Millisecond}.Rows()
	require.Equal(t, goflowtest.Row{Name: "leases end", Value: "yes"}, rows[0])
	require.Contains(t, rows, goflowtest.Row{Name: "knows lost lease", Value: "no"})
	require.Contains(t, rows, goflowtest.Row{Name: "max message bytes", Value: "1048576"})
	require.Contains(t, rows, goflowtest.Row{Name: "max delay", Value: "no"})
	require.Equal(t, goflowtest.Row{Name: "slack", Value: "1.5s"}, rows[len(rows)-1])

	require.Equal(t, []goflowtest.Row{
		{Name: "max record bytes", Value: "no"},
		{Name: "refuses foreign ids", Value: "yes"},
		{Name: "in process", Value: "no"},
		{Name: "awaiter", Value: "yes"},
		{Name: "checker", Value: "no"},
		{Name: "slack", Value: "no"},
	}, goflowtest.StoreFeatures{RefusesForeignIDs: true, Awaiter: true}.Rows())
}
