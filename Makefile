# `make` alone lists the targets. The work is done by the Python package `local`: python3 -m local --help
PYTHON ?= python3
LOCAL := $(PYTHON) -m local
# More options for pytest: make test-unit PYTEST='-k outbox -x'
PYTEST ?=

.DEFAULT_GOAL := help
.PHONY: help setup add-kind demo up down status logs test lint format test-unit test-integration lock audit sbom clean

help: ## this list
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Try it
demo: ## start everything, request two reports, show where their time went
	@$(LOCAL) demo

up: ## start everything in the background; addresses in .run/env
	@$(LOCAL) up

status: ## what runs in the background, and whether it answers; exit code 3: nothing
	@$(LOCAL) status

logs: ## follow the logs of what 'up' started
	@tail -n 20 -F .run/logs/*.log

down: ## stop what 'up' started
	@$(LOCAL) down

##@ Check it
test: ## lint, types, unit, fuzz, chart and integration tests
	@$(LOCAL) check --pytest='$(PYTEST)'

lint: ## ruff and mypy, and the workflows
	@$(LOCAL) check lint

test-unit: ## unit tests: nothing is started
	@$(LOCAL) check unit --pytest='$(PYTEST)'

test-integration: ## integration tests, on the real parts
	@$(LOCAL) check integration --pytest='$(PYTEST)'

audit: ## known vulnerabilities of every locked package; fails too where it got no answer
	@$(LOCAL) audit

sbom: ## the bill of materials of each image (CycloneDX), in build/sbom
	@$(LOCAL) sbom

##@ Change it
setup: ## install what is missing
	@$(LOCAL) setup

add-kind: ## install a package of kinds for `make up`: make add-kind KIND=folder
	@$(LOCAL) add-kind "$(KIND)"

format: setup ## format the code, and fix what can be fixed
	@.venv/bin/ruff check --fix-only --quiet
	@.venv/bin/ruff format

lock: ## resolve every dependency again and write the requirements files
	@$(LOCAL) lock

clean: down ## stop what 'up' started; remove runs, environment and caches of this checkout
	rm -rf .run .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

include tests/screenshots/screenshots.mk tests/faults/faults.mk tests/fuzz/fuzz.mk tests/bench/bench.mk k8s/kubernetes.mk
