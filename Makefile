# Everything needs only Python 3.11 to 3.13 and make: the environment in .venv is made on first use, from the lock files.
#
# Variables: PYTHON=/path/to/python to choose the interpreter, ARGS="…" for options of run, demo, bench and pytest.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
ARGS ?=

# The first of these that runs and is of a supported version (a name on PATH may be an empty shim).
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
CANDIDATES := python3.13 python3.12 python3.11 python3 python
PYTHON ?= $(shell for name in $(CANDIDATES); do $$name -c "$(SUPPORTED)" 2>/dev/null && echo $$name && break; done)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo verify test faults soak lint report bench accuracy fuzz vulnerabilities lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/runtime.stamp ## Start the gateway on 127.0.0.1:8082 towards https://api.anthropic.com
	@exec $(BIN)/aws-masker gateway $(ARGS)

demo: $(VENV)/runtime.stamp ## Show one conversation through the gateway, against a fake API: no account, no network
	@exec $(BIN)/aws-masker demo $(ARGS)

verify: $(VENV)/runtime.stamp ## Send identifiers of every family through the gateway and report what leaked
	@exec $(BIN)/aws-masker verify $(ARGS)

test: lint ## Lint, check the types and run all tests
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/dev.stamp ## Lint and check the types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

faults: $(VENV)/dev.stamp ## Make every part of the Kong stack fail under load, and write docs/faults.md
	$(BIN)/python tests/stack/fault_table.py
	$(BIN)/python -m pytest tests/stack/test_faults.py $(ARGS)

soak: $(VENV)/dev.stamp ## Send 10,000 requests through the Kong stack, and print what its plugin server holds
	$(BIN)/python -m pytest tests/stack/test_soak.py --soak 10000 --capture no $(ARGS)

report: $(VENV)/dev.stamp ## Run the end-to-end checks and write tests/test-report/proxy-integration-test-NNN.md
	$(BIN)/python -m pytest tests/report --report tests/test-report $(ARGS)

bench: $(VENV)/dev.stamp ## Measure throughput and added latency
	@exec $(BIN)/python -m benchmarks $(ARGS)

accuracy: $(VENV)/dev.stamp ## Measure what is found and what is changed without need, on texts made from public packages
	@exec $(BIN)/python -m benchmarks.accuracy $(ARGS)

fuzz: $(VENV)/dev.stamp ## Try damaged bodies, answers and messages for minutes (in `make test` it is seconds)
	@exec $(BIN)/python -m pytest tests/test_fuzz.py tests/kong/test_kong_fuzz.py --hypothesis-profile=fuzz $(ARGS)

vulnerabilities: requirements-dev.lock $(BIN)/python ## Look the locked dependencies up in PyPI's list of vulnerabilities
	$(BIN)/python -m venv $(VENV)/vulnerabilities
	$(VENV)/vulnerabilities/bin/python -m pip --quiet --disable-pip-version-check install pip-audit
	for lock in requirements.lock requirements-kong.lock requirements-dev.lock; do \
		$(VENV)/vulnerabilities/bin/pip-audit --require-hashes --disable-pip --strict --requirement $$lock $(ARGS) || exit 1; done

lock: $(BIN)/python ## Write the lock files anew from pyproject.toml
	$(BIN)/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip --quiet --disable-pip-version-check install uv
	$(VENV)/lock/bin/uv $(COMPILE) --extra build --output-file requirements.lock
	$(VENV)/lock/bin/uv $(COMPILE) --extra build --extra dev --extra kong --constraint requirements.lock --output-file requirements-dev.lock
	$(VENV)/lock/bin/uv $(COMPILE) --extra build --extra kong --constraint requirements.lock --output-file requirements-kong.lock

COMPILE := pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --annotation-style line --custom-compile-command 'make lock'

clean: ## Remove the environment and all caches
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis plugins/*.egg-info
	find . -name node_modules -prune -o -name __pycache__ -type d -print -exec rm -rf {} +

include stack.mk

# The environment

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "aws-masker needs Python 3.11, 3.12 or 3.13, and finds none of $(CANDIDATES) on PATH." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; fi
	@$(PYTHON) -c "$(SUPPORTED)" || { echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13." >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/runtime.stamp: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the dependencies …"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/runtime.stamp
	@echo "Installing what the tests need …"
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@
