# Set-up and the two commands of the README. Needs Python 3.11 or newer, nothing else.
PYTHON ?= python3
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
DEMO := --configfile config/demo/config.yaml

.PHONY: help demo demo-agreement demo-weights test test-fast benchmark lint format resume clean

help:
	@echo "make demo            simulate a plate, count it, print a summary (3 minutes)"
	@echo "make demo-agreement  compare the demo's counts with the truth"
	@echo "make demo-weights    train the demo's weights anew (ENCODER=file.h5 starts from ImageNet)"
	@echo "make test            every test"
	@echo "make lint            every style and type check"
	@echo "make benchmark       inference against MONAI and a naive re-write (10 minutes)"
	@echo "make resume CONFIG=config/config.yaml   after a crash: unlock, sweep, go on"

$(VENV)/.installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

demo: $(VENV)/.installed
	$(SNAKEMAKE) $(DEMO) --quiet rules host progress --
	@cat results/summary.txt

demo-agreement: $(VENV)/.installed
	$(SNAKEMAKE) $(DEMO) --quiet all -- demo_agreement

demo-weights: $(VENV)/.installed
	$(SNAKEMAKE) --configfile config/demo/train.yaml \
		$(if $(ENCODER),--config 'training={"encoder": "$(ENCODER)"}') -- training
	cp results/training/unet.h5 config/demo/unet.h5

test: $(VENV)/.installed-dev
	$(BIN)/pytest

test-fast: $(VENV)/.installed-dev
	$(BIN)/pytest tests/unit

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake $(DEMO) --lint

benchmark: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-benchmark.txt
	$(BIN)/python tests/benchmarks/inference.py

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt workflow

CONFIG ?= config/demo/config.yaml
resume: $(VENV)/.installed
	$(BIN)/snakemake --configfile $(CONFIG) --unlock
	find results -name '.*.partial' -delete
	$(SNAKEMAKE) --configfile $(CONFIG) --rerun-incomplete

clean:
	rm -rf .snakemake logs benchmarks
	find results -mindepth 1 ! -name .gitkeep -delete
