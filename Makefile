# Everything that people and machines do with this repository. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PORT ?= 3000
DATA ?= data
SERVICE ?= gateway,control,worker
DEBUG_PORT ?= 5678
SEED ?= 7
WORKERS ?= 2
PY := .venv/bin/python

.PHONY: help setup system hooks run dev test test-watch coverage check lint type-check imports generated format build \
	security bench drill drill-clients conformance-frameworks clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-13s %s\n", $$1, $$2}'

.venv/.synced: requirements/dev.txt pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh

setup: .venv/.synced ## Create .venv with the locked requirements

system: setup ## Install the Debian packages that tests and benchmarks need
	@bash scripts/system.sh

hooks: setup ## Run the pre-commit hooks at each commit
	@.venv/bin/prek install

run: setup ## Start Trunkline with demo data and simulated providers (PORT, DATA)
	@exec .venv/bin/trunkline demo --port $(PORT) --data $(DATA)

# A reload ends the server first, so there is no load balancer to give notice to. The debugger stays in the front.
dev: setup ## Start with reload and a debugger on DEBUG_PORT (SERVICE= for one role)
	@TRUNKLINE_SHUTDOWN_NOTICE=0 TRUNKLINE_SHUTDOWN_DEADLINE=3 exec $(PY) -m watchfiles --filter python \
		"$(PY) -Xfrozen_modules=off -m debugpy --configure-subProcess false --listen 127.0.0.1:$(DEBUG_PORT) \
		-m trunkline.cli.main serve --roles $(SERVICE) --port $(PORT) --data $(DATA)" src

test: system ## Run all tests
	@exec .venv/bin/pytest -q -n $(WORKERS) --dist loadfile

test-watch: setup ## Run the tests again whenever a file changes (ONLY= for a path)
	@exec $(PY) -m watchfiles --filter python ".venv/bin/pytest -q -x $(ONLY)" src tests

coverage: system ## Branch coverage of src, failing below 95 %
	@rm -f .coverage .coverage.*
	@.venv/bin/coverage run -m pytest -q -n $(WORKERS) --dist loadfile
	@.venv/bin/coverage combine -q
	@.venv/bin/coverage report

check: lint type-check imports generated ## Format, lint, types, import contracts, generated pages, locks

lint: setup
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .

type-check: setup ## mypy, strict
	@.venv/bin/mypy

imports: setup
	@.venv/bin/lint-imports --no-cache

generated: setup
	@$(PY) scripts/build_environment_docs.py --check
	@$(PY) scripts/build_cli_docs.py --check
	@$(PY) scripts/build_configuration_schema.py --check
	@$(PY) -m scripts.build_provider_docs --check
	@$(PY) -m scripts.build_conformance_docs --check
	@$(PY) scripts/check_locks.py

format: setup ## Format the code and sort the imports
	@.venv/bin/ruff check --fix-only -q .
	@.venv/bin/ruff format .

build: setup ## Build the wheel into dist/
	@rm -rf dist
	@$(PY) -m build --wheel --no-isolation --outdir dist .

security: setup ## Security rules, secret scan, known vulnerabilities (OFFLINE=1 leaves the last one out)
	@.venv/bin/ruff check --select S src scripts
	@$(PY) scripts/scan_secrets.py
	@$(PY) scripts/audit_dependencies.py $(if $(OFFLINE),--offline)

bench: system ## Measure beside nginx and the known gateways (QUICK=1 for the short table)
	@QUICK=$(QUICK) exec $(PY) -m bench

drill: system ## Kill, freeze and soak, seeded (SEED=, ONLY=, SOAK_MINUTES=)
	@exec $(PY) -m tests.drills --seed $(SEED) $(if $(ONLY),--only $(ONLY)) $(if $(SOAK_MINUTES),--soak-minutes $(SOAK_MINUTES))

drill-clients: setup ## Drive real coding tools, downloaded from npm and PyPI (ONLY=, CACHE=, WRITE=1 for docs/clients.md)
	@exec $(PY) -m tests.drills.clients $(if $(ONLY),--only $(ONLY)) $(if $(CACHE),--cache $(CACHE)) $(if $(WRITE),--write)

conformance-frameworks: setup ## Run LangChain, Pydantic AI and llm, downloaded from PyPI, against the data path
	@TRUNKLINE_FRAMEWORKS=1 exec .venv/bin/pytest -q tests/conformance/frameworks

clean: ## Remove what can be made again
	@rm -rf .venv dist build .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
