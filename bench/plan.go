package main

import (
	"github.com/jamesTait-jt/goflow/bench/internal/contend"
	"github.com/jamesTait-jt/goflow/bench/internal/rounds"
)

// mode is how much is measured.
type mode struct {
	rounds int
	tasks  map[string]int // a round, for who is slow or fast
	pool   int            // a round, for those in process
	low    int            // tasks at low load, a round
	grow   bool
}

// lowGap is what lies between two tasks at low load: 20 a second.
const lowGap = 0.05 // s

// warm is how many tasks come first and don't count.
const warm = 100

// modes are the values of BENCH. The tasks of a round are as many as each does in a
// few seconds.
func modes() map[string]mode {
	usual := mode{
		rounds: 5, pool: 1_000_000, low: 80,
		tasks: map[string]int{"GoFlow": 2000, "naive": 1000, "Celery": 500, "asynq": 10_000, "River": 5000},
	}
	full := usual
	full.grow = true
	return map[string]mode{
		"":     usual,
		"full": full,
		"smoke": {
			rounds: 1, pool: 10_000, low: 10,
			tasks: map[string]int{"GoFlow": 500, "naive": 200, "Celery": 100, "asynq": 1000, "River": 500},
		},
	}
}

// entries are the rows of the one table.
func (m mode) entries(all []*rounds.Contender) []rounds.Entry {
	entries := make([]rounds.Entry, len(all))
	for i, c := range all {
		load := rounds.Load{
			Tasks: m.tasks[c.Name], Bytes: 100, Workers: 1, Handlers: contend.Handlers, Warm: warm, LowTasks: m.low, LowGap: lowGap,
		}
		if c.InProcess { // where a clock that wakes somebody takes longer than a task
			load.Tasks, load.Warm, load.LowTasks, load.LowGap = m.pool, m.pool/10, 100*m.low, 0
		}
		entries[i] = rounds.Entry{Contender: c, Load: load}
	}
	return entries
}

// series is one thing that grows, while all else stays.
type series struct {
	name, title, step string
	points            []point
}

type point struct {
	label string
	load  rounds.Load
}

const kib = 1 << 10

func allSeries() []series {
	return []series{
		{"payloads", "Payloads, with results of 100 bytes", "payload", []point{
			{"100 B", load(2000, func(l *rounds.Load) { l.Bytes = 100 })},
			{"1 KiB", load(2000, func(l *rounds.Load) { l.Bytes = kib })},
			{"10 KiB", load(1000, func(l *rounds.Load) { l.Bytes = 10 * kib })},
			{"64 KiB", load(500, func(l *rounds.Load) { l.Bytes = 64 * kib })},
			{"256 KiB", load(200, func(l *rounds.Load) { l.Bytes = 256 * kib })},
			{"512 KiB", load(100, func(l *rounds.Load) { l.Bytes = 512 * kib })},
		}},
		{"queued", "Tasks that are queued before the worker starts", "queued", []point{
			{"1,000", load(1000, queued)},
			{"10,000", load(10_000, queued)},
			{"100,000", load(100_000, queued)},
		}},
		{"workers", "Workers, of 100 handlers each", "workers", []point{
			{"1", load(4000, func(l *rounds.Load) { l.Workers = 1 })},
			{"2", load(4000, func(l *rounds.Load) { l.Workers = 2 })},
			{"4", load(4000, func(l *rounds.Load) { l.Workers = 4 })},
			{"8", load(4000, func(l *rounds.Load) { l.Workers = 8 })},
		}},
		{"handlers", "Handlers of one worker", "handlers", []point{
			{"1", load(1000, func(l *rounds.Load) { l.Handlers = 1 })},
			{"8", load(2000, func(l *rounds.Load) { l.Handlers = 8 })},
			{"64", load(2000, func(l *rounds.Load) { l.Handlers = 64 })},
			{"512", load(2000, func(l *rounds.Load) { l.Handlers = 512 })},
		}},
	}
}

func queued(l *rounds.Load) { l.Queued = true }

func load(tasks int, change func(*rounds.Load)) rounds.Load {
	l := rounds.Load{Tasks: tasks, Bytes: 100, Workers: 1, Handlers: contend.Handlers, Warm: warm}
	change(&l)
	return l
}

// entries let one contender meet each point.
func (s series) entries(c *rounds.Contender) []rounds.Entry {
	entries := make([]rounds.Entry, len(s.points))
	for i, p := range s.points {
		entries[i] = rounds.Entry{Contender: c, Load: p.load, Label: p.label}
	}
	return entries
}
