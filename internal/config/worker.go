package config

import (
	"log/slog"
	"path"

	"github.com/jamesTait-jt/goflow/goflow"
)

// WorkerOptions are the options of a worker, whichever its home is, but for its
// dead letters.
func WorkerOptions(s Settings, log *slog.Logger) []goflow.WorkerOption {
	opts := []goflow.WorkerOption{
		goflow.Drain(s.Drain), goflow.Margin(s.Margin), goflow.MaxAttempts(s.MaxAttempts),
		goflow.Backoff(s.Backoff, s.BackoffCap), goflow.UnknownTypeGrace(s.UnknownTypeGrace),
		goflow.RecordTTL(s.RecordTTL), goflow.Logger(log),
	}
	if s.Timeout > 0 {
		opts = append(opts, goflow.Timeout(s.Timeout))
	}
	if s.Concurrency > 0 {
		opts = append(opts, goflow.Concurrency(s.Concurrency))
	}
	return opts
}

// DeadLetters is the option that says where dead tasks go.
func (p Parts) DeadLetters() goflow.WorkerOption {
	if p.Dead == nil {
		return goflow.NoDeadLetters()
	}
	return goflow.DeadLetters(p.Dead)
}

// RequirePlaces returns an *Error if a worker does not know where its queue, its
// dead letters or its table are, or the first two are one.
func (l *Loader) RequirePlaces(s Settings) error {
	if err := l.Require("", "queue-url", "table"); err != nil || s.NoDLQ {
		return err
	}
	if err := l.Require(", or "+l.name("no-dlq")+" to only record dead tasks", "dlq-url"); err != nil {
		return err
	}
	return l.RequireApart(s)
}

// RequireApart returns an *Error if queue and dead letters are one, by its name or URL:
// the death of a task would be its redrive, for ever.
func (l *Loader) RequireApart(s Settings) error {
	if s.DLQURL == "" || path.Base(s.QueueURL) != path.Base(s.DLQURL) {
		return nil
	}
	return Errorf("%s and %s name the same queue, %s: dead letters need one of their own",
		l.Where("dlq-url"), l.Where("queue-url"), path.Base(s.DLQURL))
}

// Level is the least level to log.
func (s Settings) Level() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return slog.LevelInfo // the settings are checked, so it never comes to this
	}
	return level
}
