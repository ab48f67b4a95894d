# `make run` and `make test` are all it takes; each sets up what it needs first.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

python := .venv/bin/python
# Bytecode has a folder of its own, so that none is deployed with the functions. It is written whatever the caller's
# environment says: without it every start compiles all that it imports, Python's own modules too.
export PYTHONPYCACHEPREFIX := $(CURDIR)/.local/bytecode
unexport PYTHONDONTWRITEBYTECODE

# Once, before the first of it is made.
ifeq ($(filter run,$(MAKECMDGOALS))$(and $(wildcard .venv/local-ready),$(wildcard .venv-engine/ready)),run)
$(info setting up, about a minute, first time only)
endif

help: ## show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | column -t -s '|'

# Only tests/deployed needs what is built. The tests of one file run in one process.
chosen := $(filter tests tests/%,$(TESTS))
built := $(if $(chosen),$(if $(filter tests tests/ tests/deployed%,$(chosen)),yes),yes)
built := $(if $(built),.venv-runtime/ready .local/build/ready)
in_one_process := $(if $(findstring .py,$(chosen)),$(if $(word 2,$(chosen)),,-n0))

run: export RELOAD ?= 1
run: .venv/local-ready .venv-engine/ready ## serve the callbacks on 127.0.0.1:$PORT (3000), with an engine of their own
	@exec $(python) -m tools.programs.wallet

cli: .venv/local-ready ## show what .venv/bin/walletctl can do: the operator's command line
	@.venv/bin/walletctl --help

engine: .venv/local-ready .venv-engine/ready ## an engine of its own on $ENGINE_PORT (4566), to take away from a service
	@exec $(python) -m tools.local.engine

test: .venv/dev-ready .venv-engine/ready $(built) ## run every test and show the coverage (TESTS: only those)
	@$(python) -m pytest $(in_one_process) $(or $(TESTS),--cov --cov-report=term)

test-browser: .venv/dev-ready .venv-engine/ready .venv/chromium-ready ## walk through the console with Debian's Chromium
	@PYTHONPATH=tests $(python) -m pytest -c tests/browser/pytest.ini --rootdir . --confcutdir tests/browser tests/browser

bench: .venv/dev-ready .venv-engine/ready .local/build/ready ## measure a callback beside its rivals, write docs/benchmarks.md (MINUTES, QUICK=1)
	@exec $(python) -m bench

soak: .venv/dev-ready .venv-engine/ready ## traffic under random faults, and an account of it (MINUTES, RATE, SEED, FAULTS)
	@exec $(python) -m tools.proofs.soak

simulation: .venv/dev-ready ## play the wallet in a made-up world: DELIVERIES (100000) under every fault, from SEED on (PROCESSES)
	@PYTHONPATH=tests exec $(python) -m simulation

teeth: .venv/dev-ready ## plant faults in the wallet's code and have the simulation find each (ONLY="ledger store")
	@PYTHONPATH=tests exec $(python) -m simulation.teeth $(ONLY)

fuzz: .venv/dev-ready ## send hostile input for MINUTES (10), from SEED on
	@PYTHONPATH=tests $(python) -m fuzz $(or $(MINUTES),10) $(SEED)

mutants: .venv/dev-ready ## plant faults in the money path and show which no test notices (ONLY="store written")
	@$(python) -m tools.proofs.mutants $(ONLY)

check: .venv/dev-ready .venv-sam/ready .venv-checkov/ready ## format, lint, types, template
	@.venv/bin/ruff format --check . && .venv/bin/ruff check .
	@.venv/bin/pyright
	@.venv/bin/cfn-lint template.yaml docs/events/pipe.yaml
	@$(sam) validate --lint
	@mkdir -p .local && $(python) -m tools.local.loops >.local/template.json
	@.venv-checkov/bin/checkov --config-file .checkov.yaml

build: .venv-sam/ready ## build what is deployed into .aws-sam (ARCH=arm64 or x86_64)
	@PATH="$(CURDIR)/.venv-uv/bin:$$PATH" ARCH=$(arch) $(sam) build --parameter-overrides Architecture=$(arch)
	@[ -d .aws-sam/build/CommonLayer/python/wallet/__pycache__ ] || \
		echo 'The layer has no bytecode, and starts four times as slowly: .venv-uv/bin/uv python install 3.13' >&2

build-here: .local/build/ready ## build for this machine's own interpreter into .local/build

local-invoke: .venv/local-ready .venv-engine/ready .venv-sam/ready ## send EVENT (events/result.json) to its function in Lambda's container image, by sam local
	@arch=$$($(python) -m tools.local.sam check) && $(MAKE) -s .local/sam-$$arch/ready
	@exec $(python) -m tools.local.sam invoke

