# make run: train, judge, label the seed.  make test: everything that CI runs.  make help: the rest.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.isnad-stamp
# an encoder into train/encoder: copied beside, then put in its place
keep = rm -rf train/encoder.part && cp -r $(1) train/encoder.part && rm -rf train/encoder && mv train/encoder.part train/encoder
CODE   := isnad train eval tests benchmarks

.PHONY: help setup run test lint types imports check recurrent pretrain release floors report screenshots bench clean

help:
	@echo "make run        train configs/default.yaml, judge it beside the floors, label the seed article"
	@echo "make test       ruff, mypy, import-linter, pytest"
	@echo "make setup      make .venv with everything at the pinned versions"
	@echo "make check      validate data/ (isnad check data)"
	@echo "make recurrent  train the recurrent floor (vectors of all the news)"
	@echo "make pretrain   make train/encoder again: masked words, then weak labels (hours)"
	@echo "make release    make isnad/model again from train/encoder"
	@echo "make floors     train the floors and write the table that stands in every report"
	@echo "make report     write the public report of the model that ships into docs/report"
	@echo "make screenshots  take the pictures in docs/ (Chromium)"
	@echo "make bench      measure speed (benchmarks/)"
	@echo "make clean      remove runs/ and caches"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "expected $(PYTHON); set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $(STAMP)

run: setup
	$(BIN)/python -m train configs/majority.yaml
	$(BIN)/python -m train configs/rules.yaml
	$(BIN)/python -m train configs/tfidf.yaml
	$(BIN)/python -m train configs/default.yaml
	$(BIN)/python -m eval runs/default runs/tfidf runs/rules runs/majority -o runs/report
	$(BIN)/isnad label seeds/000_cad93aab64d4a56d.txt --model runs/default --format html -o runs/seed.html
	@echo
	@echo "report:          $(CURDIR)/runs/report/report.html"
	@echo "labelled seed:   $(CURDIR)/runs/seed.html"

test: lint types imports
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

lint: setup
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports --no-cache

check: setup
	$(BIN)/isnad check data

recurrent: setup
	$(BIN)/python -m train configs/recurrent.yaml

pretrain: setup
	$(BIN)/python -m train.pretrain configs/pretrain-compact.yaml
	for kind in rules tfidf recurrent; do $(BIN)/python -m train configs/$$kind.yaml || exit 1; done
	$(BIN)/python -m train.weak configs/weak-compact.yaml
	$(call keep,runs/weak-compact/encoder)
	$(BIN)/python -m train configs/default.yaml
	$(BIN)/python -m train.weak configs/weak-second.yaml
	$(call keep,runs/weak-second/encoder)

release: run
	$(BIN)/python -m train.export runs/default
	$(BIN)/python -m train.calibration runs/default
	$(BIN)/python -m eval runs/default --bootstrap 2000 -o runs/report
	$(BIN)/python -m train.release runs/default runs/report/report.json

floors: setup
	for kind in majority tfidf rules; do $(BIN)/python -m train configs/$$kind.yaml || exit 1; done
	$(BIN)/python -m eval floors runs/majority runs/tfidf runs/rules

report: setup
	rm -rf runs/released && mkdir -p runs/released && cp -r isnad/model runs/released/artefact
	$(BIN)/python -m eval runs/released --bootstrap 2000 --public --latex -o docs/report

screenshots: setup
	$(BIN)/python docs/screenshots.py

bench: setup
	$(BIN)/python benchmarks/label_speed.py

clean:
	rm -rf runs cache build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
