# The commands of the project: `make help` lists them. A target that needs the environment makes it
# first; all are safe to run again.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := repro
.PHONY: help repro flow retrain ui test acceptance check lint format coverage measure runtime-matrix gpu bench \
	depth-study ablation

# The newest supported Python that runs and can make an environment; `make repro PYTHON=...` names
# another. A command of that name may be there and still not run, as pyenv's do.
PYTHONS := python3.13 python3.12 python3.11
PYTHON ?= $(shell for python in $(PYTHONS); do \
	if $$python -c 'import ensurepip, venv' 2>/dev/null; then echo $$python; break; fi; done)
PORT ?= 4200
# Files of tests side by side, those of one file one after the other, as they may share what is made
# once; more than four would want memory rather than cores.
PYTEST := pytest --numprocesses logical --maxprocesses 4 --dist loadfile
VENV := .venv
INSTALLED := $(VENV)/.installed

# dvc runs `python -m slmrec.stages...` and must find this environment's python.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# `exec` leaves no shell between make and a command that ends with it.
# Prefect keeps to this folder, calls nobody, and may take longer than 20 s to start a server on two
# busy cores.
export PREFECT_HOME := $(CURDIR)/.cache/prefect
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS := 120
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

repro: $(INSTALLED) | .cache  ## from nothing to a verified ONNX bundle; resumes
	[ -e data ] || slmrec fetch-demo
	slmrec doctor
	exec python -m flows.repro
	slmrec show

flow: $(INSTALLED) | .cache  ## the same pipeline as a Prefect flow; no server needed beforehand
	exec python -m flows.once
	slmrec show

# OPTIONS: --date, --budget-minutes, --force, --dry-run, --gate, --override REASON, --settle-seconds,
# --warm, --lineage
retrain: $(INSTALLED) | .cache  ## on what is new in LANDING=FOLDER; published if the gate lets it
	@[ -n "$(LANDING)" ] || { echo "name the folder: make retrain LANDING=FOLDER" >&2; exit 2; }
	exec python -m flows.retrain_once "$(LANDING)" $(OPTIONS)

ui: $(INSTALLED) | .cache  ## Prefect's server, worker and daily deployment, until Ctrl-C
	exec python -m flows.local_server $(PORT)

test: $(INSTALLED) | .cache  ## the quick tests
	$(PYTEST) -m "not acceptance"

acceptance: $(INSTALLED) | .cache  ## the long tests: the whole pipeline, twice, killed, undone
	$(PYTEST) -m acceptance

check: lint test  ## what to run before a commit: linters, then the quick tests

lint: $(INSTALLED)  ## style, format, types, and the order of imports
	ruff check .
	ruff format --check .
	mypy
	lint-imports

format: $(INSTALLED)  ## format the code and mend what ruff can mend
	ruff check --fix-only .
	ruff format .

coverage: $(INSTALLED) | .cache  ## what the quick tests reach; page in reports/coverage
	$(PYTEST) -m "not acceptance" --cov --cov-report=term --cov-report=html:reports/coverage

measure: $(INSTALLED)  ## lengths of functions, files and lines; share of docstrings and types
	python -m benchmarks.code_size

gpu: $(INSTALLED) | .cache  ## where there is a GPU: its tests, and what it is worth beside the CPU
	pytest -m gpu
	python -m benchmarks.gpu

runtime-matrix: $(INSTALLED) | .cache  ## the runtime alone, on every Python here
	.ci/runtime-matrix

bench: $(INSTALLED)  ## the data stages beside other libraries, into benchmarks/results
	python -m benchmarks.preparation --sizes 1000000

depth-study: $(INSTALLED)  ## how deep the teacher has to be, on the project's own data; resumes
	exec python -m flows.child dvc repro train_teacher
	exec python -m slmrec.studies.depth artifacts/histories artifacts/item_vectors artifacts/teacher \
		reports/depth-study

ablation: $(INSTALLED)  ## what each term of the student's loss is worth; an hour, resumes
	exec python -m flows.child dvc repro record_states
	exec python -m slmrec.studies.ablation artifacts/histories artifacts/teacher artifacts/teacher_states \
		reports/ablation

# Prefect makes its own folder in it, not the one above.
.cache:
	mkdir -p .cache

# The stamp is touched last, so an interrupted installation starts again and pip takes what is
# already there.
$(INSTALLED): pyproject.toml constraints.txt
	[ -x $(VENV)/bin/pip ] || [ -n "$(PYTHON)" ] || \
		{ echo "none of $(PYTHONS) runs and has venv; name one: make repro PYTHON=..." >&2; exit 1; }
	[ -x $(VENV)/bin/pip ] || $(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --disable-pip-version-check --progress-bar off --quiet \
		-c constraints.txt -e ".[pipeline,studies,tune,vectors,dev]"
	touch $(INSTALLED)
