package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/bench/internal/report"
	"github.com/jamesTait-jt/goflow/bench/internal/rounds"
)

func result(name, where string, samples ...rounds.Sample) rounds.Result {
	return rounds.Result{
		Entry:  rounds.Entry{Contender: &rounds.Contender{Name: name, Where: where}, Load: rounds.Load{Tasks: 2000}, Label: "1 KiB"},
		Median: samples[0], Samples: samples, P50: 0.0584, P99: 1.25,
	}
}

func all() []rounds.Result {
	broken := result("broken", "Redis", rounds.Sample{})
	broken.Err = errors.New("it is")
	return []rounds.Result{
		result("GoFlow", "SQS, DynamoDB",
			rounds.Sample{Calls: 0.356, Dollars: 0.8119e-6, Allocations: 191.6, Processor: 183e-6, Rate: 1234.5},
			rounds.Sample{Calls: 0.5, Processor: 1, Rate: 10}, rounds.Sample{Calls: 0.36, Processor: 1, Rate: 8}),
		result("naive", "SQS, DynamoDB",
			rounds.Sample{Calls: 6, Dollars: 2.5125e-6, Allocations: 2100, Processor: 1.3e-3, Rate: 150},
			rounds.Sample{Calls: 7, Processor: 4, Rate: 2}, rounds.Sample{Calls: 6, Processor: 1, Rate: 1}),
		broken,
		result("asynq", "Redis", rounds.Sample{Calls: 33.04, Dollars: -1, Allocations: -1, Processor: 4.25e-6, Rate: 1_234_567}),
	}
}

func TestComparison(t *testing.T) {
	t.Parallel()

	require.Equal(t, [][]string{
		{"GoFlow", "SQS, DynamoDB", "2,000", "1,230", "0.36", "0.81", "192", "183 µs", "58.4 ms", "1.25 s"},
		{"naive", "SQS, DynamoDB", "2,000", "150", "6.00", "2.51", "2,100", "1.30 ms", "58.4 ms", "1.25 s"},
		{"asynq", "Redis", "2,000", "1,230,000", "33.0 commands", "-", "-", "4.25 µs", "58.4 ms", "1.25 s"},
	}, [][]string(report.Comparison(all())[1:]))
}

func TestGrowth(t *testing.T) {
	t.Parallel()

	table := report.Growth("payload", all()[:1])
	require.Equal(t, "payload", table[0][0])
	require.Equal(t, []string{"1 KiB", "2,000", "1,230", "0.36", "0.81", "192", "183 µs"}, table[1])
	require.Len(t, table[0], len(table[1]))
}

func TestTableText(t *testing.T) {
	t.Parallel()

	table := report.Table{{"a", "long"}, {"longer", "b"}}
	require.Equal(t, "a       long\nlonger  b\n", table.Text())
	require.Equal(t, "| a | long |\n|---|---:|\n| longer | b |\n", table.Markdown())
}

func TestRatiosAreOfTheSameRounds(t *testing.T) {
	t.Parallel()

	require.Equal(t, "GoFlow to naive, median of the rounds' ratios: tasks/s 8.00 ×, calls 1/16.7, processor time 0.25 ×",
		report.Ratios(all(), "GoFlow", "naive"))
	require.Empty(t, report.Ratios(all(), "GoFlow", "broken"))
	require.Empty(t, report.Ratios(all(), "nobody", "naive"))
}

func TestReplace(t *testing.T) {
	t.Parallel()

	document := "# Title\n<!-- bench: a -->\nold\n<!-- bench: end -->\nkept\n<!-- bench: b -->\n<!-- bench: end -->\n"
	replaced, err := report.Replace(document, []report.Part{{Name: "b", Text: "B\n"}, {Name: "a", Text: "A"}})
	require.NoError(t, err)
	require.Equal(t, "# Title\n<!-- bench: a -->\nA\n<!-- bench: end -->\nkept\n<!-- bench: b -->\nB\n<!-- bench: end -->\n", replaced)

	_, err = report.Replace(document, []report.Part{{Name: "c"}})
	require.ErrorContains(t, err, `no "<!-- bench: c -->"`)
	_, err = report.Replace("<!-- bench: a -->\n", []report.Part{{Name: "a"}})
	require.ErrorContains(t, err, `no "<!-- bench: end -->"`)
}

func TestBars(t *testing.T) {
	t.Parallel()

	svg, err := report.Bars("Calls <per> task", []report.Bar{{Name: "GoFlow", Value: 0.356}, {Name: "naive & slow", Value: 12345}})
	require.NoError(t, err)
	text := string(svg)
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
	}
	require.Contains(t, text, ">0.36<")
	require.Contains(t, text, ">12,300<")
	y := regexp.MustCompile(`y="(\d+)"[^>]*>(GoFlow|naive)`).FindAllStringSubmatch(text, -1)
	require.Len(t, y, 2)
	heights := map[string]int{}
	for _, name := range y {
		heights[name[2]], err = strconv.Atoi(name[1])
		require.NoError(t, err)
	}
	require.Less(t, heights["GoFlow"], heights["naive"], "the first is on top")
	again, err := report.Bars("Calls <per> task", []report.Bar{{Name: "GoFlow", Value: 0.356}, {Name: "naive & slow", Value: 12345}})
	require.NoError(t, err)
	require.Equal(t, text, string(again), "the same figures are the same picture")
}

// A bar is as long as its value: it begins at nothing.
func TestBarsAreInProportion(t *testing.T) {
	t.Parallel()

	svg, err := report.Bars("t", []report.Bar{{Name: "a", Value: 6}, {Name: "b", Value: 2}})
	require.NoError(t, err)
	bars := regexp.MustCompile(`d="M (\d+) \d+\nL (\d+) [^"]*" style="stroke:none;fill:rgb\(`).FindAllStringSubmatch(string(svg), -1)
	require.Len(t, bars, 2)
	length := func(bar []string) float64 {
		begin, err := strconv.Atoi(bar[1])
		require.NoError(t, err)
		end, err := strconv.Atoi(bar[2])
		require.NoError(t, err)
		return float64(end - begin)
	}
	require.InEpsilon(t, 3, length(bars[1])/length(bars[0]), 0.05)
}

// What is generated has its places in the page.
func TestPage(t *testing.T) {
	t.Parallel()

	page, err := os.ReadFile("../../../docs/performance.md")
	require.NoError(t, err)
	for _, name := range []string{"circumstances", "comparison", "payloads", "queued", "workers", "handlers"} {
		_, err := report.Replace(string(page), []report.Part{{Name: name}})
		require.NoError(t, err)
	}
}
