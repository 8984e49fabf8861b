# Everything that is done with this repository. `make` lists it.
#
# What each target needs: Go (go.mod says which), make and git; a C compiler for the race detector;
# chromium for the tests of the live page (Debian: apt-get install chromium).
# Nothing is installed on the machine: what is built goes to bin/.

# What `make run` passes to the demo: ARGS=--once shows every step and ends.
ARGS ?=

# Flags for `make bench` and `make bench-quick`: BENCH='--only typed --runs 3' looks at a part.
BENCH ?=

# The image that `make image` builds, and with what. deploy/addingress.yaml names the same image.
IMAGE ?= addingress:v0.1.0
DOCKER ?= docker

# What `make bench-against` measures beside: OLD=<commit>, as often as N says.
OLD ?=
N ?= 9

# `make mutants` tries every mutant. With MINUTES it tries a sample for that long, whose order SEED
# repeats: the commit's hash where none is given. ONLY is a regular expression of mutants, such as
# '^pack/base.go'.
MINUTES ?=
SEED ?= 0x$(shell git rev-parse --short=8 HEAD 2>/dev/null || echo 0)
ONLY ?=

# How many test packages run at once. Most start a control plane of their own, about 0.5 GB and a
# busy core each, so two are right for two cores, and more are seldom faster.
P ?= 2

# How long one package's tests may take.
TIMEOUT ?= 20m

# The race detector needs a C compiler. Where there is none the tests run without, and say so.
RACE ?= $(if $(shell command -v "$$(go env CC)" 2>/dev/null),-race)

# devcluster is built with these; with any others Kubernetes would be compiled a second time.
DEVCLUSTER_ENV := CGO_ENABLED=0 GOFLAGS=-trimpath

STATICCHECK := $(CURDIR)/bin/staticcheck

.DEFAULT_GOAL := help
.PHONY: help run test test-short devcluster build skiff examples fmt page-pictures image lint size bench bench-quick bench-kubectl bench-stale bench-ingresses bench-sizes bench-against bench-programs faults differences clean tools mutants matrix election

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "make run ARGS=--once shows every step and ends by itself."

run: devcluster build ## start a real control plane and show addingress on it
	@bin/demo $(ARGS)

# -count=1: what crosses the API is run and not remembered. A test that is skipped is a
# failure here. -vet=off: `make lint` vets.
test: devcluster bin/testrun ## run every test of every module, with the race detector
	@echo "test: the library and the examples$(if $(RACE),, (WITHOUT the race detector: no C compiler found)), $(P) packages at once; then skifftest, crd, its comparison with controller-gen, operator, its page in a browser, its alerts and dashboard, addingress, cmd/skiff, devcluster, tools, bench and compare"
	@bin/testrun \
		-- . -count=1 -vet=off $(RACE) -p $(P) -timeout $(TIMEOUT) ./... \
		-- skifftest -count=1 -vet=off $(RACE) -p $(P) -timeout $(TIMEOUT) ./... \
		-- crd -count=1 -vet=off $(RACE) -p $(P) -timeout $(TIMEOUT) ./... \
		-- crd/public -count=1 -vet=off ./... \
		-- operator -count=1 -vet=off $(RACE) -p $(P) -timeout $(TIMEOUT) ./... \
		-- operator/browser -count=1 -vet=off -timeout $(TIMEOUT) ./... \
		-- operator/monitoring -count=1 -vet=off -timeout $(TIMEOUT) ./... \
		-- addingress -count=1 -vet=off $(RACE) -p $(P) -timeout $(TIMEOUT) ./... \
		-- cmd/skiff -count=1 -vet=off $(RACE) -p $(P) -timeout $(TIMEOUT) ./... \
		-- devcluster $(DEVCLUSTER_ENV) -count=1 -vet=off -p 1 -timeout $(TIMEOUT) ./... \
		-- tools -count=1 -vet=off ./... \
		-- bench -count=1 -vet=off $(RACE) -p $(P) -timeout $(TIMEOUT) ./... \
		-- compare -count=1 -vet=off $(RACE) -p $(P) -timeout $(TIMEOUT) ./...

