# make train: from a fresh clone to an adapted model.  make test: from a fresh clone to a tested one.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
# Two files of tests at a time, each on one thread.
TWO := OMP_NUM_THREADS=1
FILES := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: train test test-all bench lint

train: $(READY)
	$(BIN)/python train.py data=clicks+synthetic negatives=denoised

test: $(READY) lint
	$(TWO) $(BIN)/python -m pytest $(FILES)

test-all: $(READY) lint
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -q -e '.[dev,spark]'
	$(TWO) $(BIN)/python -m pytest $(FILES) -m ''

# Some hours. benchmarks/clicks/downstream.py and benchmarks/negatives/false_negatives.py, long series of training runs,
# are commands of their own.
BENCHES := $(addprefix clicks/,recovery generators unbiased purity signals em_speed scale) \
	$(addprefix negatives/,calibration mining million) synthetic/prefix efficiency/large
bench: $(READY)
	for name in $(BENCHES); do $(BIN)/python benchmarks/$$name.py || exit 1; done
	$(BIN)/python benchmarks/training/ratios.py

lint: $(READY)
	$(BIN)/ruff check -q . && $(BIN)/ruff format --check -q . && $(BIN)/lint-imports

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -e '.[dev]'
	touch $(READY)
