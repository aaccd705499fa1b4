# The commands of the project. Every target that needs the environment makes it first; all are safe to run again.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := repro
.PHONY: repro test acceptance flow ui lint bench depth-study ablation

PYTHON ?= python3.11
PORT ?= 4200
VENV := .venv
INSTALLED := $(VENV)/.installed

# dvc runs `python -m slmrec.stages...` and must find this environment's python.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# OpenMP's active waiting slows torch fifty-fold when another process wants the same cores.
export OMP_WAIT_POLICY := PASSIVE
# Prefect keeps to this folder, calls nobody, and may take longer than 20 s to start a server on two busy cores.
export PREFECT_HOME := $(CURDIR)/.cache/prefect
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS := 120
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

repro: $(INSTALLED) | .cache  ## logs to a verified ONNX bundle: everything, from nothing; resumes where it was interrupted
	[ -e data ] || slmrec fetch-demo
	slmrec doctor
	dvc repro
	slmrec show

test: $(INSTALLED) | .cache  ## the quick tests
	pytest -m "not acceptance"

acceptance: $(INSTALLED) | .cache  ## the long ones: the whole pipeline, twice, killed, undone
	pytest -m acceptance

flow: $(INSTALLED) | .cache  ## the same pipeline as a Prefect flow; no server needed beforehand
	python -m flows.pipeline
	slmrec show

ui: $(INSTALLED) | .cache  ## Prefect server, worker and the scheduled deployment on loopback, until Ctrl-C
	python -m flows.ui $(PORT)

depth-study: $(INSTALLED)  ## how deep the teacher has to be, on the project's own data; hours for a large teacher, resumes
	dvc repro train_teacher
	python -m slmrec.studies.depth artifacts/histories artifacts/item_vectors artifacts/teacher reports/depth-study

ablation: $(INSTALLED)  ## what each term of the student's loss is worth, three seeds; about an hour on the demo, resumes
	dvc repro record_states
	python -m slmrec.studies.ablation artifacts/histories artifacts/teacher artifacts/teacher_states reports/ablation

lint: $(INSTALLED)
	ruff check .
	ruff format --check .
	mypy

bench: $(INSTALLED)  ## measurements side by side, into benchmarks/results
	python -m benchmarks.data --sizes 1000000

# Prefect makes its own folder in it, not the one above.
.cache:
	mkdir -p .cache

# The stamp is touched last, so an interrupted installation starts again and pip takes what is already there.
$(INSTALLED): pyproject.toml constraints.txt
	[ -x $(VENV)/bin/pip ] || $(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --disable-pip-version-check --progress-bar off --quiet -c constraints.txt -e ".[pipeline,dev]"
	touch $(INSTALLED)
