# taskqueue: `make help` lists what there is.
# Needs make, Python 3.11 or newer and a package index. Everything else goes into a virtual environment, which the
# first target that needs it makes; `make test PYTHON=python3.13` has one of its own, .venv-python3.13.
PYTHON ?= python3
VENV ?= .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
DEMO_ARGS ?=
E2E_ARGS ?=
STEADY_ARGS ?=
BENCH_ARGS ?= --json dist/bench.json
LOCK_ARGS ?=

BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
SITE_VENV := $(VENV)-site
SITE_STAMP := $(SITE_VENV)/.synced
INSTALL := UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet
USERS := examples/shop/users.ndjson
APIS_USERS := examples/apis/users.ndjson
CODE := core/src api/src operator/src worker/src tests benchmarks examples tools
STARTED := $(shell date +%s)

# Python keeps what it compiled, also where the environment says no: the tests start hundreds of processes, and each would
# compile a thousand modules, which takes longer than all else that a process does until it is ready.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help check demo demo-apis test lint types unit store api process cluster chart console screenshots format docs docs-site assets generate manifests verify lock wheel clean kind-up kind-demo e2e e2e-keda cluster-oldest cluster-tools node-tools images bench bench-operator conformance steady fuzz oracle faults faults-store soak soak-core

##@ Start here

help: ## List the targets
	@awk -F ':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# mypy and the tests share two cores. The trap ends mypy with an interrupted run: a shell's background jobs ignore Ctrl-C.
check: $(STAMP) lint ## Style, types and unit tests: green within a minute of a clone
	@$(BIN)/mypy $(CODE) >$(VENV)/mypy.txt 2>&1 & types=$$!; trap "kill $$types 2>/dev/null" EXIT INT TERM; \
	  $(BIN)/pytest -q -n 2 --dist loadfile -m "not slow" tests/unit; unit=$$?; \
	  wait $$types; types=$$?; cat $(VENV)/mypy.txt; exit $$((unit + types))
	@echo "make check: all green after $$(($$(date +%s) - $(STARTED))) s"

demo: $(USERS) ## The example shop on this machine: 270 types, 10,000 users, an API that allows 100/s [DEMO_ARGS]
	$(BIN)/taskqueue dev examples/shop --rate 100 $(DEMO_ARGS)

# No global limit: the limits by name are those of the four APIs.
demo-apis: $(APIS_USERS) ## Four APIs with limits of their own: 60 types, 2,000 users, an API that counts each limit [DEMO_ARGS]
	$(BIN)/taskqueue dev examples/apis --rate none $(DEMO_ARGS)

test: lint types unit store api process cluster chart ## All tests that must be green before a merge, on real servers and processes; 10 minutes on two cores
	@echo "make test: all green after $$(($$(date +%s) - $(STARTED))) s"

##@ The parts of make test

lint: $(STAMP) ## ruff, and the import contracts between packages
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/lint-imports --no-logo

types: $(STAMP) ## mypy --strict, tests included
	$(BIN)/mypy $(CODE)

# Counting branches makes tests take two to ten times as long: only those run with it that reach every branch.
COUNTED := $(addprefix tests/unit/,models plan sources scheduler client store cli/test_output.py \
  operator/test_crd.py operator/test_crd_cases.py operator/test_status.py)

unit: $(STAMP) ## Unit and property tests, with every branch of models and plan covered
	$(BIN)/pytest -n 2 --dist loadfile $(COUNTED) \
	  --cov=taskqueue.models --cov=taskqueue.plan --cov-branch --cov-fail-under=100 --cov-report=term:skip-covered
	$(BIN)/pytest -n 2 --dist loadfile tests/unit tests/property $(COUNTED:%=--ignore=%)

store: $(STAMP) ## Fundamentals, then every script on a real Valkey, by a clock that the tests move
	$(BIN)/pytest -n 2 --dist loadfile tests/fundamentals tests/store

api: $(STAMP) ## The HTTP API on real sockets: sign-in, roles, slow callers, each route as its description says
	$(BIN)/pytest -n 2 --dist loadfile tests/api

# Tests of processes and the cluster wait more than they compute: two cores carry more than two of them.
process: $(STAMP) ## Real processes: kill -9, cut connections, exact slots; then short failovers
	$(BIN)/pytest -n 4 --dist loadfile tests/process
	$(BIN)/pytest -n 2 --dist load tests/faults

cluster: $(STAMP) ## The operator on a real Kubernetes control plane; skipped without Go to build it [KUBECONFIG_TEST]
	$(BIN)/pytest -n 4 --dist load --maxschedchunk 1 tests/cluster

