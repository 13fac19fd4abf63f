# The gateway's commands. `make test` and `make demo` need Python 3.11 or later and make, and nothing before them.
#
#   make demo [ARGS=--once]   install what is needed, run the first journey, leave the gateway running until Ctrl-C
#   make test                 every test            make quick         without the slow ones
#   make lint                 ruff, format, mypy    make docs          write the generated pages again
#   make test-all             the suite on every CPython 3.11 to 3.13 that is found
#   make bench  bench-large   cost of a message against the floor; with a million messages stored
#   make interop              foreign clients (node, PHP, JAX-WS), installed on the way
#   make faults               200 random kill -9
#
# PYTHON=... chooses the interpreter, VENV=... the environment, ARGS=... goes to the command.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

VENV ?= .venv
BIN := $(VENV)/bin
DECLARED := setup.cfg pyproject.toml
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test quick lint docs test-all test-on bench bench-large interop faults clean

demo: $(VENV)/.runtime
	$(BIN)/imsoc demo $(ARGS)

test: $(VENV)/.develop
	$(BIN)/python -m pytest $(ARGS)

quick: $(VENV)/.develop
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

lint: $(VENV)/.develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.develop
	$(BIN)/python docs/generate.py

test-all:
	@found=0; for version in 3.11 3.12 3.13; do \
	  python=$$(bash .ci/find-python $$version) || { echo "CPython $$version: not found, left out"; continue; }; \
	  found=1; echo "== CPython $$version: $$python"; \
	  $(MAKE) --no-print-directory test-on VENV=.venv-$$version PYTHON="$$python" ARGS='$(ARGS)'; \
	done; test $$found = 1

test-on: test

bench: $(VENV)/.develop
	$(BIN)/python -m benchmarks.run $(ARGS)

bench-large: $(VENV)/.develop
	$(BIN)/python -m benchmarks.run --large $(ARGS)

interop: $(VENV)/.develop
	bash .ci/install-external
	IMSOC_REQUIRE_EXTERNAL=1 $(BIN)/python -m pytest tests/interop $(ARGS)

faults: $(VENV)/.develop
	IMSOC_FAULTS=200 $(BIN)/python -m pytest tests/faults $(ARGS)

clean:
	rm -rf .venv .venv-3.* build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The environment. Stamps make each step happen once, and again when the declared dependencies change.

$(VENV)/bin/python:
	python="$(PYTHON)"; python="$${python:-$$(bash .ci/find-python)}"; "$$python" -m venv $(VENV)

$(VENV)/.runtime: $(DECLARED) | $(VENV)/bin/python
	$(PIP) install --editable .
	touch $@

$(VENV)/.develop: $(DECLARED) | $(VENV)/bin/python
	$(PIP) install --editable '.[test,lint]'
	touch $@ $(VENV)/.runtime
