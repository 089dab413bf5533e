package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

const composeFile = "../../examples/compose/compose.yaml"

// compose is what of the file the tests look at.
type compose struct {
	Services map[string]struct {
		Image       string            `json:"image"`
		Command     []string          `json:"command"`
		Environment map[string]string `json:"environment"`
		NetworkMode string            `json:"network_mode"`
		Deploy      struct {
			Replicas int `json:"replicas"`
		} `json:"deploy"`
		DependsOn map[string]struct {
			Condition string `json:"condition"`
		} `json:"depends_on"`
		Healthcheck struct {
			Test []string `json:"test"`
		} `json:"healthcheck"`
	} `json:"services"`
}

func readCompose(t *testing.T) (asJSON []byte, c compose) {
	t.Helper()
	text, err := os.ReadFile(composeFile)
	require.NoError(t, err)
	asJSON, err = yaml.YAMLToJSONStrict(text)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(asJSON, &c))
	return asJSON, c
}

func composeSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file, err := os.Open("testdata/compose-spec.json")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	doc, err := jsonschema.UnmarshalJSON(file)
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("compose-spec.json", doc))
	schema, err := compiler.Compile("compose-spec.json")
	require.NoError(t, err)
	return schema
}

// Docker is not needed to see what it would refuse to read.
func TestTheComposeFileIsOne(t *testing.T) {
	t.Parallel()
	asJSON, c := readCompose(t)
	schema := composeSchema(t)
	valid := func(text []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		require.NoError(t, err)
		return schema.Validate(doc)
	}
	require.NoError(t, valid(asJSON))
	require.Error(t, valid(bytes.Replace(asJSON, []byte(`"depends_on"`), []byte(`"depends-on"`), 1)), "the schema refuses nothing")

	for name, s := range c.Services {
		for other, how := range s.DependsOn {
			require.Contains(t, c.Services, other, name)
			if how.Condition == "service_healthy" {
				require.NotEmpty(t, c.Services[other].Healthcheck.Test, "%s waits for %s for ever", name, other)
			}
		}
	}
	require.Equal(t, 2, c.Services["worker"].Deploy.Replicas)
}
