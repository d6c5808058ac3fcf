# Everything that people and machines do with this repository. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PORT ?= 3000
DATA ?= data
SERVICE ?= gateway,control,worker
SEED ?= 7
WORKERS ?= 2
PY := .venv/bin/python

.PHONY: help setup system run dev test test-watch coverage check format lint type-check imports build security bench drill clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

.venv/.synced: requirements/dev.txt pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh

setup: .venv/.synced ## Create .venv with the locked requirements

system: setup ## Install the Debian packages that tests and benchmarks need
	@bash scripts/system.sh

run: setup ## Start Trunkline with demo data and simulated providers (PORT, DATA)
	@exec .venv/bin/trunkline demo --port $(PORT) --data $(DATA)

dev: setup ## Start with reload and a debugger on port 5678 (SERVICE= for one role)
	@exec $(PY) -m watchfiles --filter python "$(PY) -m debugpy --listen 127.0.0.1:5678 -m trunkline.cli.main serve --roles $(SERVICE) --port $(PORT) --data $(DATA)" src

test: system ## Run all tests
	@exec .venv/bin/pytest -q -n $(WORKERS) --dist loadgroup

test-watch: setup ## Run the tests again whenever a file changes
	@exec .venv/bin/ptw . --now -- -q -x

coverage: system ## Branch coverage of src, failing below 95 %
	@rm -f .coverage .coverage.*
	@.venv/bin/coverage run -m pytest -q
	@.venv/bin/coverage combine -q
	@.venv/bin/coverage report

check: lint type-check imports ## Format, lint, types, import contracts

lint: setup
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .

type-check: setup ## mypy, strict
	@.venv/bin/mypy

imports: setup
	@.venv/bin/lint-imports --no-cache

format: setup ## Format the code and sort the imports
	@.venv/bin/ruff check --fix-only -q .
	@.venv/bin/ruff format .

build: setup ## Build the wheel into dist/
	@rm -rf dist
	@$(PY) -m build --wheel --installer uv --outdir dist .

security: setup ## Security rules, known vulnerabilities, secret scan
	@.venv/bin/ruff check --select S src
	@.venv/bin/pip-audit -r requirements/runtime.txt --disable-pip --require-hashes
	@bash scripts/scan_secrets.sh

bench: system ## Measure beside nginx and the known gateways (QUICK=1 for the short table)
	@QUICK=$(QUICK) exec $(PY) -m bench

drill: system ## Kill, freeze and soak, seeded (SEED=, ONLY=, SOAK_MINUTES=)
	@exec $(PY) -m tests.drills --seed $(SEED) $(if $(ONLY),--only $(ONLY)) $(if $(SOAK_MINUTES),--soak-minutes $(SOAK_MINUTES))

clean: ## Remove what can be made again
	@rm -rf .venv dist build .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
