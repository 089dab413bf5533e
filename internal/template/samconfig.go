package template

import (
	"regexp"
	"strings"
	"testing"
)

// Environments returns which parameters each environment of samconfig.toml sets
// for `sam deploy`. The file is TOML, of which this reads as much as is used
// there: tables, and parameters as strings of the form "Name=value".
func Environments(t testing.TB) map[string]map[string]string {
	t.Helper()

	table := regexp.MustCompile(`^\[(\w+)\.(\w+)\.parameters\]`)
	parameter := regexp.MustCompile(`"(\w+)=([^"]*)"`)
	environments := map[string]map[string]string{}
	var given map[string]string
	for line := range strings.Lines(string(file(t, "samconfig.toml"))) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if m := table.FindStringSubmatch(line); m != nil {
			given = map[string]string{}
			if m[2] == "deploy" {
				environments[m[1]] = given
			}
		}
		for _, m := range parameter.FindAllStringSubmatch(line, -1) {
			given[m[1]] = m[2]
		}
	}

	return environments
}
