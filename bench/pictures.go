package main

import (
	"github.com/jamesTait-jt/goflow/bench/internal/report"
	"github.com/jamesTait-jt/goflow/bench/internal/rounds"
)

// picture goes to docs/performance-NAME.svg.
type picture struct {
	name, title string
	bars        []report.Bar
}

func comparisonPictures(results []rounds.Result) []picture {
	all := []picture{
		{name: "calls", title: "Calls of AWS per task"},
		{name: "dollars", title: "Dollars per million tasks"},
		{name: "rate", title: "Tasks a second, on emulators"},
		{name: "pools", title: "In process: microseconds of processor time per task"},
	}
	for _, r := range results {
		switch {
		case r.Err != nil:
		case r.InProcess:
			all[3].add(r.Name, r.Median.Processor*1e6)
		default:
			all[2].add(r.Name, r.Median.Rate)
			if r.Median.Dollars >= 0 {
				all[0].add(r.Name, r.Median.Calls)
				all[1].add(r.Name, r.Median.Dollars*1e6)
			}
		}
	}
	return all
}

func growthPicture(s series, results []rounds.Result) picture {
	p := picture{name: s.name, title: s.title + ": dollars per million"}
	for _, r := range results {
		if r.Err == nil {
			p.add(r.Label, r.Median.Dollars*1e6)
		}
	}
	return p
}

func (p *picture) add(name string, value float64) {
	p.bars = append(p.bars, report.Bar{Name: name, Value: value})
}
