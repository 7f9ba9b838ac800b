# Set-up, runs and checks. Needs Python 3.11 or newer, nothing else.
PYTHON ?= python3
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
DEMO := --configfile config/demo/config.yaml

.PHONY: help demo demo-agreement demo-dyes demo-weights demo-experience verify report accuracy test test-fast oracles
.PHONY: oracles-table record-tf-keras fuzz cluster cloud browser faults environments formats benchmark gpu lint format resume clean

help:
	@echo "make demo            simulate a plate, count it, print a summary (3 minutes)"
	@echo "make demo-agreement  compare the demo's counts with the truth"
	@echo "make demo-dyes       count two simulated plates by their dyes, and compare with the truth (2 minutes)"
	@echo "make demo-weights    train the demo's weights again (ENCODER=file.h5 starts from ImageNet)"
	@echo "make demo-experience measure what the demo's network has seen, and write it into its weights (10 minutes)"
	@echo "make verify          recompute a sample of wells from their raw images and compare (CONFIG=...)"
	@echo "make report          after a run: all pages, pictures and tables in results/report.zip (CONFIG=...)"
	@echo "make accuracy        count simulated fields, easy to difficult; remake docs/accuracy.*"
	@echo "make test            every test but those of the targets below (12 minutes)"
	@echo "make oracles         compare the weight converter with real Keras 3 and Flax"
	@echo "make cluster         run and kill the workflow on a Slurm of this machine (root; 10 minutes)"
	@echo "make cloud           a plate in an object store of this machine, on nodes without a common disk (2 minutes)"
	@echo "make browser         open the pages in chromium, and correct cells there (1 minute; chromium)"
	@echo "make faults          kill runs at a point of every writer and at random times (10 minutes)"
	@echo "make environments    run each rule with only the packages of its own environment (5 minutes)"
	@echo "make formats         containers written and opened by the libraries of others (3 minutes)"
	@echo "make fuzz            10,000 damaged weight files (10 minutes)"
	@echo "make lint            every check of style, spelling, types and imports"
	@echo "make benchmark       inference against MONAI and a naive re-write (10 minutes)"
	@echo "make gpu             on a machine with an NVIDIA GPU: its tests and benchmark (7 minutes)"
	@echo "make resume CONFIG=config/config.yaml   after a crash: end orphans, unlock, sweep, go on"

$(VENV)/.installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt requirements-formats.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

demo: $(VENV)/.installed
	$(SNAKEMAKE) $(DEMO)

demo-agreement: $(VENV)/.installed
	$(SNAKEMAKE) $(DEMO) --quiet all -- demo_agreement

demo-dyes: $(VENV)/.installed
	$(SNAKEMAKE) --configfile config/demo/dyes.yaml -- all demo_agreement

demo-weights: $(VENV)/.installed
	$(SNAKEMAKE) --configfile config/demo/train.yaml \
		$(if $(ENCODER),--config 'training={"encoder": "$(ENCODER)"}') -- training
	cp results/training/unet.h5 config/demo/unet.h5

demo-experience: $(VENV)/.installed
	$(SNAKEMAKE) --configfile config/demo/train.yaml config/demo/experience.yaml -- experience
	PYTHONPATH=workflow $(BIN)/python -m livedead.weights convert config/demo/unet.h5 results/weights/unet.h5 \
		--experience results/weights/experience.json
	cp results/weights/unet.h5 config/demo/unet.h5

verify: $(VENV)/.installed
	$(SNAKEMAKE) --configfile $(CONFIG) -- verify

# Needs no network: what the report is made of comes with Snakemake.
report: $(VENV)/.installed
	$(BIN)/snakemake --configfile $(CONFIG) --report results/report.zip

accuracy: $(VENV)/.installed
	$(SNAKEMAKE) $(DEMO) -- results/accuracy/errors.png
	cp results/accuracy/errors.csv docs/accuracy.csv
	cp results/accuracy/errors.png docs/accuracy.png

# A file of tests stays in one process, so that its folders and runs are made once. In the order of their names
# the long files come first, so that both processes end together.
# A thread of PyTorch that waits sleeps: one that spins would take the other process's core.
test: export OMP_WAIT_POLICY = PASSIVE
test: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore tests/oracles

test-fast: $(VENV)/.installed-dev
	$(BIN)/pytest tests/unit

# In an environment of its own: Flax and JAX are large and nothing else needs them.
$(VENV)-oracles/.installed: requirements.txt requirements-dev.txt requirements-formats.txt requirements-oracles.txt
	test -x $(VENV)-oracles/bin/python || $(PYTHON) -m venv $(VENV)-oracles
	$(VENV)-oracles/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-oracles.txt
	touch $@

oracles: $(VENV)-oracles/.installed
	$(VENV)-oracles/bin/pytest tests/oracles

oracles-table: $(VENV)-oracles/.installed
	$(VENV)-oracles/bin/python tests/oracles/measure.py

