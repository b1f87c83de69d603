# Everything runs in .venv; `make up` and `make test` need only Python 3.11+ and Go 1.26+ (or an installed daprd 1.17+).
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PYTHON ?= python3
UV_VERSION := 0.13.9
PYTEST_FLAGS ?=
WORKERS ?= 2
SIDE_BY_SIDE := -n $(WORKERS) --no-loadscope-reorder

.PHONY: setup dapr up test test-model check eval bench bench-gateway compose-test lock doctor
.DEFAULT_GOAL := up

setup: $(STAMP)

$(STAMP): requirements.lock tools/setup.sh
	@rm -f $@
	@PYTHON="$(PYTHON)" VENV="$(VENV)" UV_VERSION="$(UV_VERSION)" bash tools/setup.sh
	@touch $@

# Builds the Dapr runtime once, where none is installed.
dapr: setup
	@$(BIN)/python -m switchboard.system.build

up: setup
	@$(BIN)/switchboard up $(ARGS)

# Side by side first, a file or a shared system on one worker; then what measures time, by itself. Either failure fails it.
test: setup dapr
	@$(BIN)/switchboard doctor --quiet
	@status=0; \
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "not alone" $(PYTEST_FLAGS) || status=1; \
	$(BIN)/pytest -m alone $(PYTEST_FLAGS) || status=1; \
	exit $$status

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/pytest $(SIDE_BY_SIDE) $(PYTEST_FLAGS) -q tests/unit

test-model: setup dapr  # an independent server with real weights: builds it once, about six minutes; not in CI
	$(BIN)/pytest -s tests/model

eval: setup dapr
	$(BIN)/switchboard eval run --start --gate

bench: setup dapr
	$(BIN)/python -m bench $(ARGS)

bench-gateway: setup
	$(BIN)/python -m bench.gateway

compose-test: setup
	$(BIN)/pytest -q --timeout=3000 tests/compose

doctor: setup
	$(BIN)/switchboard doctor

# Versions and hashes only: no index address is written.
lock: setup
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --python-version 3.11 --all-extras pyproject.toml -o requirements.lock
	@for image in supervisor specialist gateway console; do \
	  $(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 --extra $$image \
	    -c requirements.lock pyproject.toml -o requirements/$$image.lock || exit 1; done
