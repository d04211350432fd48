# The main job, tests and linters. Every step is idempotent: finished work is not repeated.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP_ARGS ?=
# LOCKED=1 installs only files with the hashes of requirements.lock; cpu without what GPUs need.
LOCKED ?=
SPEC ?= small-v2
BUDGET ?= 8
SEEDS ?= 0
WORKERS ?= 2
TRACKERS ?= moglo two-frame-cnn speckle-decorrelation in-plane-registration training-mean identity constant-motion-oracle

BIN := .venv/bin
LOCKS := requirements.lock $(if $(filter cpu,$(LOCKED)),,requirements-cuda.lock)
DATA := $(if $(SWEEPBENCH_DATA),$(SWEEPBENCH_DATA),data)/$(SPEC)
RUNS := --trackers $(TRACKERS) --budget $(BUDGET) --seeds $(SEEDS)

.PHONY: leaderboard setup test reference lint docs clean
.DELETE_ON_ERROR:

leaderboard: .venv/.complete
	$(BIN)/python -m sweepbench generate $(SPEC) --out $(DATA) --workers $(WORKERS)
	$(BIN)/python -m sweepbench train $(DATA) $(RUNS) --workers $(WORKERS)
	$(BIN)/python -m sweepbench predict $(DATA) $(RUNS)
	$(BIN)/python -m sweepbench evaluate $(DATA) $(RUNS)
	$(BIN)/python -m sweepbench figures $(DATA) $(RUNS)
	$(BIN)/python -m sweepbench leaderboard $(DATA) $(RUNS)

setup: .venv/.complete

test: .venv/.complete
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

lint: .venv/.complete
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

reference: leaderboard
	$(BIN)/python -m sweepbench leaderboard $(DATA) $(RUNS) --keep results/$(SPEC)

docs: .venv/.docs
	$(BIN)/python -m docs.site
	$(BIN)/python -m mkdocs build
	@echo build/site/index.html

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.complete: pyproject.toml constraints.txt $(if $(LOCKED),$(LOCKS))
	$(PYTHON) -m venv .venv
ifeq ($(LOCKED),)
	$(BIN)/python -m pip install $(PIP_ARGS) -c constraints.txt -e '.[dev]'
else
	$(BIN)/python -m pip install $(PIP_ARGS) --require-hashes --no-deps $(LOCKS:%=-r %)
	$(BIN)/python -m pip install --no-build-isolation --no-deps -e .
	$(BIN)/python -m pip check
endif
	touch $@

.venv/.docs: .venv/.complete
	$(BIN)/python -m pip install $(PIP_ARGS) -c constraints.txt -e '.[docs]'
	touch $@
