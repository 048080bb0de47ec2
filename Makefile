# `make help` lists what there is. Needs Python 3.11 or newer and nothing else; all goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A person who watches sees pip's progress; a log file does not need it.
PIP := $(BIN)/python -m pip $(if $(shell test -t 2 && echo yes),,--quiet) --disable-pip-version-check
# In a container, root is the only user there is, and the virtual environment is its own.
export PIP_ROOT_USER_ACTION := ignore

# The tests of export and training need torch, which is large: continuous integration always runs them, anyone else
# by `make test MODELS_EXTRA=1`.
ifneq ($(or $(CI),$(MODELS_EXTRA)),)
EXTRAS := test,models
else
EXTRAS := test
endif
TEST_STAMP := $(VENV)/.installed-$(EXTRAS)

.DEFAULT_GOAL := help
.PHONY: help install install-tests demo test lint clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Make .venv with Vitrine in it; afterwards .venv/bin/vitrine runs

install-tests: $(TEST_STAMP) # The same with what the tests need.

demo: install ## Load the demo catalogue and serve the shop at http://127.0.0.1:8000
	@$(BIN)/vitrine demo $(ARGS)

test: lint ## Check style, types and imports, and run all tests (PYTEST_ARGS="-k cursor")
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

# Without torch the training code has no types to check.
lint: $(TEST_STAMP) ## Check style, types and the one-way imports
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { \
		echo "These files are not formatted; run $(BIN)/ruff format:"; $(BIN)/ruff format --check . ; exit 1; }
	@if $(BIN)/python -c 'import importlib.util as u; raise SystemExit(u.find_spec("torch") is None)'; \
		then $(BIN)/mypy; else $(BIN)/mypy -p server; fi
	@$(BIN)/lint-imports

clean: ## Remove .venv and everything that was built; data and trained models stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing Vitrine into $(VENV) (a minute or two the first time) ..."
	@$(PIP) install --editable .
	@touch $@

$(TEST_STAMP): pyproject.toml .ci/constraints.txt | $(BIN)/python
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) install --editable '.[$(EXTRAS)]' --constraint .ci/constraints.txt
	@touch $@ $(VENV)/.installed

$(BIN)/python:
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "There is no $(PYTHON). Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Vitrine needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" -V 2>&1). Name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) lacks the module venv. Install it (Debian and Ubuntu: apt install python3-venv) and try again." >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV)
