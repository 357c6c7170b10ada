# `make` alone lists the targets. The work is done by the Python package `local`: python3 -m local --help
PYTHON ?= python3
LOCAL := $(PYTHON) -m local
# More options for pytest: make test-unit PYTEST='-k outbox -x'
PYTEST ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo up down status logs test lint format test-unit test-integration lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing
	@$(LOCAL) setup

demo: ## start all, request two reports, show where their time went
	@$(LOCAL) demo

up: ## start all in the background; addresses in .run/env
	@$(LOCAL) up

down: ## stop what 'up' started
	@$(LOCAL) down

status: ## what runs in the background, and whether it answers
	@$(LOCAL) status

logs: ## follow the logs of what 'up' started
	@tail -n 20 -F .run/logs/*.log

test: ## every check: lint, types, unit, chart and integration tests
	@$(LOCAL) check --pytest='$(PYTEST)'

lint: ## ruff and mypy
	@$(LOCAL) check lint

format: setup ## format the code, and mend what can be mended
	@.venv/bin/ruff check --fix-only --quiet
	@.venv/bin/ruff format

test-unit: ## unit tests: nothing is started
	@$(LOCAL) check unit --pytest='$(PYTEST)'

test-integration: ## integration tests, on the real parts
	@$(LOCAL) check integration --pytest='$(PYTEST)'

lock: ## resolve every dependency anew and write the requirements files
	@$(LOCAL) lock

clean: down ## stop what 'up' started; remove runs, environment and caches of this checkout
	rm -rf .run .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

include k8s/kubernetes.mk tests/faults/faults.mk
