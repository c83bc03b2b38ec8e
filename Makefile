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
INSTALL := UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet
USERS := examples/shop/users.ndjson
CODE := core/src operator/src worker/src tests benchmarks examples docs tools
STARTED := $(shell date +%s)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test lint types unit store steady process cluster chart e2e e2e-keda kind-up kind-demo cluster-tools node-tools images cluster-oldest faults faults-store conformance bench bench-operator soak soak-core fuzz format docs generate manifests lock wheel verify clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(USERS) ## The example shop on this machine: 300 types, 10,000 users, an API that allows 100/s [DEMO_ARGS]
	$(BIN)/taskqueue dev examples/shop --rate 100 $(DEMO_ARGS)

test: lint types unit store process cluster chart ## All that must be green, on real servers and processes; 12 minutes on two cores once the tools are built
	@echo "make test: all green after $$(($$(date +%s) - $(STARTED))) s"

lint: $(STAMP) ## Style, and the layers of the house
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/lint-imports --no-logo

types: $(STAMP) ## mypy --strict, tests included
	$(BIN)/mypy $(CODE)

unit: $(STAMP) ## Unit and property tests; every branch of models and plan is taken
	$(BIN)/pytest -n 2 --dist loadfile tests/unit tests/property \
	  --cov=taskqueue.models --cov=taskqueue.plan --cov-branch --cov-fail-under=100 --cov-report=term:skip-covered

store: $(STAMP) ## Every script on a real Valkey, by a clock that the tests move
	$(BIN)/pytest -n 2 --dist loadfile tests/store

steady: $(STAMP) ## Unit, property and store tests five times in a row, and five times beside two busy loops; 12 minutes [STEADY_ARGS]
	$(BIN)/python tools/steady.py $(STEADY_ARGS)

process: $(STAMP) ## Real processes: kill -9, cut connections, the slots that the limiter gave; and, with nothing beside them, failovers in short
	$(BIN)/pytest -n 2 --dist loadfile tests/process
	$(BIN)/pytest -n 2 --dist load tests/faults

cluster: $(STAMP) ## On a real Kubernetes control plane [KUBECONFIG_TEST]; skipped, with the reason, where there is no Go to build it
	$(BIN)/pytest -n 2 --dist loadfile tests/cluster

chart: $(STAMP) ## The chart: lint, refusals, and on a real API server; helm 4 and promtool are built the first time, 4 minutes [TASKQUEUE_HELM]
	$(BIN)/pytest -n 2 --dist loadfile tests/chart

kind-up: ## A cluster of your own with the chart in it; needs Docker, kind, kubectl and helm
	deploy/kind/up.sh

kind-demo: $(STAMP) ## The example shop in that cluster
	deploy/kind/demo.sh

cluster-tools: ## Build that control plane into a cache; Go 1.26 or newer, 6 minutes the first time
	$(PYTHON) tools/cluster/build.py

node-tools: cluster-tools ## Build also a node's programs, CoreDNS, Helm and docker compose; 8 minutes more the first time
	$(PYTHON) tools/cluster/build.py node
	$(PYTHON) tools/cluster/build.py helm
	$(PYTHON) tools/cluster/build.py compose

images: node-tools ## Build the images into a cache, without a container engine: root, buildah, debootstrap; 3 minutes
	$(PYTHON) tools/images/build_images.py

cluster-oldest: $(STAMP) ## The definitions, all that they refuse, and the chart on Kubernetes 1.30; builds it the first time, 6 minutes
	TASKQUEUE_TEST_KUBERNETES=kubernetes-oldest $(BIN)/pytest tests/cluster/test_crd_refusals.py
	TASKQUEUE_TEST_KUBERNETES=kubernetes-oldest $(BIN)/pytest tests/chart/test_api_server.py tests/chart/test_lifecycle.py

e2e: $(STAMP) ## On a real node, in namespaces of its own: root and Linux; builds what is missing, 12 minutes the first time [E2E_ARGS]
	$(BIN)/python tools/e2e.py $(E2E_ARGS)

e2e-keda: $(STAMP) ## KEDA itself on such a node: pods from zero and back to zero; builds KEDA the first time, 8 minutes more [E2E_ARGS]
	$(BIN)/python tools/e2e.py tests/e2e_keda $(E2E_ARGS)

faults: $(STAMP) ## The operator while API server and store are away for a minute, and more; minutes
	TASKQUEUE_OUTAGE_S=60 $(BIN)/pytest tests/cluster/test_operator_faults.py tests/cluster/test_operator_flaky_api.py \
	  tests/cluster/test_operator_watch.py -v

