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
	p := page{tell(f, results, begin), comparisonPictures(results)}
	failed := failures(results)
	if g := f.named("GoFlow"); m.grow && g != nil {
		failed = errors.Join(failed, p.grow(ctx, g))
	}
	fmt.Printf("\nbench: %.0f s\n", time.Since(begin).Seconds())
	if docs == "" || failed != nil {
		return failed // nothing is published of a run that failed
	}
	return p.publish(docs)
}

// page is what goes to docs/performance.md and beside it.
type page struct {
	parts    []report.Part
	pictures []picture
}

// grow measures one contender while one thing after the other grows.
func (p *page) grow(ctx context.Context, c *rounds.Contender) (failed error) {
	for _, s := range allSeries() {
		grown := rounds.Compare(ctx, s.entries(c), 1, progress)
		failed = errors.Join(failed, failures(grown))
		p.parts = append(p.parts, tellGrowth(s, grown))
		p.pictures = append(p.pictures, growthPicture(s, grown))
	}
	return failed
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

func (p *page) publish(docs string) error {
	for _, drawn := range p.pictures {
		svg, err := report.Bars(drawn.title, drawn.bars)
		if err != nil {
			return err
		}
		if err := os.WriteFile(docs+"/performance-"+drawn.name+".svg", svg, 0o644); err != nil { //nolint:gosec // a picture of the repository
			return err
		}
	}
	return report.Write(docs+"/performance.md", p.parts)
}
