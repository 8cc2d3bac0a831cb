# The one vocabulary: people, CI and the git hook call these and nothing else.
# uv is taken from the path, or fetched into .tools by the machine's own pip: Debian's refuses a
# plain `pip install`.

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
export PATH := $(CURDIR)/.tools/bin:$(PATH)
WORKERS ?= 2

PYTEST := pytest -n $(WORKERS) --dist worksteal

.PHONY: demo up test test-offline check format bench hooks set-up

demo: set-up        ## the whole chain once, on this machine
	@$(UV) run ratchet demo

up: set-up          ## the local servers and the runner, until Ctrl-C
	@$(UV) run ratchet up

test test-offline bench: EXTRAS = --all-extras
# the workers share the cores already
test test-offline: export OMP_NUM_THREADS = 1
test: set-up        ## every promise, with real servers
	$(UV) run $(PYTEST)

test-offline: set-up  ## the tests that start neither MLflow nor Prefect
	$(UV) run $(PYTEST) -m "not servers"

check: set-up       ## style, types, imports between packages
	$(UV) run ruff check .
	$(UV) run ruff format --check .
	$(UV) run mypy
	$(UV) run lint-imports

format: set-up
	$(UV) run ruff check --fix .
	$(UV) run ruff format .

bench: set-up       ## speed and memory, as ratios to a baseline in the same run
	$(UV) run python -m tests.bench

hooks:              ## let git call `make check` before each commit
	git config core.hooksPath .githooks

set-up: | $(UV)
	@test -d .venv || echo "Installing what uv.lock lists into .venv ..."
	@$(UV) sync --locked --inexact --compile-bytecode $(EXTRAS) $(if $(wildcard .venv),--quiet)

.tools/bin/uv:
	@echo "Getting uv, which installs the rest ..."
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .tools uv
