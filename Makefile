# make train: from a fresh clone to an adapted model.  make test: from a fresh clone to a tested one.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: train test test-all lint

train: $(READY)
	$(BIN)/python train.py data=clicks+synthetic negatives=denoised

test: $(READY) lint
	$(BIN)/python -m pytest

test-all: $(READY) lint
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -q -e '.[dev,spark]'
	$(BIN)/python -m pytest -m ''

lint: $(READY)
	$(BIN)/ruff check -q . && $(BIN)/ruff format --check -q . && $(BIN)/lint-imports

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -e '.[dev]'
	touch $(READY)
