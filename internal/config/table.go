package config

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
)

// Settings are the values of all settings. Those of a program that does not
// use them have their defaults.
type Settings struct {
	QueueURL, DLQURL, Table  string // each a name or, for queues, a URL
	NoDLQ                    bool
	Concurrency, MaxAttempts int // Concurrency 0: 10 × GOMAXPROCS
	Lease, PollWait, Drain   time.Duration
	Margin                   time.Duration
	Timeout                  time.Duration
	Backoff, BackoffCap      time.Duration
	UnknownTypeGrace         time.Duration
	RecordTTL                time.Duration
	HTTPAddr                 string
	LogLevel, LogFormat      string
	Stack, Config, Output    string
	Provision, Memory        bool

	GRPCAddr, Credentials                              string
	TLSCert, TLSKey, TLSClientCA                       string
	Reflection, PlainText                              bool
	Server, TokenFile, ServerCA, ClientCert, ClientKey string
}

// maxTime is the longest that SQS keeps one receive of a message, less a
// margin.
const maxTime = 11 * time.Hour

// longest is the most that goflow.RecordTTL takes: a hundred years.
const longest = 36_525 * 24 * time.Hour

// Table returns the settings, in the order of the documentation.
func Table() []Setting {
	return slices.Concat(places(), pool(), process(), served(), remote())
}

// places are the settings that say where things are.
func places() []Setting {
	return []Setting{
		{
			Name: "queue-url", Allowed: "a queue's URL or name", Programs: Worker | Function | CLI,
			Meaning: "the queue that carries the tasks; required",
			parse:   textSetting(func(s *Settings) *string { return &s.QueueURL }),
		},
		{
			Name: "dlq-url", Allowed: "a queue's URL or name", Programs: Worker | Function | CLI,
			Meaning: "the queue that dead tasks go to; the worker and goflow deploy require it, or no-dlq",
			parse:   textSetting(func(s *Settings) *string { return &s.DLQURL }),
		},
		{
			Name: "no-dlq", Default: "false", Allowed: "true or false", Programs: Worker | Function, isBool: true,
			Meaning: "work without a dead-letter queue: dead tasks are recorded, then deleted",
			parse:   boolSetting(func(s *Settings) *bool { return &s.NoDLQ }),
		},
		{
			Name: "table", Allowed: "a table's name", Programs: Worker | Function | CLI,
			Meaning: "the table that holds the records; required",
			parse:   textSetting(func(s *Settings) *string { return &s.Table }),
		},
		{
			Name: "stack", Allowed: "a CloudFormation stack's name", Programs: CLI,
			Meaning: "the stack, deployed from template.yaml, whose queue, dead-letter queue and table are used; it wins over " +
				"their variables, their flags win over it",
			parse: textSetting(func(s *Settings) *string { return &s.Stack }),
		},
		{
			Name: "provision", Default: "false", Allowed: "true or false", Programs: Worker, isBool: true,
			Meaning: fmt.Sprintf("for development: first make what is missing of the queues and the table, named %s, %s and %s unless set",
				goflow.DefaultQueue, goflow.DefaultDeadQueue, goflow.DefaultTable),
			parse: boolSetting(func(s *Settings) *bool { return &s.Provision }),
		},
		{
			Name: "memory", Default: "false", Allowed: "true or false", Programs: Worker, isBool: true,
			Meaning: "run tasks from standard input to standard output, one JSON object a line, without AWS",
			parse:   boolSetting(func(s *Settings) *bool { return &s.Memory }),
		},
	}
}

