# Everything starts from a fresh clone, Python 3.11 or newer, and make.
# `make` alone prints what there is.

# The first of these that is new enough and can make a virtual environment; or say `make install PYTHON=/path/to/python`.
CANDIDATES := python3.13 python3.12 python3.11 python3 python
PYTHON ?=
OUT ?= report

VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev

PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
TOO_OLD := myopoise needs Python 3.11 or newer, with its venv module.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install report test check format docs validate bench lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

install: $(RUNTIME) ## the command, at .venv/bin/myopoise

report: install ## the main job: report/report.html, report/report.json and the answer in the terminal
	@$(BIN)/myopoise report --out $(OUT)

test: $(DEV) ## every test
	$(BIN)/python -m pytest -n 2

check: $(DEV) ## formatter, linter, types, arrows between the rooms, docstrings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	find src -name "*.py" | sort | xargs $(BIN)/python -m numpydoc lint

format: $(DEV) ## let the formatter and the linter mend what they can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DEV) ## write the generated pages anew
	$(BIN)/python docs/generate.py

validate: $(RUNTIME) ## compare with the reference implementations
	$(BIN)/python validation/run.py

bench: $(RUNTIME) ## the timings that matter
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/scoring.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/networks.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/synthesis.py

lock: ## pin anew what pyproject.toml asks for (needs uv)
	uv pip compile pyproject.toml --extra excel --extra sas --group build $(LOCKING) --output-file requirements.lock
	uv pip compile pyproject.toml --extra excel --extra sas --group build --group dev $(LOCKING) \
		--constraints requirements.lock --output-file requirements-dev.lock

# One version of a library for every Python and platform, so that the same input gives the same numbers everywhere.
LOCKING := --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-annotate --no-header --upgrade --quiet

clean: ## remove the environment, caches and the report
	rm -rf $(VENV) build dist report .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps below stand for finished steps: a second `make report` installs nothing.

$(MADE):
	@set -e; chosen=''; \
	for candidate in $(if $(PYTHON),'$(PYTHON)',$(CANDIDATES)); do \
		if "$$candidate" -c '$(USABLE)' >/dev/null 2>&1; then chosen="$$candidate"; break; fi; \
	done; \
	if [ -z "$$chosen" ]; then \
		for candidate in $(if $(PYTHON),'$(PYTHON)',python3); do \
			found="$$("$$candidate" --version 2>&1)" || found="no working $$candidate"; \
		done; \
		echo "$(TOO_OLD) Found: $$found. Install one, or name it: make install PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$chosen" --version)"; \
	rm -rf $(VENV); \
	"$$chosen" -m venv $(VENV); \
	touch $@

$(RUNTIME): requirements.lock pyproject.toml | $(MADE)
	@echo "Installing the pinned requirements and myopoise"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Installing the pinned tools for tests and checks"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
