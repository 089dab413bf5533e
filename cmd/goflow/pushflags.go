package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/lines"
)

// flags are the library's options of a push. The word in `quotes` is what help
// calls the value.
func (p *push) flags(f *pflag.FlagSet) {
	o := &p.options
	f.Func("id", "the task's own ID, a `UUID`: pushed again, it is still one task", set(&p.id, asIs))
	f.Func("id-from", "make that ID from a `name` of yours, always the same, as invoice/17", set(&p.idFrom, asIs))
	f.BoolFunc("track", "record the task at once, so that get finds it before it has run", func(text string) error {
		on, err := strconv.ParseBool(text)
		o.Track = &on
		return err
	})
	f.Func("header", "`key=value` that its handler can read; may be repeated", p.header)
	f.Func("delay", "the `time` to wait before its first run, at most 168h", set(&o.Delay, lines.ParseDuration))
	f.Func("expires-in", "expire unrun if it has not begun within this `time`", set(&o.ExpiresIn, lines.ParseDuration))
	f.Func("unique", "refuse the push while another task of its type holds this `key`", set(&o.Unique, asIs))
	f.Func("unique-for", "the longest `time` that the task holds the key, 1s to 720h", set(&o.UniqueFor, lines.ParseDuration))
	f.Func("group", "run the tasks of this `name` one after the other, in their order; on FIFO queues", set(&o.Group, asIs))
	f.Func("fair-key", "the tenant or other `key` that must not hold up others; on queues that are not FIFO", set(&o.FairKey, asIs))
	f.Func("max-attempts", "the `number` of runs before it is dead, 1 to 1000, in place of its job's", set(&o.MaxAttempts, strconv.Atoi))
	f.Func("run-timeout", "the `time` that one run may take, 1ms to 11h, in place of its job's", set(&o.RunTimeout, lines.ParseDuration))
}

// set makes a flag's value, which is nil unless given.
func set[T any](value **T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		v, err := parse(text)
		*value = &v
		return err
	}
}

func asIs(text string) (string, error) { return text, nil }

func (p *push) header(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found || key == "" {
		return fmt.Errorf("%.60q is not key=value", text)
	}
	if p.options.Headers == nil {
		p.options.Headers = map[string]string{}
	}
	p.options.Headers[key] = value
	return nil
}

// check judges flags against each other.
func (p *push) check() error {
	switch {
	case p.id != nil && p.idFrom != nil:
		return config.Errorf("--id and --id-from: give one of the two")
	case p.idFrom != nil && *p.idFrom == "":
		return config.Errorf("--id-from: the name is empty: give one")
	case p.idFrom != nil:
		p.id = new(goflow.IDFrom(*p.idFrom))
	case (p.options.Unique == nil) != (p.options.UniqueFor == nil):
		return config.Errorf("--unique and --unique-for go together: give the key, and how long the task may hold it at the longest")
	}
	return checkTimeout(p.timeout)
}
