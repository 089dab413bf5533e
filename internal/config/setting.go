package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Program says which programs use a setting.
type Program uint8

// The programs; a setting may belong to several.
const (
	Worker   Program = 1 << iota // cmd/localworker, and every program that calls pool
	Function                     // lambda/worker, which has variables only
	CLI                          // cmd/goflow
	Server                       // its command server
)

// String names the programs as the documentation does.
func (p Program) String() string {
	var names []string
	if p&Worker != 0 {
		names = append(names, "localworker")
	}
	if p&Function != 0 {
		names = append(names, "lambda/worker")
	}
	if p&CLI != 0 {
		names = append(names, "goflow")
	}
	if p&Server != 0 {
		names = append(names, "goflow server")
	}
	return strings.Join(names, ", ")
}

// Setting is one row of the table.
type Setting struct {
	Name     string // of the flag
	Default  string // as it would be written
	Allowed  string
	Meaning  string // one line
	Programs Program

	isBool bool
	parse  func(s *Settings, text string) error
}

// Env is the setting's variable: queue-url has GOFLOW_QUEUE_URL.
func (s Setting) Env() string {
	return "GOFLOW_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Error is a setting that is missing or bad: what, where, and how to fix it.
type Error struct{ text string }

// Error is one line.
func (e *Error) Error() string { return e.text }

// Errorf makes an Error.
func Errorf(format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...)}
}

func textSetting(field func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, text string) error {
		*field(s) = text
		return nil
	}
}

func boolSetting(field func(*Settings) *bool) func(*Settings, string) error {
	return func(s *Settings, text string) (err error) {
		if *field(s), err = strconv.ParseBool(text); err != nil {
			return fmt.Errorf("%.60q is neither true nor false", text)
		}
		return nil
	}
}

type intRange struct{ least, most int }

func (r intRange) String() string { return fmt.Sprintf("%d to %d", r.least, r.most) }

func intSetting(r intRange, field func(*Settings) *int) func(*Settings, string) error {
	return func(s *Settings, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%.60q is not a whole number", text)
		}
		if n < r.least || n > r.most {
			return fmt.Errorf("%d is out of range", n)
		}
		*field(s) = n
		return nil
	}
}

// timeRange is a range of durations.
type timeRange struct{ least, most time.Duration }

func (r timeRange) String() string {
	return short(r.least) + " to " + short(r.most)
}

func timeSetting(r timeRange, field func(*Settings) *time.Duration) func(*Settings, string) error {
	return func(s *Settings, text string) error {
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%.60q is not a duration such as 1m30s", text)
		}
		if d < r.least || d > r.most {
			return fmt.Errorf("%s is out of range", short(d))
		}
		*field(s) = d
		return nil
	}
}

func choiceSetting(choices []string, field func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, text string) error {
		for _, choice := range choices {
			if strings.EqualFold(text, choice) {
				*field(s) = choice
				return nil
			}
		}
		return fmt.Errorf("%.60q is none of the choices", text)
	}
}

// short writes a duration without its zero parts: 5m, not 5m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
