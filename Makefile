# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Everything that is brought in or written goes below .cache/. PYTHON=/path/to/python chooses the interpreter.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo check test long sandbox sanity cores bench faults live strangers fuzz docs build release-check new lists lock clean
MAKEFLAGS += --no-print-directory

export PYTHON
# Names may hold any letter, and settings of the caller's Python are not for this one.
export LC_ALL := C.UTF-8
$(foreach name,$(filter-out PYTHON,$(filter PYTHON%,$(.VARIABLES))),$(eval unexport $(name)))
python := .cache/venv/bin/python

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 15

setup: ## bring what development needs into .cache/
	@scripts/bootstrap

demo: ## converge a fleet on the sandbox, twice
	@scripts/bootstrap python
	@$(python) scripts/demo $(ARGUMENTS)

check: ## the quick checks, for every change
	@scripts/bootstrap python core node
	@$(python) scripts/run_suites check $(ARGUMENTS)

test: ## every test and check; SUITES="unit mypy" runs these alone
	@scripts/bootstrap python core node
	@$(python) scripts/run_suites $(or $(SUITES),test) $(ARGUMENTS)

sandbox: ## start the sandbox and print the exports to paste, for it and for this Ansible; Ctrl-C stops it
	@scripts/bootstrap python
	@echo "export PATH='$(CURDIR)/.cache/venv/bin':\"\$$PATH\""
	@echo "export ANSIBLE_COLLECTIONS_PATH='$(CURDIR)/.cache/collections'"
	@exec .cache/venv/bin/scalingo-sandbox --exports $(ARGUMENTS)

long: ## the long tests of playbooks and roles: fleets in slices, ended, on the newest core; in twelve minutes
	@scripts/bootstrap
	@.cache/venv/bin/pytest -q -n 2 -m long tests/playbook tests/roles tests/engines $(ARGUMENTS)

sanity: ## all of ansible-test sanity on the newest and on the oldest ansible-core, and all of Galaxy's importer, for a release
	@scripts/bootstrap python core
	@for core in newest oldest; do $(python) scripts/check_sanity $$core whole || exit; done
	@$(python) scripts/check_artifact --import --lint

cores: ## sanity, unit tests and fast playbook tests on every supported ansible-core, in half an hour; ARGUMENTS="2.18 2.19" runs these
	@scripts/bootstrap python core
	@$(python) scripts/cores $(ARGUMENTS)

bench: ## what tasks cost, beside the same by other means, in 15 minutes; PART=a runs one part
	@scripts/bootstrap python
	@$(python) scripts/bench $(if $(PART),--part $(PART)) $(ARGUMENTS)

strangers: ## the demonstration and some tests in a clone with everything in the way that strangers' machines have
	@scripts/bootstrap python
	@$(python) scripts/strangers

faults: ## every module, each of its requests, every fault, in each form of the paths, in 40 minutes, and then every long task killed
	@scripts/bootstrap $(if $(ARGUMENTS),python,python core servers)
	@$(python) scripts/faults $(ARGUMENTS)
	@$(if $(ARGUMENTS),,$(python) scripts/kills)

live: ## a real account, by reading only: whether the contract holds; SCALINGO_LIVE=read-only and SCALINGO_API_TOKEN are needed
	@scripts/bootstrap python
	@$(python) scripts/live $(ARGUMENTS)

fuzz: ## 100,000 bad answers to every module, and 20,000 requests to the sandbox by its own document, in twenty minutes; suites draw a few
	@scripts/bootstrap python
	@$(python) scripts/fuzz $(ARGUMENTS)

docs: ## the documentation as a website in .cache/docs
	@scripts/bootstrap python
	@$(python) scripts/docs --openapi

build: ## the artifact for Galaxy and the wheel of the sandbox in .cache/artifact
	@scripts/bootstrap python
	@$(python) scripts/check_artifact

release-check: ## a release of what is committed, in a clone: changelog, tag, and what is published, tried; nothing leaves this machine
	@scripts/bootstrap python
	@$(python) scripts/check_release

new: ## the stubs of a new module: THING=log_drain, with PAIR=1 those of its info module too, with MAIN=1 of the main API
	@scripts/bootstrap python
	@$(python) scripts/new $(THING) $(if $(PAIR),--pair) $(if $(MAIN),--main)

lists: ## write the lists that follow from the files: action group, README
	@scripts/bootstrap python
	@$(python) scripts/lists

lock: ## pin the newest packages anew, in requirements/*.txt
	@scripts/bootstrap python
	@scripts/lock

clean: ## remove everything that was brought in or written
	rm -rf .cache
