# Targets for people and CI. `make help` lists them. Only Go is needed; the tools are built from tools/go.mod.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BIN     := bin/legwork
# -s -w leave out the debugger's tables, a quarter of the binary. Stack traces of panics still have functions, files and lines.
LDFLAGS := -s -w -X main.version=$(VERSION)
TOOL    := $(GO) tool -modfile=tools/go.mod

# Where the tests' PostgreSQL comes from: embedded, container, or auto (TEST_DATABASE_URL, else a container when a Docker
# engine answers, else embedded).
DB  ?= auto
# Packages and further flags of go test: make test-go PKG=./internal/store ARGS='-run TestX -count=20'
PKG ?= ./...
ARGS ?=
# Minimum test coverage of hand-written Go code, in percent.
MIN_COVERAGE ?= 85

# All test binaries share one PostgreSQL server. Each test has its own database.
WITH_SERVER := $(GO) run ./internal/dbtest/testserver --source $(DB) --
GOTEST      := $(GO) test -race -tags failpoints -shuffle=on -timeout 40m

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/legwork, a static program
	CGO_ENABLED=0 $(GO) build -buildvcs=false -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/legwork

.PHONY: run
run: build ## build and serve with the settings of .env
	$(BIN) serve

.PHONY: demo
demo: build ## ask a question about legwork's own documentation; needs nothing else
	$(BIN) demo

.PHONY: test
test: lint build memory cover ## everything: lint, build, unit and integration tests with -race, coverage

# Packages whose tests start browsers or many processes.
SLOW := /(cmd/legwork|internal/page/browser|bench|eval)(/|$$)

.PHONY: test-fast
test-fast: ## the quick tests, in two minutes: no browser, no chaos, no -race, but the six scenarios of the whole program
	$(WITH_SERVER) $(GO) test -tags failpoints -short $$($(GO) list ./... | grep -vE '$(SLOW)')
	$(WITH_SERVER) $(GO) test -tags failpoints -short -run '^TestScenario_' ./cmd/legwork

.PHONY: test-go
test-go: ## only the tests: make test-go [DB=…] [PKG=…] [ARGS=…]
	$(WITH_SERVER) $(GOTEST) $(ARGS) $(PKG)

.PHONY: memory
memory: ## the tests of the memory of parser processes, without the race detector, which needs many times the memory
	$(GO) test -tags failpoints -count=1 -run '^TestMemory' ./internal/page/parser

.PHONY: cover
cover: ## the tests with coverage, which must reach MIN_COVERAGE
	$(WITH_SERVER) $(GOTEST) -coverpkg=./... -coverprofile=coverage.out $(ARGS) ./...
	scripts/coverage.sh coverage.out $(MIN_COVERAGE)

# Duration of make chaos.
CHAOS ?= 5m

.PHONY: chaos
chaos: ## kill and stop processes and cut off the database for CHAOS (5m); no data may be lost; make test has a short form
	$(GO) test -race -tags failpoints -timeout 2h -count=1 -v -run '^TestChaos$$' ./cmd/legwork -args -chaos $(CHAOS)

.PHONY: bench
bench: ## measure everything with its references, in about fifteen minutes (ARGS='-parts append,runs -pairs 20'; docs/performance.md)
	$(GO) run ./bench $(ARGS)

.PHONY: microbench
microbench: ## run the Go benchmarks
	$(WITH_SERVER) $(GO) test -run '^$$' -bench . -benchmem $(ARGS) $(PKG)

.PHONY: gen
gen: ## generate db/ from queries/ and the Go code of api/ from openapi.yaml
	rm -f db/*.go api/*.gen.*
	$(TOOL) sqlc generate
	$(GO) generate ./api

.PHONY: reference
reference: ## generate .env.example and docs/reference from the settings, the commands, the contract and the metrics; tests fail if they differ
	$(GO) test ./internal/config -count=1 -run '^Test(ExampleFile|Reference)$$' -update
	$(GO) test ./api ./internal/metrics -count=1 -run '^TestReference$$' -update
	$(GO) test -tags failpoints ./cmd/legwork -count=1 -run '^TestCommandReference$$' -update

.PHONY: gen-check
gen-check: ## generate again, and fail if something changes
	scripts/gen-check.sh

.PHONY: lint
lint: ## vet, the sizes of files and packages, and golangci-lint, which enforces the floors of docs/architecture.md
	scripts/sizes.sh
	$(GO) vet -tags failpoints ./...
	$(TOOL) golangci-lint run ./...

.PHONY: deploy-check
deploy-check: ## check the Helm chart, the workflows, and the configurations of the release and of Renovate
	$(GO) -C tools/deploy vet ./...
	$(GO) -C tools/deploy test -count=1 ./... # what it reads is outside of its module, so Go would not see a change

.PHONY: audit
audit: ## check the licenses of all modules in the binary, and search for known vulnerabilities in the code that it calls
	scripts/audit.sh

.PHONY: fmt
fmt: ## format the Go code
	$(TOOL) golangci-lint fmt ./...

.PHONY: eval
eval: build ## ask the questions of eval/ about five manuals, print the results, and audit (ROUNDS, EVAL_DOCS, DOCS, QUESTIONS, MIN, RESULT)
	DOCS="$(DOCS)" QUESTIONS="$(QUESTIONS)" MIN="$(MIN)" MIN_DECLINED="$(MIN_DECLINED)" RESULT="$(RESULT)" ROUNDS="$(ROUNDS)" ARGS="$(ARGS)" scripts/eval.sh

# Folders of another corpus: pages as PAGES/NAME.html, their marked content as GOLD/NAME.txt.
PAGES ?= eval/extraction/testdata/pages
GOLD  ?= eval/extraction/testdata/gold

.PHONY: extraction
extraction: ## measure how well the main content is found (PAGES, GOLD, ARGS='-worst 10 -other trafilatura=FOLDER')
	$(GO) run ./eval/extraction -pages "$(PAGES)" -gold "$(GOLD)" $(ARGS)

.PHONY: cases
cases: build ## check the cases of page reading in CASES (../shared/cases), without and with a browser
	CASES="$(CASES)" ARGS="$(ARGS)" scripts/cases.sh

.PHONY: compose
compose: ## run docker-compose.yml for real: build, a task, kill -9 of a worker, down and up (needs a Docker engine; scripts/compose.sh)
	scripts/compose.sh $(ARGS)

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (1m): make fuzz FUZZTIME=10s PKG=internal/page
	FUZZTIME="$(FUZZTIME)" PKG="$(filter-out ./...,$(PKG))" scripts/fuzz.sh

.PHONY: clean
clean: ## remove built files; keeps .legwork, which has the data
	rm -rf bin coverage.out eval/results