# Each package's line has the number of its tests that were skipped.
test-short: bin/testrun ## run the tests that need no control plane, without the race detector
	@bin/testrun -short -- . -timeout $(TIMEOUT) ./... -- skifftest ./... -- crd ./... -- crd/public ./... -- operator ./... -- addingress -timeout $(TIMEOUT) ./... -- cmd/skiff ./... -- tools ./... -- bench ./... -- compare ./... -- devcluster $(DEVCLUSTER_ENV) ./internal/... ./e2e/...

devcluster: ## build the control plane into bin/devcluster (the first time takes minutes)
	@cd tools && go run ./devcluster -source ../devcluster -o ../bin/devcluster

build: skiff ## build skiff, addingress and the demo into bin/
	@mkdir -p bin
	cd addingress && go build -o ../bin/ . ./demo

skiff: ## build the command line tool into bin/skiff
	@mkdir -p bin
	cd cmd/skiff && go build -trimpath -o ../../bin/skiff .

image: ## build the image of addingress (IMAGE=…, DOCKER=podman)
	$(DOCKER) build -t $(IMAGE) -f addingress/Dockerfile .

examples: ## build the examples into bin/examples/
	@mkdir -p bin/examples
	go build -o bin/examples/ ./examples/...

page-pictures: devcluster ## test the live page in chromium, and write its pictures in docs/pictures
	@mkdir -p docs/pictures
	cd operator/browser && go test -count=1 -timeout $(TIMEOUT) -run '^TestThePage$$' . -pictures $(CURDIR)/docs/pictures

fmt: ## format the sources
	gofmt -w .

