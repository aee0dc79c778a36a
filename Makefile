# Two commands: `make run` lives a demo region, `make test` checks everything. Both need only Python ≥ 3.11.
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info < (3,14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test environment

run: environment
	@SONGHE_DEMO=1 $(BIN)/python -m songhe up

test: environment
	@SONGHE_DEMO=1 $(BIN)/python -m songhe test

environment: $(VENV)/.locked

$(VENV)/.locked: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "需要 Python 3.11、3.12 或 3.13。"; exit 1; }
	@echo "准备 Python 环境（$(PYTHON)）…"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@rm -rf songhe.egg-info
	@touch $@
