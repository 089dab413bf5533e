# `make test` is the one command that says whether all is well; `make check` is
# the quick one while you write.

PART := .ci/part
LINT := go tool -modfile=tools/go.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: help build fmt lint template proto check up down deploy-local test-lambda demo demo-lambda demo-grpc demo-memory test-k8s cover cost fuzz prove faults frozen bench test

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the programs into bin/
	go build -o bin/ ./cmd/...

fmt: ## format, and use the idioms of the Go version in go.mod
	go fix ./...
	$(LINT) fmt

lint: ## run the linters
	$(LINT) run

template: ## lint template.yaml, which deploys the Lambda function
	@.ci/template

proto: ## format rpc/*.proto and generate what comes from them
	@.ci/proto write

# Without LocalStack, whatever the environment says: its tests skip.
check: ## lint, vet, and the tests that need nothing but Go
	@$(PART) lint $(LINT) run
	@$(PART) vet go vet ./...
	@$(PART) test env -u GOFLOW_TEST_ENDPOINT -u GOFLOW_TEST_REQUIRE go test -race -shuffle=on -timeout=5m ./...

cover: ## the engine's and the adapters' coverage by tests that need nothing but Go; fails below 100 %
	@.ci/cover

cost: ## what tasks cost on AWS, counted on emulators; fails beyond the limits of internal/budget
	@.ci/cost

up: ## start LocalStack; eval what it prints
	@localstack/up

down: ## stop the LocalStack that `make up` started
	@localstack/down

deploy-local: ## build the Lambda function and deploy template.yaml to LocalStack
	@localstack/deploy

test-lambda: ## the tests of the deployed function
	@.ci/lambda

# CHAOS=1 takes the fast servers; with ON=localstack it takes LocalStack, and several minutes.
demo: ## push 200 tasks through LocalStack and check every outcome; CHAOS=1: 2,000 while workers are killed, SEED=n: as before
	@environment=$$(localstack/$(if $(CHAOS),$(if $(filter localstack,$(ON)),,fast/))up) && eval "$$environment" && \
		go run ./internal/demo $(if $(CHAOS),-chaos $(if $(SEED),-seed $(SEED)))

TASKS ?= 5000

faults: ## TASKS=5000 tasks through all the faults there are, on emulators that are restarted; SEED=n: as before
	@.ci/faults -tasks $(TASKS) $(if $(SEED),-seed $(SEED))

frozen: ## 300 tasks on a LocalStack that is frozen for half a minute; SEED=n: as before
	@.ci/frozen -tasks 300 $(if $(SEED),-seed $(SEED))

demo-lambda: ## the same with the Lambda function as the only worker
	@$(MAKE) --no-print-directory deploy-local
	@environment=$$(localstack/up) && eval "$$environment" && go run ./internal/demo -stack goflow

demo-grpc: ## the same through two gRPC servers, one of which is killed, by a client without AWS
	@environment=$$(localstack/up) && eval "$$environment" && go run ./internal/demo -grpc

demo-memory: ## the same in one process, with nothing but Go
	@go run ./internal/demo -memory

test-k8s: ## the tests on a real Kubernetes API server, which the first run builds: minutes
	@.ci/k8s

prove: ## simulate, plant bugs, break real servers, fuzz; nightly: BUDGET=1h TASKS=20000 FUZZ=10m; SEED=n: as before
	@.ci/prove

fuzz: ## fuzz every decoder, 10 s for each of the five; FUZZ=10m longer
	@.ci/fuzz

# DOCS=1 writes docs/performance.md and its pictures, too.
bench: ## GoFlow beside other queues and pools, in one table; BENCH=full what grows, too, BENCH=smoke seconds; DOCS=1: into docs/
	@DOCS=$(DOCS) .ci/bench $(BENCH)

test: ## everything; installs what it needs
	@.ci/test
