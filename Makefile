# taskqueue: `make help` lists what there is. Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
USERS := examples/shop/users.ndjson
DEMO_ARGS ?=
BENCH_ARGS ?=
export TASKQUEUE_FUZZ

.DEFAULT_GOAL := help
.PHONY: help demo test lint types unit process conformance bench fuzz format wheel clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml uv.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet 'uv>=0.9'
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv sync --quiet --frozen --active --inexact
	@touch $@

$(USERS): $(STAMP) examples/shop/make_users.py $(wildcard examples/shop/types/*.yaml)
	$(BIN)/python examples/shop/make_users.py --users 10000 --format ndjson --out $@

demo: $(USERS) ## Run the example shop on this machine: 300 types, 10,000 users, an API with a limit of 100/s
	$(BIN)/taskqueue dev examples/shop --rate 100 $(DEMO_ARGS)

test: lint types unit process ## Everything that must be green, on real servers and processes (under 10 minutes)

lint: $(STAMP) ## Style, and the layers of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy core/src worker/src

unit: $(STAMP) ## Unit, property and store tests; every branch of models and plan
	$(BIN)/pytest -n 2 --dist loadfile tests/unit tests/property tests/store \
	  --cov=taskqueue.models --cov=taskqueue.plan --cov-branch --cov-fail-under=100 --cov-report=term:skip-covered

process: $(STAMP) ## Real processes: kill -9, cut connections, the limiter in short
	$(BIN)/pytest tests/process

conformance: $(STAMP) ## The limiter against a counting server, long form (about 6 minutes)
	$(BIN)/pytest tests/conformance -m conformance -s

bench: $(STAMP) ## Throughput, memory, tick; exit 1 if a goal is missed
	$(BIN)/python benchmarks/run.py $(BENCH_ARGS)

fuzz: $(STAMP) ## 100,000 fuzzed manifests, and long random runs of the store
	TASKQUEUE_FUZZ=100000 $(BIN)/pytest tests/property/test_manifest_fuzz.py
	TASKQUEUE_FUZZ=500 $(BIN)/pytest tests/property/test_store_conservation.py

format: $(STAMP) ## Let ruff write the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(STAMP) ## Build the wheel and try it without the sources
	rm -rf dist && $(BIN)/uv build --quiet --wheel
	$(BIN)/uv venv --quiet --clear dist/venv && $(BIN)/uv pip install --quiet --python dist/venv/bin/python "$$(ls dist/*.whl)[dev]"
	cd dist && venv/bin/taskqueue validate ../examples/shop/types

clean: ## Remove what was made
	rm -rf $(VENV) dist $(USERS) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
