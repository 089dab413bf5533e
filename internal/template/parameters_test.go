package template_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/template"
)

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func seconds(t *testing.T, v any) time.Duration {
	t.Helper()

	return duration(t, text(t, v)+"s")
}

func duration(t *testing.T, v any) time.Duration {
	t.Helper()

	d, err := time.ParseDuration(text(t, v))
	require.NoError(t, err)

	return d
}

func text(t *testing.T, v any) string {
	t.Helper()

	require.IsType(t, "", v)

	return template.Text(map[string]any{"": v}, "")
}

// environments are those of samconfig.toml.
func environments(t *testing.T) map[string]map[string]string {
	t.Helper()

	all := template.Environments(t)
	require.Contains(t, all, "default")
	require.Contains(t, all["localstack"], "VisibilityTimeout", "the parameters of samconfig.toml are not found")

	return all
}

// What no parameter can check by itself, because it is about two of them.
func TestTimesFitEachOther(t *testing.T) {
	t.Parallel()

	for name, given := range environments(t) {
		s := template.Read(t).Stack(t, given)
		timeout := seconds(t, s.Property("Worker", "Timeout"))
		visibility := seconds(t, s.Property("Queue", "VisibilityTimeout"))
		retention := seconds(t, s.Property("Queue", "MessageRetentionPeriod"))
		window := seconds(t, mapping(s, "MaximumBatchingWindowInSeconds"))
		variable := func(name string) time.Duration {
			return duration(t, s.Property("Worker", "Environment", "Variables", name))
		}

		require.GreaterOrEqual(t, visibility, 6*timeout+window, name)
		// The program takes no more than a quarter for it.
		require.LessOrEqual(t, variable("GOFLOW_MARGIN"), timeout/4, name)
		require.LessOrEqual(t, variable("GOFLOW_BACKOFF"), variable("GOFLOW_BACKOFF_CAP"), name)
		require.GreaterOrEqual(t, variable("GOFLOW_RECORD_TTL"), retention+days(1), name)
		require.Less(t, seconds(t, s.Property("AgeOfTasksAlarm", "Threshold")), retention, name)
	}
}

// mapping returns a property of what connects queue and function.
func mapping(s *template.Stack, property string) any {
	return s.Property("Worker", "Events", "Tasks", "Properties", property)
}

func TestEnvironmentsGiveParametersWhatTheyAllow(t *testing.T) {
	t.Parallel()

	tm := template.Read(t)
	for name, given := range environments(t) {
		for parameter, value := range tm.Stack(t, given).Parameters {
			allows(t, tm.Section("Parameters")[parameter], name+" "+parameter, value)
		}
	}
}

// The template's default would be deployed otherwise, whatever was built.
func TestEnvironmentsDeployWhatWasBuilt(t *testing.T) {
	t.Parallel()

	samconfig, err := os.ReadFile("../../samconfig.toml")
	require.NoError(t, err)
	for name := range environments(t) {
		require.Regexp(t, `(?s)\[`+name+`\.build\.parameters\][^\[]*\nbuild_in_source = true\n`, string(samconfig))
		require.Regexp(t, `(?s)\[`+name+`\.deploy\.parameters\][^\[]*\nparameter_overrides = \[\s*"file://\.aws-sam/architecture\.yaml"`, string(samconfig))
	}
}

func allows(t *testing.T, parameter any, name, value string) {
	t.Helper()

	if pattern := template.Text(parameter, "AllowedPattern"); pattern != "" {
		require.Regexp(t, regexp.MustCompile(pattern), value, name)
	}
	if choices, ok := template.At(parameter, "AllowedValues").([]any); ok {
		require.Contains(t, choices, value, name)
	}
	if template.Text(parameter, "Type") != "Number" {
		return
	}
	number, err := strconv.Atoi(value)
	require.NoError(t, err, name)
	for limit, sign := range map[string]int{"MinValue": 1, "MaxValue": -1} {
		if bound := template.Text(parameter, limit); bound != "" {
			n, err := strconv.Atoi(bound)
			require.NoError(t, err, name)
			require.GreaterOrEqual(t, sign*number, sign*n, "%s: %s", name, limit)
		}
	}
}

func TestParametersAreUsedAndExplained(t *testing.T) {
	t.Parallel()

	tm := template.Read(t)
	var grouped []string
	groups, ok := template.At(map[string]any(tm), "Metadata", "AWS::CloudFormation::Interface", "ParameterGroups").([]any)
	require.True(t, ok)
	for _, group := range groups {
		names, ok := template.At(group, "Parameters").([]any)
		require.True(t, ok)
		for _, name := range names {
			grouped = append(grouped, text(t, name))
		}
	}
	slices.Sort(grouped)

	// A parameter that only a rule reads would have no effect.
	used, err := json.Marshal([]any{tm["Resources"], tm["Conditions"]})
	require.NoError(t, err)
	var names []string
	for name, parameter := range tm.Section("Parameters") {
		names = append(names, name)
		require.NotEmpty(t, template.Text(parameter, "Description"), name)
		require.Regexp(t, `"Ref":"`+name+`"|\$\{`+name+`\}`, string(used), "nothing uses %s", name)
	}
	slices.Sort(names)
	require.Equal(t, names, grouped, "every parameter stands in one group")
}

func settings() map[string]config.Setting {
	known := map[string]config.Setting{}
	for _, setting := range config.Table() {
		if setting.Programs&config.Function != 0 {
			known[setting.Env()] = setting
		}
	}
	return known
}

// A variable that the program doesn't know is ignored by it.
func TestVariablesAreSettingsWithTheirDefaults(t *testing.T) {
	t.Parallel()

	s := template.Read(t).Stack(t, nil)
	variables, ok := s.Property("Worker", "Environment", "Variables").(map[string]any)
	require.True(t, ok)
	places := map[string]any{"GOFLOW_QUEUE_URL": "${Queue}", "GOFLOW_DLQ_URL": "${DeadQueue}", "GOFLOW_TABLE": "${Table}"}
	require.Subset(t, variables, places)
	for name, value := range variables {
		setting, known := settings()[name]
		require.True(t, known, "no setting of the function is called %s", name)
		switch {
		case places[name] != nil:
		case name == "GOFLOW_CONCURRENCY":
			require.Empty(t, value) // by the function's processors
		default:
			require.Equal(t, setting.Default, value, name)
		}
	}
}

// Whether a parameter reaches the program at all, and the right variable.
func TestParametersReachTheirVariables(t *testing.T) {
	t.Parallel()

	given := map[string]string{
		"Concurrency": "3", "Margin": "30ms", "MaxAttempts": "7", "Backoff": "11ms", "BackoffCap": "12m",
		"UnknownTypeGrace": "13m", "RecordTTL": "400h", "LogLevel": "debug",
	}
	want := map[string]any{
		"GOFLOW_QUEUE_URL": "${Queue}", "GOFLOW_DLQ_URL": "${DeadQueue}", "GOFLOW_TABLE": "${Table}",
		"GOFLOW_CONCURRENCY": "3", "GOFLOW_MARGIN": "30ms", "GOFLOW_MAX_ATTEMPTS": "7", "GOFLOW_BACKOFF": "11ms",
		"GOFLOW_BACKOFF_CAP": "12m", "GOFLOW_UNKNOWN_TYPE_GRACE": "13m", "GOFLOW_RECORD_TTL": "400h", "GOFLOW_LOG_LEVEL": "debug",
	}
	require.Equal(t, want, template.Read(t).Stack(t, given).Property("Worker", "Environment", "Variables"))
}
