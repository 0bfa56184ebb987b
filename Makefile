# The one developer interface. `make run` and `make test` need Python >= 3.11 and make, nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEV    := $(VENV)/.dev
TESTS  ?=
# Most of the time tests wait for processes and clocks, so more of them than processors may run at once.
WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help run test faults round-trips screens status-side clock lint format types contracts check clean

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"schedsync needs Python >= 3.11, this is {v[0]}.{v[1]}: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(READY): $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEV): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: $(READY)  ## Start the service on jobs.d/ with SQLite and the status API on http://127.0.0.1:5000
	$(BIN)/schedsync run

test: $(DEV)  ## Run all tests (TESTS=tests/unit for a part)
	@# Where Python is told to write no bytecode, as in many containers, each service under test would compile all of it.
	@$(BIN)/python -m compileall -q schedsync
	@# Of a part that holds none of one kind, pytest says 5.
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS) || [ $$? -eq 5 ]
	$(BIN)/python -m pytest --alone $(TESTS) || [ $$? -eq 5 ]

faults: $(DEV)  ## Kill the service at each step of a run, and print what became of the slot
	$(BIN)/python -m pytest -n $(WORKERS) --fault-table tests/acceptance/test_kill_points.py

round-trips: $(DEV)  ## Print what each operation costs a database in round trips
	$(BIN)/python -m tests.benchmarks.round_trips

screens: $(DEV)  ## Take a picture of each page into build/screens/, and renew those in docs/images/
	$(BIN)/python -m tests.browser.screens

status-side: $(DEV)  ## Print what reading costs while 200 jobs start in a second
	$(BIN)/python -m tests.benchmarks.status_side

clock: $(DEV)  ## Print what it takes to find next fires, and to refuse what never fires
	$(BIN)/python -m tests.benchmarks.clock

lint: $(DEV)  ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(DEV)  ## Mend style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(DEV)  ## Check types (strict)
	$(BIN)/mypy

contracts: $(DEV)  ## Check which package may import which
	$(BIN)/lint-imports

check: lint types contracts test  ## Everything that CI checks

clean:  ## Remove the virtual environment and build products
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