faults-store: $(STAMP) ## Failovers, slot moves, restarts and clock steps of the store under load: plan versus arrivals; minutes
	$(BIN)/pytest tests/faults -m faults -s

conformance: $(STAMP) ## The limiter against a counting server, long form; minutes
	$(BIN)/pytest tests/conformance -m conformance -s

bench: $(STAMP) ## Throughput, memory, tick; exit 1 if a goal is missed [BENCH_ARGS]
	@mkdir -p dist
	$(BIN)/python -m benchmarks.run $(BENCH_ARGS)

bench-operator: $(STAMP) ## The operator at 10,000 subscriptions on a real control plane; 15 minutes, needs Go
	@mkdir -p dist
	$(BIN)/python -m benchmarks.run operating --json dist/bench-operator.json

soak: $(STAMP) ## An hour of objects that come and go, after which nothing may have grown [TASKQUEUE_SOAK seconds]
	TASKQUEUE_SOAK=$${TASKQUEUE_SOAK:-3600} $(BIN)/pytest -s tests/cluster/test_operator_churn.py

soak-core: $(STAMP) ## An hour of schedulers, workers and a store under every kind of job, after which nothing may have grown [TASKQUEUE_SOAK_CORE seconds]
	$(BIN)/pytest -s -m soak tests/soak

fuzz: $(STAMP) ## New examples for every property: 100,000 manifests, imports, settings, Redis URLs, command lines, events of a watch, payloads; hostile handlers; long random runs of the store
	TASKQUEUE_FUZZ=100000 $(BIN)/pytest -n 2 tests/property/*_fuzz.py
	TASKQUEUE_FUZZ=20000 $(BIN)/pytest tests/property/test_hostile_handlers.py
	TASKQUEUE_FUZZ=500 $(BIN)/pytest tests/property/test_store_conservation.py
	TASKQUEUE_FUZZ=1 $(BIN)/pytest tests/property/test_store_mutations.py
	TASKQUEUE_FUZZ= $(BIN)/pytest -n 2 -m hypothesis tests/unit tests/property

docs: $(STAMP) ## Write docs/configuration.md from the code
	$(BIN)/python docs/generate.py

generate: $(STAMP) ## Write crds/ from the models, and what of the chart follows from other files
	$(BIN)/python -m taskqueue_operator.crd crds
	$(BIN)/python tools/chart/generate.py

manifests: $(STAMP) ## Write deploy/manifests/ from the chart, with helm
	$(BIN)/python tools/chart/render.py

format: $(STAMP) ## Let ruff write the style
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

lock: $(STAMP) ## Pin what pyproject.toml asks for in requirements/, by hash; LOCK_ARGS=--upgrade takes what is newest [LOCK_ARGS]
	$(BIN)/python tools/lock.py $(LOCK_ARGS)

wheel: $(USERS) ## Build the wheel and run the example shop from it, without the sources
	rm -rf dist/wheel
	$(BIN)/python -m hatchling build --target wheel --directory dist/wheel
	$(PYTHON) -m venv dist/wheel/venv
	$(INSTALL) --python dist/wheel/venv/bin/python --require-hashes --constraints requirements/product.txt --requirements pyproject.toml --extra dev
	$(INSTALL) --python dist/wheel/venv/bin/python --no-deps dist/wheel/*.whl
	cd dist/wheel && venv/bin/taskqueue validate ../../examples/shop
	cd dist/wheel && venv/bin/taskqueue dev ../../examples/shop --for 5s --json

verify: $(STAMP) ## What is written by machine equals its sources: requirements/, docs, crds/, chart, deploy/manifests/
	$(BIN)/python tools/lock.py --check
	$(BIN)/pytest -q tests/unit/repo/test_docs.py tests/unit/operator/test_crd.py tests/unit/repo/test_chart_files.py tests/chart/test_manifests.py

clean: ## Remove what was made
	rm -rf $(VENV) dist $(USERS) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage

# pip installs uv, and uv the rest in seconds; both take only what has the hash that requirements/ says. Sync also removes
# what is no longer named, and leaves pip.
$(STAMP): pyproject.toml $(wildcard requirements/*.txt)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "taskqueue needs Python 3.11 or newer; make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/build.txt
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/development.txt
	$(INSTALL) --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(USERS): $(STAMP) examples/shop/make_users.py $(wildcard examples/shop/*.yaml)
	$(BIN)/python examples/shop/make_users.py --users 10000 --format ndjson --out $@
