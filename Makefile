# `make demo` and `make test` set up all they need; nothing but Python 3.11 and make has to be there.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.ready
PORT   ?= 8080
# More words for pytest: make test ARGS="tests/store -k calls"
ARGS   ?=
# How many tests run side by side. Most of the long ones wait for a PBX or a browser rather than for the processor.
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo test check format messages bench soak lock clean ready

help:
	@echo "make demo    try it: sample data, a simulated PBX, on http://127.0.0.1:$(PORT) (PORT=...)"
	@echo "make test    all tests, with the real Asterisk, Chromium and PostgreSQL where they can be had (ARGS=...)"
	@echo "make check   formatting, lint, types, import direction"
	@echo "make format  put the formatting right"
	@echo "make bench   benchmarks, each beside a floor measured in the same run"
	@echo "make soak    half an hour of calls on a real Asterisk while all around fails (ARGS='--minutes 5')"
	@echo "make messages bring the translations up to the texts in the code"
	@echo "make lock    renew requirements-dev.lock and package-lock.json"
	@echo "make clean   remove everything that make has built"

demo: ready
	@$(VENV)/bin/zeoncrm demo --port $(PORT)

test: ready
	@$(PY) -m tools.real_parts
	@$(PY) -m pytest --numprocesses $(WORKERS) $(ARGS)

check: ready
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo

format: ready
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

messages: ready
	@$(PY) -m tools.messages

bench: ready
	@$(PY) -m bench $(ARGS)

soak: ready
	@$(PY) -m tools.real_parts
	@$(PY) -m tests.pbx.soak $(ARGS)

# The environment is made once and again whenever what it is made from changes. The built files
# (browser libraries, translations) are looked at each time, which is quick.
ready: $(READY)
	@$(PY) hatch_build.py

$(READY): requirements-dev.lock pyproject.toml tools/setup_venv.py
	@$(PYTHON) -m tools.setup_venv $(VENV)
	@touch $@

lock: ready
	$(PY) -m pip install --quiet uv
	$(VENV)/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-annotate --custom-compile-command "make lock" --quiet --output-file requirements-dev.lock
	$(VENV)/bin/npm install --package-lock-only --ignore-scripts

clean:
	rm -rf $(VENV) node_modules dist build artifacts .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache zeoncrm/web/static/vendor zeoncrm/web/static/minified
	find zeoncrm -name '*.mo' -delete
	find . -name __pycache__ -prune -exec rm -rf {} +
