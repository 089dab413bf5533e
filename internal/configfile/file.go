// Package configfile reads settings from a YAML file. It is apart from
// internal/config because a function has no such file, and need not carry a
// parser for it.
package configfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"go.yaml.in/yaml/v3"

	"github.com/jamesTait-jt/goflow/internal/config"
)

// Read hands the loaders the values in the file that the first of them names,
// by flag or variable, or else in the user's own file, if there is one. A
// *config.Error names what is wrong with it, and the line.
func Read(getenv func(string) string, loaders ...*config.Loader) error {
	path := loaders[0].Text("config")
	named := path != ""
	if !named {
		path = usual(getenv)
	}
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // reading the file that the user names is the purpose
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		return nil
	case err != nil:
		return config.Errorf("%s: %v: give the path of a file", loaders[0].Where("config"), err)
	}
	items, err := parse(path, text)
	if err != nil {
		return err
	}
	for _, l := range loaders {
		l.File(items)
	}
	return nil
}

// usual is where a user's own file is: as in
// https://specifications.freedesktop.org/basedir-spec/latest. Empty: nowhere.
func usual(getenv func(string) string) string {
	if home := getenv("XDG_CONFIG_HOME"); home != "" {
		return filepath.Join(home, "goflow", "config.yaml")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".config", "goflow", "config.yaml")
	}
	return ""
}

// parse returns the values by the names of the settings.
func parse(path string, text []byte) (map[string]config.Item, error) {
	var document yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) { // it is empty
			return nil, nil //nolint:nilnil // no items
		}
		return nil, malformed(path, err)
	}
	if dec.Decode(new(yaml.Node)) == nil {
		return nil, config.Errorf("%s: more than one document: write one", path)
	}
	top := document.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, config.Errorf("%s:%d: no settings: write each as name: value", path, top.Line)
	}
	known, items := names(), map[string]config.Item{}
	for i := 0; i < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		where := fmt.Sprintf("%s:%d", path, key.Line)
		_, twice := items[key.Value]
		switch {
		case !known[key.Value]:
			return nil, config.Errorf("%s: unknown key %.60q: give the name of a flag, as docs/configuration.md lists them", where, key.Value)
		case twice:
			return nil, config.Errorf("%s: %s is there twice: leave one out", where, key.Value)
		case value.Kind != yaml.ScalarNode:
			return nil, config.Errorf("%s: %s has more than one value: give one", where, key.Value)
		}
		items[key.Value] = config.Item{Text: textOf(value), Where: where + ": " + key.Value}
	}
	return items, nil
}

// names are those that a file may have: of all settings but its own name and
// those that have no flag.
func names() map[string]bool {
	known := map[string]bool{}
	for _, s := range config.Table() {
		known[s.Name] = s.Programs != config.Function && s.Name != "config"
	}
	return known
}

// textOf is a value as a flag would have it; null is empty.
func textOf(value *yaml.Node) string {
	if value.Tag == "!!null" {
		return ""
	}
	return value.Value
}

// line is how the parser begins.
var line = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func malformed(path string, err error) error {
	found := line.FindStringSubmatch(err.Error())
	reason := line.ReplaceAllString(err.Error(), "")
	if len(found) == 2 && found[1] != "" {
		path += ":" + found[1]
	}
	return config.Errorf("%s: not YAML: %s", path, reason)
}
