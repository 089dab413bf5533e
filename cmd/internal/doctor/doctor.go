// Package doctor examines what a program needs of AWS, and says how to mend what
// is wrong with it.
package doctor

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/internal/config"
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

// check is one question. It is asked when those that it needs are answered well,
// in the order of the needs.
type check struct {
	name  string
	needs []string
	ask   func(context.Context) (detail string, err error)
}

func (e *examination) checks() []check {
	return []check{
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
	return func(yield func(Finding) bool) {
		e := &examination{places: places}
		states := map[string]string{}
		for _, c := range e.checks() {
			f := c.find(ctx, states)
			states[c.name] = f.State
			if !yield(f) {
				return
			}
		}
	}
}

func (c check) find(ctx context.Context, states map[string]string) Finding {
	for _, need := range c.needs {
		if states[need] != OK {
			return Finding{Check: c.name, State: Skipped, Detail: need + " is " + states[need]}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	detail, err := c.ask(ctx)
	if err != nil {
		return Finding{Check: c.name, State: Wrong, Detail: plain(err), Err: err}
	}
	return Finding{Check: c.name, State: OK, Detail: detail}
}

// plain is an error as one line.
func plain(err error) string {
	return strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "goflow: ")
}
