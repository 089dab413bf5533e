// Package template reads template.yaml and samconfig.toml for tests: as the
// stack that CloudFormation would make of them.
package template

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Template is template.yaml. Scalars are strings, as CloudFormation takes them,
// and an intrinsic function has its long form: !Ref X is {"Ref": "X"}.
type Template map[string]any

// Read reads the template of this repository.
func Read(t testing.TB) Template {
	t.Helper()

	var document yaml.Node
	if err := yaml.Unmarshal(file(t, "template.yaml"), &document); err != nil {
		t.Fatalf("template: %v", err)
	}
	tree, ok := value(document.Content[0]).(map[string]any)
	if !ok {
		t.Fatal("template: it is no mapping")
	}

	return tree
}

// file reads a file of the repository's top folder: the nearest one upwards that
// has such a file.
func file(t testing.TB, name string) []byte {
	t.Helper()

	folder, err := os.Getwd()
	for err == nil {
		if text, missing := os.ReadFile(filepath.Join(folder, name)); missing == nil { //nolint:gosec // names are ours
			return text
		}
		if filepath.Dir(folder) == folder {
			break
		}
		folder = filepath.Dir(folder)
	}
	t.Fatalf("%s is in no folder from here upwards", name)

	return nil
}

// value turns a node into maps, slices and strings.
func value(n *yaml.Node) any {
	name, isFunction := strings.CutPrefix(n.ShortTag(), "!")
	if !isFunction || strings.HasPrefix(name, "!") {
		return plain(n)
	}
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}

	return map[string]any{name: plain(n)}
}

func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = value(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = value(item)
		}
		return list
	case yaml.AliasNode:
		return value(n.Alias)
	default:
		return n.Value
	}
}

// At returns what stands at a path of keys, or nil.
func At(tree any, path ...string) any {
	for _, key := range path {
		m, ok := tree.(map[string]any)
		if !ok {
			return nil
		}
		tree = m[key]
	}

	return tree
}

// Text is At for what has to be a string; anything else is "".
func Text(tree any, path ...string) string {
	text, ok := At(tree, path...).(string)
	if !ok {
		return ""
	}

	return text
}

// Section returns a mapping of the template, such as Parameters.
func (tm Template) Section(name string) map[string]any {
	section, ok := tm[name].(map[string]any)
	if !ok {
		return nil
	}

	return section
}
