# `make demo` and `make test` do all the set-up. `make help` lists the other commands.
PYTHON ?= python3
VENV   ?= .venv
N      ?= 2
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo story package test check format catalogues site bench clean install install-dev

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# A stamp file per extra says what is installed; make installs again when pyproject.toml or constraints.txt is newer.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "leopardnet needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing leopardnet with torch into $(VENV) (about 6 GB; some minutes, once) ..."
	@$(PIP) -e ".[train]" || { echo; echo "error: the installation failed"; echo "  found:    no package index, or not enough disk (see the lines above)"; echo "  expected: a reachable package index and 8 GB of free disk"; echo "  do:       check the network and 'pip config list', then run the same command again"; exit 1; }
	@touch $@

$(VENV)/.dev: $(VENV)/.train tests/requirements-no-deps.txt
	@echo "Installing the test tools ..."
	@$(PIP) -e ".[train,dev]" && $(PIP) --no-deps -r tests/requirements-no-deps.txt || { echo "error: installing the test tools failed; check the network, then run the same command again"; exit 1; }
	@touch $@

install: $(VENV)/.train ## Create .venv and install leopardnet with everything for training
install-dev: $(VENV)/.dev

demo: install ## The whole job on rendered footage; writes runs/demo/report.html
	$(BIN)/leopardnet demo --out runs/demo

story: install ## A rendered season with one new thing in it, from the cards to its dossier
	$(BIN)/leopardnet demo --story --out runs/story

test: install-dev ## All tests, files shared out among as many processes as N says (2)
	$(BIN)/python -m pytest -n $(N) --dist loadfile --no-loadscope-reorder

check: install-dev ## Format, lint, types, layers
	$(BIN)/ruff format --check src tests scripts
	$(BIN)/ruff check src tests scripts
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: install-dev ## Format files and fix what the linter can fix
	$(BIN)/ruff format src tests scripts
	$(BIN)/ruff check --fix src tests scripts

catalogues: install-dev ## Collect the texts to translate, and say what is not translated yet
	$(BIN)/python scripts/update_catalogues.py

site: install-dev ## The documentation site, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

package: ## Build the wheel and the sdist into dist/, and try them in an empty environment
	PYTHON=$(PYTHON) scripts/check_package.sh dist

bench: install-dev ## Benchmarks on this machine; OLD=FOLDER adds those of another checkout
	$(BIN)/python scripts/benchmarks/predict.py $(if $(OLD),--old $(OLD))
	$(BIN)/python scripts/benchmarks/tiny_clips.py $(if $(OLD),--old $(OLD))
	$(BIN)/python scripts/benchmarks/growth.py $(if $(OLD),--old $(OLD))
	$(BIN)/python scripts/benchmarks/busy.py $(if $(OLD),--old $(OLD))
	$(BIN)/python scripts/benchmarks/train.py
	$(BIN)/python scripts/benchmarks/backbones.py
	$(BIN)/python scripts/benchmarks/detector.py
	$(BIN)/python scripts/benchmarks/import_labels.py
	$(BIN)/python scripts/benchmarks/dataset.py
	$(BIN)/python scripts/benchmarks/report.py
	$(BIN)/python scripts/benchmarks/review.py
	$(BIN)/python scripts/benchmarks/evaluation.py --skip-protocol

clean: ## Remove .venv, runs and caches
	rm -rf $(VENV) runs outputs multirun build dist site docs/reference .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
