package main

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/jamesTait-jt/goflow/bench/internal/count"
	"github.com/jamesTait-jt/goflow/bench/internal/rounds"
)

// What is not here, and why.
type absent struct{ name, reason string }

// field is who takes part.
type field struct {
	contenders []*rounds.Contender
	absent     []absent
	versions   []string // of what is no Go module
}

// newField looks at the environment, which .ci/bench has made.
func newField(ctx context.Context) (*field, error) {
	f := &field{}
	if err := f.addAWS(ctx); err != nil {
		return nil, err
	}
	f.addRedis(ctx)
	if err := f.addPostgres(ctx); err != nil {
		return nil, err
	}
	for _, name := range []string{"GoFlow, local mode", "channel, workers", "ants", "pond", "conc"} {
		f.add(&rounds.Contender{Name: name, Where: "in process", Meter: count.Nobody{}, InProcess: true})
	}
	return f, nil
}

// add has a contender that is written in Go run by this program.
func (f *field) add(c *rounds.Contender) {
	if c.Command == nil {
		c.Command = []string{os.Args[0], "-contender", c.Name}
	}
	f.contenders = append(f.contenders, c)
}

func (f *field) leaveOut(variable string, names ...string) {
	for _, name := range names {
		f.absent = append(f.absent, absent{name, cmp.Or(os.Getenv(variable), variable[len("BENCH_WITHOUT_"):]+" does not run: start this by make bench")})
	}
}

func (f *field) addAWS(ctx context.Context) error {
	const where = "SQS, DynamoDB"
	sqs, dynamodb := os.Getenv("AWS_ENDPOINT_URL_SQS"), os.Getenv("AWS_ENDPOINT_URL_DYNAMODB")
	if sqs == "" || dynamodb == "" {
		f.leaveOut("BENCH_WITHOUT_EMULATORS", "GoFlow", "naive", "Celery")
		return nil
	}
	aws, err := count.NewAWS(ctx, sqs, dynamodb)
	if err != nil {
		return err
	}
	f.versions = append(f.versions, "ElasticMQ 1.7.1", "DynamoDB Local 2.6.1") // localstack's poms pin them
	for _, name := range []string{"GoFlow", "naive"} {
		f.add(&rounds.Contender{Name: name, Where: where, Meter: aws, Environment: aws.Environment()})
	}
	python := os.Getenv("BENCH_CELERY")
	if python == "" {
		f.leaveOut("BENCH_WITHOUT_CELERY", "Celery")
		return nil
	}
	f.versions = append(f.versions, "Celery "+os.Getenv("BENCH_CELERY_VERSION"))
	f.add(&rounds.Contender{
		Name: "Celery", Where: where, Meter: aws, Environment: aws.Environment(),
		Command: []string{python, "celery/contender.py"},
	})
	return nil
}

func (f *field) addRedis(ctx context.Context) {
	address := os.Getenv("BENCH_REDIS")
	if address == "" {
		f.leaveOut("BENCH_WITHOUT_REDIS", "asynq")
		return
	}
	meter := count.Redis{Client: redis.NewClient(&redis.Options{Addr: address})}
	f.versions = append(f.versions, "Redis "+meter.Version(ctx))
	f.add(&rounds.Contender{Name: "asynq", Where: "Redis", Meter: meter})
}

func (f *field) addPostgres(ctx context.Context) error {
	url := os.Getenv("BENCH_POSTGRES")
	if url == "" {
		f.leaveOut("BENCH_WITHOUT_POSTGRES", "River")
		return nil
	}
	meter, err := count.NewPostgres(ctx, url)
	if err != nil {
		return err
	}
	f.versions = append(f.versions, "PostgreSQL "+meter.Version(ctx))
	f.add(&rounds.Contender{Name: "River", Where: "PostgreSQL", Meter: meter})
	return nil
}

// keep leaves those out that are not named, if any are.
func (f *field) keep(names string) {
	if names == "" {
		return
	}
	f.contenders = slices.DeleteFunc(f.contenders, func(c *rounds.Contender) bool {
		return !slices.Contains(strings.Split(names, ","), c.Name)
	})
}

// named is one of them; nil: it is absent.
func (f *field) named(name string) *rounds.Contender {
	for _, c := range f.contenders {
		if c.Name == name {
			return c
		}
	}
	return nil
}
