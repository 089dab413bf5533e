package template

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// StackName is the stack's name wherever the template asks for it.
const StackName = "goflow"

// Stack is the template with its parameters filled in and its conditions
// decided. What only AWS knows stays a placeholder: ${Queue} is the reference to
// a resource, ${Queue.Arn} is one of its attributes, ${AWS::Region} is itself.
type Stack struct {
	Parameters map[string]string
	Resources  map[string]any

	t          testing.TB
	conditions map[string]any
}

// Stack fills in the parameters, those that are not given by their defaults.
func (tm Template) Stack(t testing.TB, given map[string]string) *Stack {
	t.Helper()

	s := &Stack{Parameters: map[string]string{}, Resources: map[string]any{}, t: t, conditions: tm.Section("Conditions")}
	for name, parameter := range tm.Section("Parameters") {
		s.Parameters[name] = Text(parameter, "Default")
	}
	for name, value := range given {
		if _, ok := s.Parameters[name]; !ok {
			t.Fatalf("template: it has no parameter %s", name)
		}
		s.Parameters[name] = value
	}
	for name, resource := range tm.Section("Resources") {
		s.Resources[name] = s.resolve(resource)
	}

	return s
}

// OfType returns the logical IDs of the resources of a type, in order.
func (s *Stack) OfType(resourceType string) []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(s.Resources)) {
		if Text(s.Resources[id], "Type") == resourceType {
			ids = append(ids, id)
		}
	}

	return ids
}

// Property returns a property of a resource, or nil.
func (s *Stack) Property(id string, path ...string) any {
	return At(s.Resources[id], append([]string{"Properties"}, path...)...)
}

// resolve returns nil for AWS::NoValue, which takes away what it stands for.
func (s *Stack) resolve(v any) any {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for _, item := range v {
			if item = s.resolve(item); item != nil {
				list = append(list, item)
			}
		}
		return list
	case map[string]any:
		return s.resolveMap(v)
	default:
		return v
	}
}

// resolveMap evaluates an intrinsic function, which is a mapping of one key, or
// what stands in any other mapping.
func (s *Stack) resolveMap(v map[string]any) any {
	m := map[string]any{}
	for key, item := range v {
		if len(v) == 1 && (key == "Ref" || strings.HasPrefix(key, "Fn::")) {
			return s.call(key, item)
		}
		if item = s.resolve(item); item != nil {
			m[key] = item
		}
	}

	return m
}

// placeholder is what Fn::Sub replaces.
var placeholder = regexp.MustCompile(`\$\{([\w:.]+)\}`)

// call evaluates an intrinsic function.
func (s *Stack) call(name string, argument any) any {
	text, _ := argument.(string)
	arguments, _ := argument.([]any)
	switch name {
	case "Ref":
		if text == "AWS::NoValue" {
			return nil
		}
		return s.lookup(text)
	case "Fn::GetAtt":
		return "${" + text + "}"
	case "Fn::Sub":
		return placeholder.ReplaceAllStringFunc(text, func(p string) string { return s.lookup(p[2 : len(p)-1]) })
	case "Fn::If":
		return s.choose(arguments)
	case "Fn::Not":
		return s.resolve(arguments[0]) != true
	case "Fn::Equals":
		return s.resolve(arguments[0]) == s.resolve(arguments[1])
	}
	s.t.Fatalf("template: %s of %v is not known to these tests", name, argument)

	return nil
}

func (s *Stack) choose(arguments []any) any {
	condition, ok := s.conditions[Text(map[string]any{"": arguments[0]}, "")]
	if !ok {
		s.t.Fatalf("template: it has no condition %v", arguments[0])
	}
	if s.resolve(condition) == true {
		return s.resolve(arguments[1])
	}

	return s.resolve(arguments[2])
}

func (s *Stack) lookup(name string) string {
	if name == "AWS::StackName" {
		return StackName
	}
	if value, ok := s.Parameters[name]; ok {
		return value
	}

	return "${" + name + "}"
}
