package template

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// Statement is one statement of a policy.
type Statement struct {
	Owner              string // logical ID of the resource that holds it
	Effect             string
	Actions, Resources []string
	All                map[string]any // with what is not above
}

// Statements returns the statements of all policies, wherever they stand: each
// has an Effect, and nothing else has one.
func (s *Stack) Statements() []Statement {
	var all []Statement
	for _, owner := range slices.Sorted(maps.Keys(s.Resources)) {
		all = collect(all, owner, s.Resources[owner])
	}

	return all
}

func collect(all []Statement, owner string, tree any) []Statement {
	switch tree := tree.(type) {
	case []any:
		for _, item := range tree {
			all = collect(all, owner, item)
		}
	case map[string]any:
		if effect := Text(tree, "Effect"); effect != "" {
			return append(all, Statement{owner, effect, texts(tree["Action"]), texts(tree["Resource"]), tree})
		}
		for _, key := range slices.Sorted(maps.Keys(tree)) {
			all = collect(all, owner, tree[key])
		}
	}

	return all
}

// texts takes one string for a list of one, as policies do.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, item := range v {
			list = append(list, texts(item)...)
		}
		return list
	default:
		return nil
	}
}

// Everything returns parameters under which every optional grant is made.
func Everything() map[string]string {
	return map[string]string{
		"Tracing":       "Active",
		"KmsKeyArn":     "arn:aws:kms:eu-central-1:111122223333:key/1234abcd",
		"AlarmTopicArn": "arn:aws:sns:eu-central-1:111122223333:alarms",
	}
}

// Granted returns what the template allows a role, or whoever has a managed
// policy, in order: each action with what it is allowed on, as in
// "sqs:SendMessage Queue". The stack is one with tracing and a key.
func Granted(t testing.TB, logicalID string) []string {
	t.Helper()

	granted := map[string]bool{}
	for _, statement := range Read(t).Stack(t, Everything()).Statements() {
		if statement.Owner != logicalID || statement.Effect != "Allow" {
			continue
		}
		for _, resource := range statement.Resources {
			resource = strings.TrimSuffix(strings.TrimPrefix(resource, "${"), ".Arn}")
			for _, action := range statement.Actions {
				granted[action+" "+resource] = true
			}
		}
	}
	if len(granted) == 0 {
		t.Fatalf("template: %s grants nothing", logicalID)
	}

	return slices.Sorted(maps.Keys(granted))
}
