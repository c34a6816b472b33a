# Two commands matter: `make report` and `make test`. Everything else is a part of them.
# Variables: PROFILE=quick|full, RETRAIN=1 (every trial anew, hours), GRID=file.yaml,
# PYTHON=python3.11 (or newer).

PYTHON  ?= python3
PROFILE ?= $(if $(RETRAIN),retrain,quick)
VENV    := .venv
RUN     := $(VENV)/bin/python
SETUP   := $(VENV)/.complete
FETCHED := data/cache/.complete

.DEFAULT_GOAL := help
.PHONY: help report test lab setup data notebooks sweep lint unit nbval verify test-browser test-faults test-cluster bench clean lock

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

report: data  ## execute the notebooks (only what changed) and build build/report/index.html
	@$(RUN) -m helpers pipeline --profile $(PROFILE)

test: setup data lint unit nbval  ## lint, types, import rules, unit tests, doctests, every notebook
	@echo "All tests passed."

lab: data  ## open the notebooks in JupyterLab
	@$(VENV)/bin/jupyter lab notebooks

setup: $(SETUP)  ## make .venv with the pinned packages

$(SETUP): requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make setup PYTHON=python3.12" >&2; exit 2; }
	@echo "Setting up $(VENV) (a few minutes the first time) …"
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --disable-pip-version-check --progress-bar on \
	  -r requirements.txt -c constraints.txt
	@$(RUN) -m pip install --disable-pip-version-check --quiet --no-deps -e .
	@$(RUN) -m pip check
	@touch $(SETUP)

data: $(FETCHED)  ## fetch texts and weights once (about 210 MB, checked by hash)

$(FETCHED): data/catalog.yaml $(wildcard helpers/sources/*.py) $(SETUP)
	@$(RUN) -m helpers data
	@touch $(FETCHED)

notebooks: data  ## re-execute every notebook in place at the quick setting
	@$(RUN) -m helpers notebooks

sweep: data  ## run a grid of parameters: make sweep GRID=my_grid.yaml
	@test -n "$(GRID)" || { echo "Name the grid: make sweep GRID=my_grid.yaml" >&2; exit 2; }
	@$(RUN) -m helpers sweep "$(GRID)"

verify: data  ## train a random sample of the stored trials again and compare (N=30)
	@$(RUN) -m helpers trials --verify $(or $(N),30)

lint: setup  ## ruff (notebooks included), types, import rules
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-cache

unit: data  ## unit tests and doctests
	@$(VENV)/bin/pytest -q -n 2 --dist loadfile --no-loadscope-reorder

nbval: data  ## re-execute every notebook and compare its outputs with the stored ones
	@TRANSFER_TRIALS=shipped $(VENV)/bin/pytest -q -n 2 --dist loadfile --no-loadscope-reorder --nbval --nbval-cell-timeout 1800 --durations 5 notebooks

test-browser: data  ## the report (axe-core) and four lessons in JupyterLab, in headless Chromium
	@$(RUN) -m pip install --disable-pip-version-check --quiet -r requirements-browser.txt -c constraints.txt
	@$(VENV)/bin/pytest -q -rs tests/report/test_in_a_browser.py tests/test_in_jupyterlab.py

test-faults: data  ## tests/faults, the long ones too: kill -9 at thirty random moments
	@$(VENV)/bin/pytest -q -m "faults or not faults" tests/faults

test-cluster: data  ## a sweep through a real SLURM on this machine (root, slurm-wlm, munge)
	@$(RUN) -m tests.cluster.slurm

bench: data  ## speed, coverage of intervals, the checkpoints' first 200 steps again (minutes)
	@$(RUN) -m tests.bench.throughput
	@$(RUN) -m tests.bench.finetuning
	@$(RUN) -m tests.bench.transferability
	@$(RUN) -m tests.bench.coverage
	@$(RUN) -m tests.bench.tails
	@$(RUN) -m tests.bench.features
	@$(RUN) -m tests.bench.reading
	@$(RUN) -m tests.bench.sweep
	@$(RUN) -m tests.bench.store
	@$(RUN) -m tests.bench.predict
	@$(RUN) -m tests.bench.estimate
	@$(RUN) -m tests.bench.reproduce

lock: setup  ## write constraints.txt from what is installed
	@$(RUN) -m pip freeze --exclude-editable | sed -E 's/\+cpu//' > constraints.txt

clean:  ## remove results and the environment; fetched data stays
	rm -rf build .snakemake $(VENV) *.egg-info
