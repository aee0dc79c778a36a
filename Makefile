# make run   set up whatever is missing, then serve Songhe with its demonstration region
# make test  set up whatever is missing, then run every check
# Nothing else is needed but Python 3.11 or newer and its package registry.

PYTHON := $(shell for python in $(SONGHE_PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	"$$python" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$python"; break; }; \
	done)
SONGHE_DEMO ?= 1
export SONGHE_DEMO

.PHONY: run test doctor clean python

run: python
	@$(PYTHON) -P songhe/config/environment.py up

test: python
	@$(PYTHON) -P songhe/config/environment.py test

doctor: python
	@$(PYTHON) -P songhe/config/environment.py doctor

# Keeps var/, which holds the database, its keys and uploads.
clean:
	rm -rf .venv node_modules songhe/static/vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

python:
	@test -n "$(PYTHON)" || { echo "需要 Python 3.11 或更新版本：请先安装，或用 SONGHE_PYTHON=路径 指明。"; exit 1; }