chart: $(STAMP) ## The chart: lint, refusals, a real API server; builds helm 4 and promtool once, 4 minutes [TASKQUEUE_HELM]
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder tests/chart

##@ The console in a browser

console: $(STAMP) ## Every page in Debian's Chromium: axe, keyboard, live values, actions; skipped without it; 2 minutes
	$(BIN)/pytest -n 2 --dist load tests/console

screenshots: $(USERS) ## Run the example shop, and take pictures of all pages: dist/screenshots, docs/pictures; 4 minutes
	$(BIN)/python -m tools.docs.console_pictures

##@ Before a commit

format: $(STAMP) ## Format the code and apply the safe fixes of ruff
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

docs: $(STAMP) ## Write docs/configuration.md and docs/api.md from the code, and docs/pictures/ from the plan
	$(BIN)/python tools/docs/configuration_page.py
	$(BIN)/python tools/docs/api_page.py
	$(BIN)/python -m tools.docs.schedule_pictures

docs-site: $(SITE_STAMP) ## Build the documentation as a site in dist/site; broken links fail
	NO_MKDOCS_2_WARNING=1 $(SITE_VENV)/bin/mkdocs build

assets: $(STAMP) ## Write the pinned files of the console and its tests from packages of npm; needs npm
	$(BIN)/python tools/assets.py

generate: $(STAMP) ## Write crds/ from the models, and the generated files of the chart
	$(BIN)/python -m taskqueue_operator.crd crds
	$(BIN)/python tools/chart/generate.py

manifests: $(STAMP) ## Write deploy/manifests/ from the chart, with helm
	$(BIN)/python tools/chart/render.py

verify: $(STAMP) docs-site ## Check that generated files equal their sources, and build the site
	$(BIN)/python tools/lock.py --check
	$(BIN)/pytest -q tests/unit/repo/test_docs.py tests/unit/operator/test_crd.py tests/unit/repo/test_chart_files.py tests/chart/test_manifests.py

lock: $(STAMP) ## Pin the dependencies of pyproject.toml in requirements/, by hash [LOCK_ARGS=--upgrade]
	$(BIN)/python tools/lock.py $(LOCK_ARGS)