// pool are the settings of how tasks are run.
func pool() []Setting {
	attempts, slots := intRange{1, 1000}, intRange{1, 10_000}
	return []Setting{
		{
			Name: "concurrency", Default: fmt.Sprintf("%d × GOMAXPROCS", goflow.DefaultConcurrencyPerP), Allowed: slots.String(), Programs: Worker | Function,
			Meaning: "how many handlers run at a time",
			parse:   intSetting(slots, func(s *Settings) *int { return &s.Concurrency }),
		},
		{
			Name: "max-attempts", Default: strconv.Itoa(goflow.DefaultMaxAttempts), Allowed: attempts.String(), Programs: Worker | Function,
			Meaning: "how often a task runs before it is dead, unless its job or push says otherwise",
			parse:   intSetting(attempts, func(s *Settings) *int { return &s.MaxAttempts }),
		},
		duration("timeout", goflow.DefaultTimeout, timeRange{time.Millisecond, maxTime},
			func(s *Settings) *time.Duration { return &s.Timeout }).
			of(Worker|Function, "of one run, unless the task's job or push says otherwise; a function has all its time unless set"),
		duration("backoff", goflow.DefaultBackoffBase, timeRange{time.Millisecond, maxTime},
			func(s *Settings) *time.Duration { return &s.Backoff }).
			of(Worker|Function, "the longest pause after a first failed attempt, doubled with each further one"),
		duration("backoff-cap", goflow.DefaultBackoffCap, timeRange{time.Millisecond, maxTime},
			func(s *Settings) *time.Duration { return &s.BackoffCap }).
			of(Worker|Function, "the longest pause of all; at least backoff"),
		duration("lease", goflow.DefaultLease, timeRange{2 * time.Second, maxTime},
			func(s *Settings) *time.Duration { return &s.Lease }).
			of(Worker, "how long a received message is hidden from other workers; renewed while its task runs"),
		duration("poll-wait", goflow.DefaultPollWait, timeRange{time.Second, goflow.DefaultPollWait},
			func(s *Settings) *time.Duration { return &s.PollWait }).
			of(Worker, "how long one receive waits for messages, in whole seconds, at most two thirds of the lease; an idle worker takes as long to stop"),
		duration("drain", goflow.DefaultDrain, timeRange{0, maxTime},
			func(s *Settings) *time.Duration { return &s.Drain }).
			of(Worker|Server, "what running tasks, or calls, get to end in when the worker or server stops; a server waits an hour at most, as no call takes longer"),
		duration("margin", goflow.DefaultMargin, timeRange{10 * time.Millisecond, 5 * time.Minute},
			func(s *Settings) *time.Duration { return &s.Margin }).
			of(Function, "how long before the end of the function's time its handlers' contexts end; at most a quarter of that time"),
		duration("unknown-type-grace", goflow.DefaultUnknownTypeGrace, timeRange{0, maxTime},
			func(s *Settings) *time.Duration { return &s.UnknownTypeGrace }).
			of(Worker|Function, "how long a task whose type has no handler is given back before it is dead; 0s with memory unless set"),
		duration("record-ttl", goflow.DefaultRecordTTL, timeRange{time.Second, longest},
			func(s *Settings) *time.Duration { return &s.RecordTTL }).
			of(Worker|Function|CLI, "how long a record lives after its last write; keep it a day over the queue's retention"),
	}
}

// process are the settings of the process itself.
func process() []Setting {
	levels := []string{slog.LevelDebug.String(), slog.LevelInfo.String(), slog.LevelWarn.String(), slog.LevelError.String()}
	for i, level := range levels {
		levels[i] = strings.ToLower(level)
	}
	formats, outputs := []string{"auto", "json", "text"}, []string{"text", "json", "yaml"}
	return []Setting{
		{
			Name: "config", Allowed: "a file's path", Programs: Worker | CLI,
			Meaning: "the file with settings; unless set, goflow/config.yaml in $XDG_CONFIG_HOME or else in ~/.config, if there is one",
			parse:   textSetting(func(s *Settings) *string { return &s.Config }),
		},
		{
			Name: "output", Default: outputs[0], Allowed: strings.Join(outputs, ", "), Programs: CLI,
			Meaning: "how data is written, -o for short",
			parse:   choiceSetting(outputs, func(s *Settings) *string { return &s.Output }),
		},
		{
			Name: "http-addr", Default: "127.0.0.1:8080", Allowed: "host:port or off", Programs: Worker | Server,
			Meaning: "where /healthz, /readyz and /metrics answer; not used with memory",
			parse:   textSetting(func(s *Settings) *string { return &s.HTTPAddr }),
		},
		{
			Name: "log-level", Default: levels[1], Allowed: strings.Join(levels, ", "), Programs: Worker | Function | Server,
			Meaning: "the least level that is logged",
			parse:   choiceSetting(levels, func(s *Settings) *string { return &s.LogLevel }),
		},
		{
			Name: "log-format", Default: formats[0], Allowed: strings.Join(formats, ", "), Programs: Worker | Server,
			Meaning: "of the log on standard error; auto is text on a terminal and JSON elsewhere",
			parse:   choiceSetting(formats, func(s *Settings) *string { return &s.LogFormat }),
		},
	}
}

// duration is a row whose value is a duration.
func duration(name string, value time.Duration, r timeRange, field func(*Settings) *time.Duration) Setting {
	return Setting{Name: name, Default: short(value), Allowed: r.String(), parse: timeSetting(r, field)}
}

func (s Setting) of(programs Program, meaning string) Setting {
	s.Programs, s.Meaning = programs, meaning
	return s
}
