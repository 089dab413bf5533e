package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/bench/internal/report"
	"github.com/jamesTait-jt/goflow/bench/internal/rounds"
)

// tell prints the one table, and returns it as a part of the page.
func tell(f *field, results []rounds.Result, begin time.Time) []report.Part {
	table := report.Comparison(results)
	lines := []string{
		report.Ratios(results, "GoFlow", "naive"),
		report.Ratios(results, "GoFlow, local mode", "channel, workers"),
	}
	for _, a := range f.absent {
		lines = append(lines, fmt.Sprintf("left out: %s: %s", a.name, a.reason))
	}
	for _, r := range results {
		if r.Err != nil {
			lines = append(lines, fmt.Sprintf("left out: %s: it failed: %v", r.Name, r.Err))
		}
	}
	about := circumstances(f, begin)
	fmt.Printf("\n%s\n%s", about, table.Text())
	var said strings.Builder
	for _, line := range lines {
		if line != "" {
			fmt.Println(line)
			said.WriteString("- " + line + "\n")
		}
	}
	return []report.Part{
		{Name: "circumstances", Text: about},
		{Name: "comparison", Text: table.Markdown() + "\n" + said.String()},
	}
}

func tellGrowth(s series, results []rounds.Result) report.Part {
	table := report.Growth(s.step, results)
	fmt.Printf("\n%s\n%s", s.title, table.Text())
	return report.Part{Name: s.name, Text: table.Markdown()}
}

// circumstances are when, on what and of what.
func circumstances(f *field, begin time.Time) string {
	versions := f.versions
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if name := compared(m.Path); name != "" {
				versions = append(versions, name+" "+m.Version)
			}
		}
	}
	return fmt.Sprintf("%s, commit %s, %d processors%s, %s/%s, %s; %s.", begin.UTC().Format(time.DateOnly), os.Getenv("BENCH_COMMIT"),
		runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version(), strings.Join(versions, ", "))
}

// compared is what a module is called here; empty for one that is no contender's.
func compared(path string) string {
	return map[string]string{
		"github.com/hibiken/asynq":     "asynq",
		"github.com/riverqueue/river":  "River",
		"github.com/panjf2000/ants/v2": "ants",
		"github.com/alitto/pond/v2":    "pond",
		"github.com/sourcegraph/conc":  "conc",
		"github.com/aws/aws-sdk-go-v2": "AWS SDK for Go v2, core",
	}[path]
}

// processor is its name, where Linux says it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, rest, ok := strings.Cut(string(text), "model name")
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(rest, "\n")
	return " (" + strings.TrimLeft(line, " \t:") + ")"
}
