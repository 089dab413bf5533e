// Package doctor examines what a program needs of AWS, and says how to mend what
// is wrong with it.
package doctor

import (
	"context"
	"iter"
	"time"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// The states of a finding.
const (
	OK      = "ok"
	Wrong   = "wrong"
	Skipped = "skipped" // what it needs is not OK
)

// Finding is what a check came to.
type Finding struct {
	Check string `json:"check"`
	State string `json:"state"`
	// Detail is what was found, or what is wrong and how to mend it.
	Detail string `json:"detail"`
	// Err is what is wrong; nil unless the state is Wrong.
	Err error `json:"-"`
}

// Places returns the settings that say where things are, however they come.
type Places func(ctx context.Context) (config.Settings, error)

// checkTime bounds each check.
const checkTime = 15 * time.Second

// The checks' names.
const (
	region      = "region"
	credentials = "credentials"
	settings    = "settings"
	queue       = "queue"
	deadQueue   = "dead-letter queue"
	redrive     = "redrive policy"
	table       = "table"
	expiry      = "time to live"
	mayPush     = "may push"
	mayTake     = "may take dead letters"
	mayRead     = "may read records"
	mayWrite    = "may write records"
	clock       = "clock"
)

// Check is one question. It is asked when those that it needs are answered well,
// in the order of the needs.
type Check struct {
	Name  string
	Needs []string
	Ask   func(context.Context) (detail string, err error)
}

func (e *examination) checks() []Check {
	return []Check{
		{region, nil, e.region},
		{credentials, []string{region}, e.credentials},
		{settings, nil, e.settings},
		{queue, []string{credentials, settings}, e.queue},
		{deadQueue, []string{credentials, settings}, e.deadQueue},
		{redrive, []string{queue}, e.redrive},
		{table, []string{credentials, settings}, e.table},
		{expiry, []string{table}, e.expiry},
		{mayPush, []string{queue}, e.mayPush},
		{mayTake, []string{deadQueue}, e.mayTake},
		{mayRead, []string{table}, e.mayRead},
		{mayWrite, []string{table}, e.mayWrite},
		{clock, []string{credentials}, e.clock},
	}
}

// Examine yields what each check came to, all of them, in order. None changes
// anything, and none ends the others.
func Examine(ctx context.Context, places Places) iter.Seq[Finding] {
	return Run(ctx, (&examination{places: places}).checks())
}

// Run yields what each check comes to, in order.
func Run(ctx context.Context, checks []Check) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		states := map[string]string{}
		for _, c := range checks {
			f := c.find(ctx, states)
			states[c.Name] = f.State
			if !yield(f) {
				return
			}
		}
	}
}

func (c Check) find(ctx context.Context, states map[string]string) Finding {
	for _, need := range c.Needs {
		if states[need] != OK {
			return Finding{Check: c.Name, State: Skipped, Detail: need + " is " + states[need]}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	detail, err := c.Ask(ctx)
	if err != nil {
		return Finding{Check: c.Name, State: Wrong, Detail: program.Line(err), Err: err}
	}
	return Finding{Check: c.Name, State: OK, Detail: detail}
}
