# `make` prints this list. Everything needs Go only; PostgreSQL comes from the machine, or is fetched at first use.
.DEFAULT_GOAL := help
SHELL := /bin/bash
TOOL := go tool -modfile=tools/go.mod
PACKAGES := ./...
RACE ?=
export GOFLAGS := -buildvcs=false

.PHONY: help run test check bench chaos screenshots lint format generate generated build planted fuzz vulnerabilities clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start everything on this machine, with the example organisation; Ctrl-C stops it
	@echo "Building Belay. The first build takes some minutes, later ones seconds."
	@mkdir -p .build && go build -trimpath -o .build/belay ./cmd/belay
	@exec .build/belay dev

test: ## run every test, end to end ones included, on servers that are started for it
	go test $(RACE) -timeout 40m $(PACKAGES)
	go -C devstack test -timeout 40m ./...

check: format lint generated ## what CI runs: format, linters, walls, generated code, tests with the race detector
	$(MAKE) test RACE=-race
	$(MAKE) vulnerabilities

bench: build ## measure an installation of its own beside bare Temporal workflows (ARGS="--short --only first"); docs/benchmarks.md
	@.build/belay bench --start $(ARGS)

chaos: build ## break an installation of its own, process by process, and audit what became of its alerts (ARGS="--short"); docs/faults.md
	@.build/belay chaos --start $(ARGS)

format: ## fail on files that gofmt would change
	@changed=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$changed" ]; then echo "not formatted:"; echo "$$changed"; exit 1; fi

lint: ## vet, staticcheck, exhaustive switches, forbidden calls, determinism of workflows
	go vet $(PACKAGES)
	$(TOOL) staticcheck $(PACKAGES)
	$(TOOL) exhaustive -d -typeignore '(yaml.*Kind|blueprint.form)' ./core/... ./contract/... ./workflows/... ./service/... ./activities/...
	$(TOOL) forbidigo -set_exit_status -tests=false '^time\.(Now|Since|Until|LoadLocation|Sleep|After|Tick|NewTimer|NewTicker)$$' '^fmt\.Print.*$$' -- ./core/... ./workflows/... ./contract/...
	$(TOOL) workflowcheck -config tools/workflowcheck.yaml ./workflows/...

generate: ## write the generated code anew
	go generate ./store ./api ./web ./core/blueprint

generated: ## fail when generated code is not what its sources say
	@$(MAKE) generate
	@git diff --exit-code --stat -- store api web docs core || { echo "generated code is stale: run make generate and commit"; exit 1; }

screenshots: ## write what people see, in both themes and at several sizes, to .build/screenshots (needs chromium)
	BELAY_BROWSER=required BELAY_PICTURES=$(CURDIR)/.build/screenshots go test ./web -run "TestPictures" -count=1 -timeout 40m

build: ## the binary, static, in .build/
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o .build/belay ./cmd/belay

planted: ## prove that each guard fails on a violation planted for it
	tools/planted

fuzz: ## let every fuzzer look for a minute each (FUZZTIME=10s FUZZ=core/reply)
	tools/fuzz

vulnerabilities: ## known vulnerabilities in what we use (needs the network; says so when there is none)
	tools/vulnerabilities $(PACKAGES)

clean: ## remove what was built; state under .belay/ stays
	rm -rf .build
