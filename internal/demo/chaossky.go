package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/internal/faults"
)

// restartVariable names localstack/fast/restart.
const restartVariable = "GOFLOW_DEMO_RESTART"

// Measures of the faults.
const (
	leastStorm   = 30 * time.Second
	stormPerTask = 12 * time.Millisecond
	keyLife      = 8 * time.Second // of which a stop of a worker takes the most
	leaveTime    = 10 * time.Second
)

// emulators are those behind the proxies, in the order in which they are stopped.
func emulators() []emulator {
	return []emulator{
		{"elasticmq", faults.SQS, "AWS_ENDPOINT_URL_SQS"},
		{"dynamodb", faults.DynamoDB, "AWS_ENDPOINT_URL_DYNAMODB"},
	}
}

type emulator struct {
	name     string // localstack/fast/restart's
	service  faults.Service
	variable string // of the SDK, that says where it is
}

// sky is what all that the demo and its programs ask for goes through.
type sky struct {
	demo     *demo
	random   lottery
	proxies  map[string]*faults.Proxy // by the emulator's name
	keys     *faults.Keys
	restart  string
	restarts map[string]int
	stops    []func()
}

// newSky puts proxies in front of the emulators, and gives this process and its
// children the proxies' addresses and credentials that end.
func newSky(ctx context.Context, d *demo, seed uint64) (*sky, error) {
	s := &sky{
		demo: d, random: newLottery(seed, 1000), proxies: map[string]*faults.Proxy{}, restarts: map[string]int{},
		keys: faults.NewKeys(seed, keyLife), restart: os.Getenv(restartVariable),
	}
	env := map[string]string{"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull}
	err := s.open(ctx, seed, env)
	if err != nil {
		s.end()
		return nil, err
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		err = errors.Join(err, os.Unsetenv(name)) // they would win over the others
	}
	for name, value := range env {
		err = errors.Join(err, os.Setenv(name, value))
	}
	return s, err
}

// open starts the proxies, and notes in env where they are.
func (s *sky) open(ctx context.Context, seed uint64, env map[string]string) (err error) {
	if s.restart == "" {
		return fmt.Errorf("-faults: %s is missing: eval what localstack/fast/up --durable prints", restartVariable)
	}
	if env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], err = s.serve(faults.Serve(ctx, s.keys)); err != nil {
		return err
	}
	for _, e := range emulators() {
		p, err := faults.New(faults.Config{
			Service: e.service, Target: os.Getenv(e.variable), Seed: seed, Odds: faults.Stormy(), Keys: s.keys,
			Delays: 2500 * time.Millisecond, // longer than a lease
			Bursts: faults.Bursts{Every: 10 * time.Second, For: 1500 * time.Millisecond},
		})
		if err != nil {
			return fmt.Errorf("%s: %w", e.variable, err)
		}
		if env[e.variable], err = s.serve(faults.Serve(ctx, p)); err != nil {
			return err
		}
		s.proxies[e.name] = p
	}
	return nil
}

// serve notes what stops a server.
func (s *sky) serve(url string, stop func(), err error) (string, error) {
	if err == nil {
		s.stops = append(s.stops, stop)
	}
	return url, err
}

// make lets the proxies fail until calm ends, and restarts one emulator after
// the other meanwhile.
func (s *sky) make(ctx, calm context.Context) error {
	s.blow(true)
	defer s.blow(false)
	for i := 0; ; i++ {
		pause(calm, s.random.between(9*time.Second, 15*time.Second))
		if calm.Err() != nil {
			return nil
		}
		if err := s.replace(ctx, emulators()[i%len(emulators())].name); err != nil {
			return err
		}
	}
}

func (s *sky) blow(on bool) {
	s.keys.Storm(on)
	for _, p := range s.proxies {
		p.Storm(on)
	}
}

// replace stops an emulator by SIGTERM and starts it again. Before, what is
// under way to it ends: an emulator may answer a request in its last moments,
// and lose what it has confirmed, as the services themselves never do.
func (s *sky) replace(ctx context.Context, name string) error {
	began := time.Now()
	leaving, cancel := context.WithTimeout(ctx, leaveTime)
	err := s.proxies[name].Leave(leaving)
	cancel()
	if err != nil {
		return fmt.Errorf("%s: requests to it don't end: %w", name, err)
	}
	if err := script(ctx, s.restart, name); err != nil {
		return err
	}
	s.proxies[name].Return()
	s.restarts[name]++
	s.demo.say("%s was stopped and started again: away for %.1f s", name, time.Since(began).Seconds())
	return nil
}

// report says what was done, by operation and by kind.
func (s *sky) report() {
	requests, sums := 0, map[faults.Kind]int{}
	add := func(from string, c faults.Counts) {
		requests += c.Requests()
		for kind, n := range c.Faults() {
			sums[kind] += n
		}
		for _, line := range c.Lines() {
			s.demo.say("faults: %s %s", from, line)
		}
	}
	for _, e := range emulators() {
		add(string(e.service), s.proxies[e.name].Counts())
	}
	add("keys", s.keys.Counts())
	words := []string{fmt.Sprintf("faults: requests=%d", requests)}
	for _, kind := range slices.Sorted(maps.Keys(sums)) {
		words = append(words, fmt.Sprintf("%s=%d", strings.ReplaceAll(string(kind), " ", "_"), sums[kind]))
	}
	for _, e := range emulators() {
		words = append(words, fmt.Sprintf("%s_restarted=%d", e.name, s.restarts[e.name]))
	}
	s.demo.say("%s", strings.Join(words, " "))
}

func (s *sky) end() {
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
}