wheel: $(USERS) ## Build the wheel and run the example shop from it, without the sources
	rm -rf dist/wheel
	$(BIN)/python -m hatchling build --target wheel --directory dist/wheel
	$(PYTHON) -m venv dist/wheel/venv
	$(INSTALL) --python dist/wheel/venv/bin/python --require-hashes --constraints requirements/product.txt --requirements pyproject.toml --extra dev
	$(INSTALL) --python dist/wheel/venv/bin/python --no-deps dist/wheel/*.whl
	cd dist/wheel && venv/bin/taskqueue validate ../../examples/shop
	cd dist/wheel && venv/bin/taskqueue dev ../../examples/shop --for 5s --json

clean: ## Remove everything that make has made
	rm -rf $(VENV) $(SITE_VENV) dist $(USERS) $(APIS_USERS) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage

##@ Real clusters

kind-up: ## Make a kind cluster with the chart installed; needs Docker, kind, kubectl and helm
	deploy/kind/up.sh

kind-demo: $(STAMP) ## Run the example shop in that cluster
	deploy/kind/demo.sh

e2e: $(STAMP) ## Tests on a real node in private namespaces; needs root and Linux, 12 minutes the first time [E2E_ARGS]
	$(BIN)/python tools/e2e.py $(E2E_ARGS)

e2e-keda: $(STAMP) ## KEDA on such a node: pods from zero and back; builds KEDA the first time, 8 minutes more [E2E_ARGS]
	$(BIN)/python tools/e2e.py tests/e2e_keda $(E2E_ARGS)

cluster-oldest: $(STAMP) ## The definitions and the chart on Kubernetes 1.30; builds it the first time, 6 minutes
	TASKQUEUE_TEST_KUBERNETES=kubernetes-oldest $(BIN)/pytest tests/cluster/test_crd_refusals.py
	TASKQUEUE_TEST_KUBERNETES=kubernetes-oldest $(BIN)/pytest tests/chart/test_api_server.py tests/chart/test_lifecycle.py

cluster-tools: ## Build the control plane of the tests into a cache; Go 1.26 or newer, 6 minutes the first time
	$(PYTHON) tools/cluster/build.py

node-tools: cluster-tools ## Build also the programs of a node, CoreDNS, Helm and docker compose; 8 minutes more
	$(PYTHON) tools/cluster/build.py node
	$(PYTHON) tools/cluster/build.py helm
	$(PYTHON) tools/cluster/build.py compose

images: node-tools ## Build the images into a cache, without a container engine; root, buildah, debootstrap; 3 minutes
	$(PYTHON) tools/images/build_images.py

##@ Measure

bench: $(STAMP) ## Throughput, memory, tick; exit 1 if a goal is missed [BENCH_ARGS]
	@mkdir -p dist
	$(BIN)/python -m benchmarks.run $(BENCH_ARGS)

bench-operator: $(STAMP) ## The operator at 10,000 subscriptions on a real control plane; 15 minutes, needs Go
	@mkdir -p dist
	$(BIN)/python -m benchmarks.run operating --json dist/bench-operator.json

conformance: $(STAMP) ## The limiter against a counting server, long form; minutes
	$(BIN)/pytest tests/conformance tests/store/test_limit_use.py -m conformance -s

##@ Long runs

steady: $(STAMP) ## Unit, property and store tests five times, and five times under CPU load; 12 minutes [STEADY_ARGS]
	$(BIN)/python tools/steady.py $(STEADY_ARGS)

fuzz: $(STAMP) ## New random examples for every property, hostile handlers, and long random runs of the store
	TASKQUEUE_FUZZ=100000 $(BIN)/pytest -n 2 tests/property/*_fuzz.py
	TASKQUEUE_FUZZ=20000 $(BIN)/pytest tests/property/test_hostile_handlers.py
	TASKQUEUE_FUZZ=20000 $(BIN)/pytest -n 2 tests/api/test_schemathesis.py
	TASKQUEUE_FUZZ=500 $(BIN)/pytest tests/property/test_store_conservation.py
	TASKQUEUE_FUZZ=200 $(BIN)/pytest tests/property/test_plans_in_the_store.py
	TASKQUEUE_FUZZ=1000 $(BIN)/pytest tests/property/test_limit_trees.py
	TASKQUEUE_FUZZ=1 $(BIN)/pytest tests/property/test_store_mutations.py
	TASKQUEUE_FUZZ= $(BIN)/pytest -n 2 -m hypothesis tests/unit tests/property

oracle: $(STAMP) ## Starts and dues of 5,000 new schedules over 15 years reckoned minute by minute; 13 minutes
	TASKQUEUE_FUZZ=5000 $(BIN)/pytest -n 2 tests/property/test_plan_oracle.py

faults: $(STAMP) ## The operator without API server and store for a minute, and more; minutes
	TASKQUEUE_OUTAGE_S=60 $(BIN)/pytest tests/cluster/test_operator_faults.py tests/cluster/test_operator_flaky_api.py \
	  tests/cluster/test_operator_watch.py -v

faults-store: $(STAMP) ## Failovers, slot moves, restarts and clock steps of the store under load; 11 minutes on a quiet machine
	$(BIN)/pytest tests/faults -m faults -s

soak: $(STAMP) ## Objects created and deleted for an hour, after which nothing may have grown [TASKQUEUE_SOAK seconds]
	TASKQUEUE_SOAK=$${TASKQUEUE_SOAK:-3600} $(BIN)/pytest -s tests/cluster/test_operator_churn.py

soak-core: $(STAMP) ## Schedulers, workers and a store under all sorts of jobs for an hour, then the history for 10 minutes [TASKQUEUE_SOAK_CORE, TASKQUEUE_SOAK seconds]
	$(BIN)/pytest -s -m soak tests/soak
	TASKQUEUE_SOAK=$${TASKQUEUE_SOAK:-600} $(BIN)/pytest -s tests/process/test_history.py

# pip installs uv, and uv the rest in seconds; both take only what has the hash that requirements/ says. Sync also removes
# what is no longer named, and leaves pip.
$(STAMP): pyproject.toml $(wildcard requirements/*.txt)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "taskqueue needs Python 3.11 or newer; make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/build.txt
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/development.txt
	$(INSTALL) --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# The site's generator needs nothing of the project; the theme alone is 60 MB.
$(SITE_STAMP): $(STAMP) requirements/docs.txt
	$(PYTHON) -m venv --without-pip $(SITE_VENV)
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip sync --quiet --python $(SITE_VENV)/bin/python --require-hashes requirements/docs.txt
	@touch $@

$(USERS): $(STAMP) examples/shop/make_users.py $(wildcard examples/shop/*.yaml)
	$(BIN)/python examples/shop/make_users.py --users 10000 --format ndjson --out $@

$(APIS_USERS): $(STAMP) examples/apis/make_users.py $(wildcard examples/apis/*.yaml)
	$(BIN)/python examples/apis/make_users.py --users 2000 --out $@
