# Everything is set up by the targets themselves; a fresh machine needs Python 3.11 to 3.13 and make,
# and Maven for the Kafka broker.
VENV := .venv
BIN := $(VENV)/bin
KAFKA_PORT ?= 9092
# The newest Python that the lock file covers; `make PYTHON=/path/to/python` chooses another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { echo $$p; break; }; done)

# Tests and benchmarks start processes by the hundred: byte code is kept, whatever the caller says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test check soak bench kafka lock clean

help:
	@echo 'make run      feed a sample of telemetry through a broker and a worker, and show the verdicts'
	@echo '              (make run KAFKA=host:9092 uses a cluster that is there already)'
	@echo 'make test     run the tests'
	@echo 'make check    lint, types, import arrows'
	@echo 'make soak     every fault on a real broker, for about an hour; prints what was seen (SOAK=...)'
	@echo 'make bench    what an event costs here and by other means, in about 25 minutes (BENCH=...)'
	@echo 'make kafka    one Kafka node in the foreground, on KAFKA_PORT (9092)'
	@echo 'make setup    the virtual environment in .venv; the others do it when needed'
	@echo 'make lock     resolve requirements.lock anew from pyproject.toml'

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Python 3.11, 3.12 or 3.13 is needed: install one, or name it with make PYTHON=...' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: setup
	@$(BIN)/python deploy/run.py $(if $(KAFKA),--bootstrap-servers $(KAFKA))

kafka: setup
	@$(BIN)/python deploy/kafka/launcher.py run --port $(KAFKA_PORT)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Each process of the tests has a broker of its own; its jars are fetched once, before. Many tests
# wait for brokers, so that three processes suit two cores; files go out in order, since those of
# brokers and faults come first and take longest.
test: setup
	-@$(BIN)/python deploy/kafka/launcher.py fetch >/dev/null
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

# SOAK='--only sigkill --scale 0.1' runs part of it.
soak: setup
	$(BIN)/python -m tests.faults.soak $(SOAK)

# BENCH='--only urls,latency --scale 0.2 --rounds 1' runs part of it; results go to build/bench.
bench: setup
	@$(BIN)/python -W ignore -m tests.bench $(BENCH)

# No index host, no path: what is written is true wherever the packages come from.
lock:
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet \
		--output-file requirements.lock

clean:
	rm -rf $(VENV) deploy/kafka/jars build dist .mypy_cache .ruff_cache .pytest_cache
