package config

import (
	"strings"
)

// Value is a setting as a flag. It fits the standard library's flags and
// cobra's.
type Value struct {
	setting Setting
	text    string
	set     bool
}

// String returns what was given, else the default.
func (v *Value) String() string {
	if v == nil || !v.set {
		return ""
	}
	return v.text
}

// Set keeps the text; Load judges it.
func (v *Value) Set(text string) error {
	v.text, v.set = text, true
	return nil
}

// Type names the flag's kind in cobra's usage.
func (v *Value) Type() string {
	if v.setting.isBool {
		return "bool"
	}
	return "value"
}

// IsBoolFlag lets the flag stand without a value.
func (v *Value) IsBoolFlag() bool { return v.setting.isBool }

// Usage is the flag's line of help, without its name.
func (v *Value) Usage() string {
	usage := v.setting.Meaning + " (" + v.setting.Env() + ", " + v.setting.Allowed
	if v.setting.Default != "" && !v.setting.isBool {
		usage += ", default " + v.setting.Default
	}
	return usage + ")"
}

// Loader gathers one program's settings.
type Loader struct {
	getenv func(string) string
	flag   string // "-" or "--": how the program's flags begin; "": it has none
	values []*Value
	stack  string // the name of what gives the settings below
	places map[string]string
	file   map[string]Item
}

// Item is a value in a file, and where that is.
type Item struct{ Text, Where string }

// NewLoader returns a loader for a program whose flags begin with dash; "" is a
// program that has variables only.
func NewLoader(p Program, dash string, getenv func(string) string) *Loader {
	l := &Loader{getenv: getenv, flag: dash}
	for _, s := range Table() {
		if s.Programs&p != 0 {
			l.values = append(l.values, &Value{setting: s})
		}
	}
	return l
}

// Flags hands each flag to add.
func (l *Loader) Flags(add func(name string, v *Value)) {
	for _, v := range l.values {
		add(v.setting.Name, v)
	}
}

// Load returns the settings, or an *Error that names the first bad one. Call
// it after the flags are parsed.
func (l *Loader) Load() (Settings, error) {
	var s Settings
	for _, row := range Table() {
		if err := row.parse(&s, row.Default); err != nil && row.Name != "concurrency" {
			return s, err // a test holds that the defaults are good
		}
	}
	for _, v := range l.values {
		text, where := l.lookup(v)
		if where == "" {
			continue
		}
		if err := v.setting.parse(&s, text); err != nil {
			return s, Errorf("%s: %v: give %s", where, err, v.setting.Allowed)
		}
	}
	return s, l.check(s)
}

// File gives settings the values that a file has for them, by name. They win
// over the defaults; variables and flags win over them.
func (l *Loader) File(items map[string]Item) { l.file = items }

// Stack gives settings the values that a stack has for them, by name. They win
// over what is given in the same way as the stack's own name: over variables, or
// over the file if that has the name; flags win over them.
func (l *Loader) Stack(name string, places map[string]string) {
	l.stack, l.places = name, places
}

// lookup returns a value's text and where it was given; "" is nowhere. What is
// empty in a variable or a file counts as unset, as in a shell's ${X:-}.
func (l *Loader) lookup(v *Value) (text, where string) {
	name := v.setting.Name
	if v.set {
		return strings.TrimSpace(v.text), l.flag + name
	}
	variable, place := strings.TrimSpace(l.getenv(v.setting.Env())), l.places[name]
	switch {
	case place != "" && (variable == "" || l.Where("stack") != l.file["stack"].Where):
		return place, "stack " + l.stack
	case variable != "":
		return variable, v.setting.Env()
	case l.file[name].Text != "":
		return l.file[name].Text, l.file[name].Where
	}
	return "", ""
}

// Text is a setting as it was given; empty: it was not.
func (l *Loader) Text(name string) string {
	for _, v := range l.values {
		if v.setting.Name == name {
			text, _ := l.lookup(v)
			return text
		}
	}
	return ""
}

// Given tells whether a setting was given at all.
func (l *Loader) Given(name string) bool {
	for _, v := range l.values {
		if v.setting.Name == name {
			_, where := l.lookup(v)
			return where != ""
		}
	}
	return false
}

// check judges settings against each other.
func (l *Loader) check(s Settings) error {
	switch {
	case s.BackoffCap < s.Backoff:
		return Errorf("%s: %s is over %s %s: give at most that", l.Where("backoff"), short(s.Backoff), l.Where("backoff-cap"), short(s.BackoffCap))
	case s.PollWait%1e9 != 0:
		return Errorf("%s: %s is not whole seconds: give 1s to 20s", l.Where("poll-wait"), s.PollWait)
	case s.Lease%1e9 != 0:
		return Errorf("%s: %s is not whole seconds: give 2s or more", l.Where("lease"), s.Lease)
	case s.NoDLQ && s.DLQURL != "":
		return Errorf("%s: %s names a dead-letter queue too: leave one of the two out", l.Where("no-dlq"), l.Where("dlq-url"))
	}
	return nil
}

// Where is where a setting was given, or else its flag.
func (l *Loader) Where(name string) string {
	for _, v := range l.values {
		if v.setting.Name == name {
			if _, where := l.lookup(v); where != "" {
				return where
			}
		}
	}
	return l.name(name)
}

// name is a setting as its program's user knows it.
func (l *Loader) name(name string) string {
	if l.flag == "" {
		return Setting{Name: name}.Env()
	}
	return l.flag + name
}

// Require returns an *Error for the first of the named settings that was not
// given, or is empty. also names another way to fix it, or is empty.
func (l *Loader) Require(also string, names ...string) error {
	for _, name := range names {
		for _, v := range l.values {
			if v.setting.Name == name && l.Text(name) == "" {
				as := v.setting.Env()
				if l.flag != "" {
					as = l.flag + name + " or " + as
				}
				return Errorf("%s is missing: give %s as %s%s", name, v.setting.Allowed, as, also)
			}
		}
	}
	return nil
}
