package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/jamesTait-jt/goflow/internal/localstack"
)

const composeFile = "../../examples/compose/compose.yaml"

// compose is what of the file the tests look at.
type compose struct {
	Services map[string]service `json:"services"`
}

type service struct {
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

// The file's commands, in its order and with its variables, get the producer's task done. What containers have to themselves
// is replaced, as a node does, and so are the names of queues and table.
func TestWhatTheComposeFileSaysRuns(t *testing.T) {
	t.Parallel()
	cfg := localstack.Config(t)
	_, c := readCompose(t)
	n, name := newNode(t, nil, nil), localstack.Name(t)
	require.Equal(t, "service:server", c.Services["producer"].NetworkMode, "it would not reach the server's loopback")
	moved := strings.NewReplacer("http://localstack:4566", *cfg.BaseEndpoint, "orders", name,
		"127.0.0.1:9090", "127.0.0.1:"+freePort(t), "127.0.0.1:8080", "127.0.0.1:"+freePort(t))
	command := func(s service, args []string, more ...string) *exec.Cmd {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(n.programs, args[0]))
		for _, arg := range args[1:] {
			cmd.Args = append(cmd.Args, moved.Replace(arg))
		}
		cmd.Env, cmd.Dir = more, t.TempDir()
		for variable, value := range s.Environment {
			cmd.Env = append(cmd.Env, variable+"="+moved.Replace(value))
		}
		return cmd
	}
	once := func(s service) string {
		text, err := command(s, s.Command).CombinedOutput()
		require.NoError(t, err, string(text))
		return string(text)
	}
	t.Cleanup(func() { removePlaces(t, cfg, name) })
	once(c.Services["provision"])
	server, worker := c.Services["server"], c.Services["worker"]
	untilEnd(t, command(server, server.Command))
	for range worker.Deploy.Replicas {
		untilEnd(t, command(worker, worker.Command, "GOFLOW_HTTP_ADDR=off", "GOFLOW_POLL_WAIT=1s"))
	}
	require.Equal(t, "CMD", server.Healthcheck.Test[0])
	require.Eventually(t, func() bool { return command(server, server.Healthcheck.Test[1:]).Run() == nil }, time.Minute, 50*time.Millisecond)
	require.Equal(t, `{"hello":"world"}`+"\n", once(c.Services["producer"]))
}

// untilEnd runs a program that has to stop cleanly when the test ends.
func untilEnd(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	said := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // if it has ended, ended says how
		require.NoError(t, <-ended, said.String())
	})
}

func removePlaces(t *testing.T, cfg aws.Config, name string) {
	t.Helper()
	ctx, queues := context.WithoutCancel(t.Context()), awssqs.NewFromConfig(cfg)
	all, err := queues.ListQueues(ctx, &awssqs.ListQueuesInput{QueueNamePrefix: &name})
	require.NoError(t, err)
	for _, url := range all.QueueUrls {
		_, err := queues.DeleteQueue(ctx, &awssqs.DeleteQueueInput{QueueUrl: &url})
		require.NoError(t, err)
	}
	_, err = awsdynamodb.NewFromConfig(cfg).DeleteTable(ctx, &awsdynamodb.DeleteTableInput{TableName: &name})
	require.NoError(t, err)
}
