# Each target is one command; the virtual environment is made on the way. `make` alone lists them.
PYTHON ?= python3
PROJECT ?= .
N ?= 200
SEED ?= 0
BIN := .venv/bin
# As many processes as there are processors; who has done their share takes of the others'.
AT_ONCE := -n auto --dist worksteal
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help lock image test golden scenarios fuzz uv engine newcomer flyte browser docs lint check coverage bench parity environments agreement clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | column -t -s "$$(printf '\t')" 2>/dev/null || true

lock: .venv/installed ## lock a project and check every platform: make lock [PROJECT=path]
	$(BIN)/doit PROJECT="$(PROJECT)" lock

image: .venv/installed-docker ## an image from a lock: make image PLATFORM=linux/arm64 [PYTHON=3.12] [TAG=1] [PUSH=1] [PROJECT=path]
	$(BIN)/doit PROJECT="$(PROJECT)" PLATFORM="$(PLATFORM)" PYTHON="$(filter 3.%,$(PYTHON))" TAG="$(TAG)" PUSH="$(PUSH)" image:"$(or $(PLATFORM),$(error name a platform: make image PLATFORM=linux/arm64))"

test: .venv/installed-dev ## the test suite; no network, no container engine
	$(BIN)/python -m pytest $(AT_ONCE)

golden: .venv/installed-dev ## lock every case of tests/golden from memory and compare bytes
	$(BIN)/python -m pytest -q $(AT_ONCE) -m golden tests/golden/test_golden.py

scenarios: .venv/installed-dev ## lock every small world of tests/scenarios, by lockflow and by real uv over loopback
	$(BIN)/python -m pytest -q $(AT_ONCE) tests/scenarios -m "uv or not uv"

fuzz: .venv/installed-dev ## random small projects against real uv: make fuzz [N=200] [SEED=0]
	$(BIN)/python tests/resolve/fuzz.py --count $(N) --seed $(SEED)

uv: .venv/installed-dev ## let real uv check the locks over an index on loopback
	$(BIN)/python -m pytest -q $(AT_ONCE) -m uv tests

engine: .venv/installed-dev ## check in real containers; .ci/start-engine gives a Debian machine what this needs
	$(BIN)/python -m pytest -q -m "engine and not network" tests

newcomer: .venv/installed-dev ## type what README and first hour print in an empty container (needs an engine and the network)
	$(BIN)/python -m pytest -q -m "engine and network" tests/engine/test_newcomer.py

flyte: .venv/flyte/installed ## the image builder for Flyte with real flytekit; builds for good where an engine answers
	.venv/flyte/bin/python -m pytest -q -m flyte tests/flyte

browser: .venv/installed-browser ## drive the page of a report in headless Chromium (CHROMIUM=/usr/bin/chromium)
	$(BIN)/python -m pytest -q -m browser tests/browser

docs: .venv/installed-docs ## build the documentation into site/, with warnings as errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

lint: .venv/installed-dev ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

check: test golden uv lint ## all that CI runs

coverage: .venv/installed-dev ## the test suite with branch coverage: of all files, then of the pure ones alone
	$(BIN)/coverage run -m pytest -q -m "not (uv or engine or network or browser or flyte)"
	$(BIN)/coverage report
	@echo "The pure files (tests/test_architecture.py):"
	$(BIN)/coverage report --fail-under=95 --include="$$($(BIN)/python tests/test_architecture.py)"

bench: .venv/installed-dev ## compare with uv over a recorded index; PEERS=1 adds nab, Poetry and PDM
	PYTHONPATH=tests $(BIN)/python -m benchmarks.bench $(ARGS)

parity: .venv/installed-dev ## lock real projects with lockflow and with uv on the real index, compare bytes
	PYTHONPATH=tests $(BIN)/python -m benchmarks.parity $(ARGS)

environments: .venv/installed-dev ## install real projects with lockflow and with uv from one lock, compare files and times
	PYTHONPATH=tests $(BIN)/python -m benchmarks.environments $(ARGS)

agreement: .venv/installed-dev ## levels tags and probe, and uv in the container, on locks of real projects (needs an engine)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.agreement $(ARGS)

clean: ## remove what the targets made, the recorded index included
	rm -rf .venv .lockflow .lockflow-bench site reports uv.lock .doit.db* dist .coverage

# pip below 25.1 knows no dependency groups.
.venv/pip:
	test -x $(BIN)/python || $(if $(filter 3.%,$(PYTHON)),python3,$(PYTHON)) -m venv .venv
	$(INSTALL) --upgrade 'pip>=25.1'
	touch $@

.venv/installed: .venv/pip pyproject.toml hatch_build.py
	$(INSTALL) --editable .
	touch $@

.venv/installed-docker: .venv/installed
	$(INSTALL) --editable '.[docker]'
	touch $@

.venv/installed-dev: .venv/installed
	$(INSTALL) --editable '.[docker]' --group dev
	touch $@

# Without axe-core, the accessibility checker from npm, its one test is skipped.
.venv/installed-browser: .venv/installed-dev
	$(INSTALL) --group browser
	-npm install --silent --no-save --prefix .venv/axe axe-core@4
	touch $@

.venv/installed-docs: .venv/installed
	$(INSTALL) --group docs
	touch $@

# flytekit is large and has needs of its own (Python below 3.13), so that it has an environment of its own.
.venv/flyte/installed: .venv/pip pyproject.toml
	test -x .venv/flyte/bin/python || $(BIN)/python -m venv .venv/flyte
	.venv/flyte/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	.venv/flyte/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[flyte]' --group flyte
	touch $@