# staticcheck leaves out the packages of devcluster that link Kubernetes: it would go through all of
# that, for minutes.
lint: bin/staticcheck ## gofmt, go vet and staticcheck on every module; go vet for Windows and macOS
	@files=$$(gofmt -l .); [ -z "$$files" ] || { echo "not formatted (make fmt):"; echo "$$files"; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...
	cd skifftest && go vet ./... && $(STATICCHECK) ./...
	cd crd && go vet ./... && $(STATICCHECK) ./...
	cd crd/public && go vet ./... && $(STATICCHECK) ./...
	cd operator && go vet ./... && $(STATICCHECK) ./...
	cd operator/browser && go vet ./... && $(STATICCHECK) ./...
	cd operator/monitoring && go vet ./... && $(STATICCHECK) ./...
	cd addingress && go vet ./... && $(STATICCHECK) ./...
	cd cmd/skiff && go vet ./... && $(STATICCHECK) ./...
	cd tools && go vet ./... && $(STATICCHECK) ./...
	cd bench && go vet ./... && $(STATICCHECK) ./...
	cd compare && go vet ./... && $(STATICCHECK) ./...
	cd devcluster && $(DEVCLUSTER_ENV) go vet ./... && $(DEVCLUSTER_ENV) $(STATICCHECK) ./internal/... ./e2e/...
	@for os in windows darwin; do echo "go vet for $$os"; \
		CGO_ENABLED=0 GOOS=$$os go vet $$(go list ./... | grep -v /clientset/) || exit 1; \
		for module in skifftest crd operator addingress cmd/skiff; do \
			(cd $$module && CGO_ENABLED=0 GOOS=$$os go vet ./...) || exit 1; done; done

# The tests that need no control plane must notice each change of a bound (tools/mutants).
mutants: bin/mutants ## change each bound by one and find what no test notices (MINUTES=3 SEED=… takes a sample)
	@bin/mutants -targets tools/mutants/skiff.txt -only '$(ONLY)' -seed $(SEED) $(if $(MINUTES),-for $(MINUTES)m) .

size: ## how large the smallest informer program is, against its limits
	@go test -count=1 -run '^TestInformer.*Small' -v ./examples | grep -v '^=== '

# Not in CI: ten rounds with client-go's timings take twenty minutes, and four of addingress eight, most
# of them waiting.
election: devcluster ## who leads, in a hundred runs by a virtual clock and ten on a real control plane, and four of addingress
	SKIFF_ELECTION_FULL=1 go test -count=1 -timeout 60m -v -run '^TestNeverTwoLeaders' ./election | grep -v ' INFO \| WARN '
	cd addingress && SKIFF_ELECTION_FULL=1 go test -count=1 -timeout 60m -v -run '^TestTwoReplicas$$' .

# Not in CI: it compiles Kubernetes once for each version, some five minutes of two cores each.
matrix: bin/matrix ## run the library's cluster tests on several versions of Kubernetes, and write docs/versions.md (ONLY=1.36 runs one)
	@bin/matrix -only '$(ONLY)' -write docs/versions.md .

# Nothing else should run on the machine meanwhile.
bench: bench-programs devcluster ## measure skiff beside client-go, and write bench/RESULTS.md, results.json and charts (BENCH=… passes flags)
	@bin/bench/bench $(BENCH)

bench-quick: bench-programs ## the same figures from fewer runs, in minutes, into bench/quick/
	@bin/bench/bench --quick $(BENCH)

# The first build of kubectl takes minutes. PODS=500 RUNS=2 OUT= tries it out and prints the section.
PODS ?= 20000
RUNS ?= 9
OUT ?= bench/RESULTS.md
bench-kubectl: devcluster ## measure skiff beside kubectl, and write their section of bench/RESULTS.md
	@bench/kubectl.sh
	@bin/bench-kubectl/bench --pods $(PODS) --runs $(RUNS) --out '$(OUT)' --version "$$(cat bin/bench-kubectl/version)"

bench-stale: devcluster ## let the same controller run on client-go, controller-runtime and skiff, its watch delayed, and write their section of bench/RESULTS.md
	@cd bench && go run -trimpath ./cmd/stale --out RESULTS.md

bench-ingresses: devcluster ## measure the same controller on skiff and controller-runtime with 2,000 Services, and write their section of bench/RESULTS.md
	@mkdir -p bin/bench
	@cd bench && go build -trimpath -o ../bin/bench/ ./cmd/ingresses ./cmd/ingress-skiff ./cmd/ingress-ctrl
	@bin/bench/ingresses --out bench/RESULTS.md

bench-sizes: ## build an informer and an operator with skiff and without, and write their sizes into their section of bench/RESULTS.md
	@cd bench && go run -trimpath ./cmd/sizes --out RESULTS.md

# Both commits' programs are built first, and then run by turns.
bench-against: ## measure skiff beside an older commit of it: OLD=<commit>, N=<runs> (default 9)
	@[ -n "$(OLD)" ] || { echo "which commit? make bench-against OLD=<commit>"; exit 2; }
	@set -e; tree=$$(mktemp -d); \
	trap 'git worktree remove --force "$$tree" || rm -rf "$$tree"' EXIT; \
	git worktree add --quiet --detach "$$tree" "$(OLD)"; \
	rm -rf bin/bench-old; mkdir -p bin/bench-old bin/bench; \
	(cd bench && go build -trimpath -o ../bin/bench/ ./cmd/against ./cmd/replay ./cmd/skiff-runner); \
	(cd "$$tree/bench" && go build -trimpath -o "$(CURDIR)/bin/bench-old/" ./cmd/skiff-runner); \
	bin/bench/against --old bin/bench-old --runs $(N)

faults: ## play the same faults to skiff and client-go, and write the table of docs/faults.md
	cd bench && go test -count=1 -run '^TestEveryOutage$$' -timeout 30m ./internal/outages -write ../../../docs/faults.md

differences: devcluster ## make the same calls with skiff and client-go, and write docs/differences.md
	cd compare && go test -count=1 -run '^Test' -timeout 30m . -write ../docs/differences.md

bench-programs:
	@mkdir -p bin/bench
	cd bench && go build -trimpath -o ../bin/bench/ ./cmd/against ./cmd/bench ./cmd/replay ./cmd/skiff-runner ./cmd/clientgo-runner ./cmd/ctrl-runner

clean: ## remove what was built; Go's build cache stays, so the next build is quick
	rm -rf bin

tools: bin/staticcheck bin/testrun bin/mutants bin/matrix

bin/staticcheck: tools/go.mod tools/go.sum
	@mkdir -p bin
	cd tools && go build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	@touch $@

bin/testrun: tools/go.mod $(wildcard tools/testrun/*.go)
	@mkdir -p bin
	@cd tools && go build -o ../bin/testrun ./testrun
	@touch $@

bin/matrix: tools/go.mod $(wildcard tools/matrix/*.go)
	@mkdir -p bin
	@cd tools && go build -o ../bin/matrix ./matrix
	@touch $@

bin/mutants: tools/go.mod $(wildcard tools/mutants/*.go)
	@mkdir -p bin
	@cd tools && go build -o ../bin/mutants ./mutants
	@touch $@