# Needs TensorFlow, which is why what it makes is committed.
record-tf-keras:
	test -x $(VENV)-tf/bin/python || $(PYTHON) -m venv $(VENV)-tf
	$(VENV)-tf/bin/python -m pip install --quiet --disable-pip-version-check tensorflow-cpu tf_keras
	$(VENV)-tf/bin/python tests/oracles/record_tf_keras.py $(FOLDER)

FUZZ ?= 10000
fuzz: $(VENV)/.installed-dev
	PYTHONPATH=workflow $(BIN)/python tests/unit/weights/mutations.py $(FUZZ)

# In an environment of its own, as a login node has it beside the tests.
$(VENV)-cluster/.installed: requirements.txt requirements-dev.txt requirements-cluster.txt
	test -x $(VENV)-cluster/bin/python || $(PYTHON) -m venv $(VENV)-cluster
	$(VENV)-cluster/bin/python -m pip install --quiet --disable-pip-version-check \
		-r requirements-dev.txt -r requirements-cluster.txt
	touch $@

cluster: $(VENV)-cluster/.installed
	$(VENV)-cluster/bin/pytest tests/cluster -rs

# In an environment of its own, as the plugins of a store are needed where plates lie in one.
$(VENV)-cloud/.installed: requirements.txt requirements-dev.txt requirements-cloud.txt
	test -x $(VENV)-cloud/bin/python || $(PYTHON) -m venv $(VENV)-cloud
	$(VENV)-cloud/bin/python -m pip install --quiet --disable-pip-version-check \
		-r requirements-dev.txt -r requirements-cloud.txt
	touch $@

cloud: $(VENV)-cloud/.installed
	$(VENV)-cloud/bin/pytest tests/cloud -rs

# axe-core, which looks for what keeps people out of a page, comes by npm, and is left out without it.
$(VENV)/.installed-browser: $(VENV)/.installed-dev requirements-browser.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-browser.txt
	! command -v npm > /dev/null || npm install --silent --prefix $(VENV) axe-core@4.14.1
	touch $@

browser: $(VENV)/.installed-browser
	@command -v chromium > /dev/null \
		|| { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium > /dev/null; } \
		|| { echo "make browser needs chromium: apt-get install chromium"; exit 1; }
	AXE=$(VENV)/node_modules/axe-core/axe.min.js $(BIN)/pytest tests/browser -rs

# In an environment of its own, with what writes containers and what opens them.
$(VENV)-formats/.installed: requirements.txt requirements-dev.txt requirements-formats.txt requirements-writers.txt
	test -x $(VENV)-formats/bin/python || $(PYTHON) -m venv $(VENV)-formats
	$(VENV)-formats/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-writers.txt
	touch $@

# Of the plugins that come with packages, napari's warns, and warnings are errors.
formats: export PYTEST_DISABLE_PLUGIN_AUTOLOAD = 1
formats: $(VENV)-formats/.installed
	$(VENV)-formats/bin/pytest tests/formats -rs

faults: $(VENV)/.installed-dev
	$(BIN)/pytest tests/faults tests/integration -m bulk

# The environments stay in .venv-environments, and are made again when their files change.
environments: $(VENV)/.installed-dev
	$(BIN)/pytest tests/environments -m bulk

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell .
	$(BIN)/snakefmt --check workflow
	$(BIN)/mypy
	PYTHONPATH=workflow $(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/snakemake $(DEMO) --lint

benchmark: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-benchmark.txt
	$(BIN)/python tests/benchmarks/inference.py

# Installs nothing and needs no network, as on a machine that is borrowed for minutes: `make gpu PYTHON=python3`
# runs there, and says which packages to carry. ARGS are of tests/benchmarks/gpu.py: --parts tests files, ...
GPU_OUT ?= results/benchmarks/gpu
gpu: GPU_PYTHON = $(if $(filter file,$(origin PYTHON)),$(or $(wildcard $(BIN)/python),$(PYTHON)),$(PYTHON))
gpu:
	$(GPU_PYTHON) tests/benchmarks/gpu.py --out $(GPU_OUT) $(ARGS)

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt workflow

# FOLDER is the working folder, PROFILE that of a cluster, ARGS what else the run was started with.
# Installs nothing: what ran before is there, and on a login node that is Snakemake alone.
CONFIG ?= config/demo/config.yaml
FOLDER ?= .
RUN = --directory "$(FOLDER)" --configfile "$(CONFIG)"
resume:
	PYTHONPATH=workflow $(BIN)/python -m livedead.recovery "$(FOLDER)"
	$(BIN)/snakemake $(RUN) --unlock
	$(BIN)/snakemake $(RUN) --rerun-incomplete \
		$(if $(PROFILE),--workflow-profile $(PROFILE),--cores $(CORES)) $(ARGS)

clean:
	rm -rf .snakemake logs benchmarks
	find results -mindepth 1 ! -name .gitkeep -delete