local-api: .venv/local-ready .venv-engine/ready .venv-sam/ready ## serve the callbacks from Lambda's container image on 127.0.0.1:$API_PORT (3001), by sam local
	@arch=$$($(python) -m tools.local.sam check) && $(MAKE) -s .local/sam-$$arch/ready
	@exec $(python) -m tools.local.sam api

deploy: .venv/local-ready ## deploy to an account, by your own AWS credentials (ENV=dev, staging or prod; CONFIRMED=1 asks nothing)
	@arch=$$($(python) -m tools.local.deploy.account check) && $(MAKE) build ARCH=$$arch
	@exec $(python) -m tools.local.deploy.account

deploy-local: .venv/dev-ready .venv-engine/ready .local/build/ready ## deploy to an engine on this machine and call it (KEEP=1 leaves it up)
	@exec $(python) -m tools.local.deploy.local

probe: .venv/local-ready ## send a deployed stack each call, signed, for 0 (STACK=name, PLAYER=check, CURRENCY=EUR)
	@$(python) -m tools.local.deploy.probe

docs: .venv/dev-ready ## write docs/openapi.json
	@$(python) -m tools.local.openapi

hooks: .venv/dev-ready ## run the quick checks before each commit, and the types before each push
	@.venv/bin/pre-commit install

format: .venv/dev-ready ## format the code
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

lock: .venv-uv/ready ## pin the newest versions of every package
	@cd layers/common && $(compile) requirements.in -o requirements.txt
	@cd requirements && for name in uv local dev engine runtime sam checkov; do $(compile) $$name.in -o $$name.txt; done

# A git hook without its environment refuses every commit.
clean: ## remove everything that the other targets made in this folder, and the git hooks
	@! [ -x .venv/bin/pre-commit ] || ! git rev-parse --git-dir >/dev/null 2>&1 || .venv/bin/pre-commit uninstall
	rm -rf .venv .venv-* .aws-sam .hypothesis .pytest_cache .ruff_cache .import_linter_cache .coverage* .local

# sam must not phone home, and needs no account to build and validate.
sam := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-west-1 .venv-sam/bin/sam
sources := $(shell find functions layers -name __pycache__ -prune -o -print)
arch = $(if $(filter arm64 x86_64,$(or $(ARCH),arm64)),$(or $(ARCH),arm64),$(error ARCH must be arm64 or x86_64, not "$(ARCH)"))
compile := $(CURDIR)/.venv-uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes

.venv-uv/ready: requirements/uv.txt
	@tools/setup-uv
	@touch $@
.venv/local-ready: requirements/local.txt pyproject.toml .venv-uv/ready
	@tools/setup .venv $<
	@.venv-uv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	@touch $@
.venv/dev-ready: requirements/dev.txt .venv/local-ready
	@tools/setup .venv $<
	@touch $@
.venv-engine/ready: requirements/engine.txt .venv-uv/ready
	@tools/setup .venv-engine $<
	@touch $@
.venv-runtime/ready: requirements/runtime.txt .venv-uv/ready
	@tools/setup .venv-runtime $<
	@touch $@
.venv/chromium-ready: .venv/dev-ready
	@tools/setup-browser
	@touch $@
.venv-sam/ready: requirements/sam.txt .venv-uv/ready
	@tools/setup .venv-sam $<
	@touch $@
.venv-checkov/ready: requirements/checkov.txt .venv-uv/ready
	@tools/setup .venv-checkov $<
	@touch $@

# What is deployed, for one processor and apart from .aws-sam: `make local-invoke` leaves alone what is to be deployed.
.local/sam-%/ready: template.yaml $(sources) .venv-sam/ready
	@mkdir -p .local
	@echo 'Building for $* ...' >&2
	@PATH="$(CURDIR)/.venv-uv/bin:$$PATH" ARCH=$* $(sam) build --build-dir .local/sam-$* \
		--parameter-overrides Architecture=$* >.local/sam-$*.log 2>&1 || { cat .local/sam-$*.log >&2; exit 1; }
	@touch $@

# Folders, too: one changes when a file in it is gone. `ready` goes with what was built before.
.local/build/ready: template.yaml $(sources) .venv-sam/ready .venv/local-ready
	@mkdir -p .local
	@PATH="$(CURDIR)/.venv-uv/bin:$$PATH" LAYER_PLATFORM="$$(uname -m)-manylinux_2_28" \
		LAYER_PYTHON="$$($(python) -c 'import platform; print(platform.python_version())')" \
		$(sam) build --build-dir .local/build >.local/build.log 2>&1 || { cat .local/build.log >&2; exit 1; }
	@touch $@

.PHONY: help run cli engine hooks test test-browser bench soak simulation teeth fuzz mutants check build build-here local-invoke local-api deploy deploy-local probe docs format lock clean
.DEFAULT_GOAL := help
