// Command bench compares GoFlow with what one writes without it, with other task
// queues, and with pools of goroutines: make bench runs it, with what it needs, and
// docs/performance.md says what its figures are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jamesTait-jt/goflow/bench/internal/child"
	"github.com/jamesTait-jt/goflow/bench/internal/report"
	"github.com/jamesTait-jt/goflow/bench/internal/rounds"
)

func main() {
	name := flag.String("contender", "", "be the process of this contender")
	measure := flag.String("mode", "", "how much to measure: full, smoke, or nothing for the usual")
	only := flag.String("only", "", "the names of those who take part, parted by commas; all, unless set")
	docs := flag.String("docs", "", "the folder whose performance.md gets the results")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if *name != "" {
		err = child.Serve(ctx, *name, os.Stdin, os.Stdout)
	} else {
		err = compare(ctx, *measure, *only, *docs)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func compare(ctx context.Context, measure, only, docs string) error {
	m, ok := modes()[measure]
	if !ok {
		return fmt.Errorf("no mode is called %q: give full, smoke or none", measure)
	}
	if docs != "" && (only != "" || m.rounds == 1) {
		return errors.New("the page is written from runs of all contenders, and of several rounds")
	}
	begin := time.Now()
	f, err := newField(ctx)
	if err != nil {
		return err
	}
	f.keep(only)
	results := rounds.Compare(ctx, m.entries(f.contenders), m.rounds, progress)
	parts := tell(f, results, begin)
	pictures := comparisonPictures(results)
	failed := failures(results)
	if g := f.named("GoFlow"); m.grow && g != nil {
		for _, s := range allSeries() {
			grown := rounds.Compare(ctx, s.entries(g), 1, progress)
			failed = errors.Join(failed, failures(grown))
			parts = append(parts, tellGrowth(s, grown))
			pictures = append(pictures, growthPicture(s, grown))
		}
	}
	fmt.Printf("\nbench: %.0f s\n", time.Since(begin).Seconds())
	if docs == "" || failed != nil {
		return failed // nothing is published of a run that failed
	}
	return publish(docs, parts, pictures)
}

// progress is for who waits; the results are on standard output.
func progress(line string) { fmt.Fprintln(os.Stderr, "bench:", line) }

func failures(results []rounds.Result) error {
	var errs []error
	for _, r := range results {
		errs = append(errs, r.Err)
	}
	return errors.Join(errs...)
}

// publish writes the page and its pictures.
func publish(docs string, parts []report.Part, pictures []picture) error {
	for _, p := range pictures {
		svg, err := report.Bars(p.title, p.bars)
		if err != nil {
			return err
		}
		if err := os.WriteFile(docs+"/performance-"+p.name+".svg", svg, 0o644); err != nil { //nolint:gosec // a picture of the repository
			return err
		}
	}
	return report.Write(docs+"/performance.md", parts)
}
