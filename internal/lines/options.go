package lines

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
)

// Options are what a push asks for, as a line or flags say it. What is nil is not
// asked for; the library judges the values.
type Options struct {
	Delay       *Duration         `json:"delay,omitempty"`
	ExpiresIn   *Duration         `json:"expiresIn,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Track       *bool             `json:"track,omitempty"`
	Unique      *string           `json:"unique,omitempty"`
	UniqueFor   *Duration         `json:"uniqueFor,omitempty"`
	Group       *string           `json:"group,omitempty"`
	FairKey     *string           `json:"fairKey,omitempty"`
	MaxAttempts *int              `json:"maxAttempts,omitempty"`
	RunTimeout  *Duration         `json:"runTimeout,omitempty"`
}

// Duration is written as in Go, "1m30s".
type Duration time.Duration

// ParseDuration reads a Duration.
func ParseDuration(text string) (Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%.60q is not a duration such as 1m30s", text)
	}
	return Duration(d), nil
}

// UnmarshalJSON reads a string.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("%.60s is not a duration such as \"1m30s\"", raw)
	}
	var err error
	*d, err = ParseDuration(text)
	return err
}

// MarshalJSON is the inverse of UnmarshalJSON.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// Over are the options with those of below for what they do not ask for. Headers
// are joined.
func (o Options) Over(below Options) Options {
	headers := map[string]string{}
	maps.Copy(headers, below.Headers)
	maps.Copy(headers, o.Headers)
	return Options{
		Delay: either(o.Delay, below.Delay), ExpiresIn: either(o.ExpiresIn, below.ExpiresIn), Headers: headers,
		Track: either(o.Track, below.Track), Unique: either(o.Unique, below.Unique), UniqueFor: either(o.UniqueFor, below.UniqueFor),
		Group: either(o.Group, below.Group), FairKey: either(o.FairKey, below.FairKey),
		MaxAttempts: either(o.MaxAttempts, below.MaxAttempts), RunTimeout: either(o.RunTimeout, below.RunTimeout),
	}
}

func either[T any](first, second *T) *T {
	if first != nil {
		return first
	}
	return second
}

// Push returns the library's options. An error says what goes together.
func (o Options) Push() (opts []goflow.PushOption, err error) {
	if (o.Unique == nil) != (o.UniqueFor == nil) {
		return nil, errors.New("unique and uniqueFor go together: give the key, and how long the task may hold it at the longest")
	}
	if o.Unique != nil {
		opts = append(opts, goflow.Unique(*o.Unique, time.Duration(*o.UniqueFor)))
	}
	if len(o.Headers) > 0 {
		opts = append(opts, goflow.Headers(o.Headers))
	}
	if o.Track != nil && *o.Track {
		opts = append(opts, goflow.Track())
	}
	if o.MaxAttempts != nil {
		opts = append(opts, goflow.MaxAttempts(*o.MaxAttempts))
	}
	opts = given(opts, o.Delay, func(d Duration) goflow.PushOption { return goflow.Delay(time.Duration(d)) })
	opts = given(opts, o.ExpiresIn, func(d Duration) goflow.PushOption { return goflow.ExpiresIn(time.Duration(d)) })
	opts = given(opts, o.RunTimeout, func(d Duration) goflow.PushOption { return goflow.Timeout(time.Duration(d)) })
	opts = given(opts, o.Group, goflow.Group)
	return given(opts, o.FairKey, goflow.FairKey), nil
}

func given[T any](opts []goflow.PushOption, value *T, option func(T) goflow.PushOption) []goflow.PushOption {
	if value == nil {
		return opts
	}
	return append(opts, option(*value))
}

// Same tells whether tasks with the options can be pushed together.
func (o Options) Same(other Options) bool {
	one, err := json.Marshal(o)
	two, otherErr := json.Marshal(other)
	return err == nil && otherErr == nil && string(one) == string(two)
}
