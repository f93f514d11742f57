# Tenlyr. `make help` lists what can be done here.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIN := --python-version 3.11 --only-binary :all: --generate-hashes --no-emit-index-url --no-annotate --no-header
.DEFAULT_GOAL := help
.PHONY: help run test lint types bench openapi openapi-check docs-events pin clean

help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

run: $(VENV)/.run ## Start the whole product at http://127.0.0.1:8000
	@exec $(BIN)/python manage.py up

test: $(VENV)/.dev ## Run all tests against real servers of their own (ARGS="tests/core" for some)
	@sh tests/stack/debian.sh
	@if [ -n "$(ARGS)" ]; then $(BIN)/python -m pytest $(ARGS); else sh tests/run.sh $(BIN)/python; fi

lint: $(VENV)/.dev ## ruff and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev ## mypy
	$(BIN)/mypy

bench: $(VENV)/.dev ## Measure, each figure beside its baseline (ARGS="--quick" for a short look)
	@$(BIN)/python -m benchmarks $(ARGS)

openapi: $(VENV)/.run ## Write openapi.json anew from the code
	$(BIN)/python manage.py spectacular --format openapi-json --validate --fail-on-warn --file openapi.json

openapi-check: openapi ## Fail when openapi.json was stale
	git diff --exit-code --stat openapi.json

docs-events: $(VENV)/.run ## Write docs/events.md anew from the code
	$(BIN)/python manage.py events_page --file docs/events.md

pin: ## Resolve requirements*.in anew (needs uv)
	uv pip compile -q $(PIN) requirements.in -o requirements.txt
	uv pip compile -q $(PIN) requirements-dev.in -o requirements-dev.txt
	sed -i '1i # Made by `make pin` from the .in file beside it. Wheels only, every hash checked.' requirements.txt requirements-dev.txt

clean: ## Remove the virtual environment and caches (never data)
	rm -rf $(VENV) .tenlyr-tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# Made again when it was left half-made; packages are installed again when the pins change.
$(VENV)/.made:
	@sh tenlyr/runtime/venv.sh "$(PYTHON)" $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/.made
	@echo "Installing what Tenlyr runs on"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "Installing what its tests need"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.txt
	@touch $@
