# Thin wrappers; without make, on Windows say `py tools\bootstrap.py run`, on macOS
# `python3 tools/bootstrap.py run`. Arguments: make run ARGS="picture.png", make test ARGS="-k mask".
PYTHON ?= python3
ARGS ?=
BOOTSTRAP = $(PYTHON) tools/bootstrap.py
ifeq ($(OS),Windows_NT)
IN_VENV = .venv/Scripts/
else
IN_VENV = .venv/bin/
endif

.PHONY: run test demo lint format types arch bench dev clean

run:            ## open the window
	@$(BOOTSTRAP) run $(ARGS)

test:           ## every test
	@$(BOOTSTRAP) test $(ARGS)

demo:           ## play the README's story, with screenshots in out/
	@$(BOOTSTRAP) demo $(ARGS)

dev:            ## install what lint, types and arch need
	@$(BOOTSTRAP) dev

lint: dev       ## style
	$(IN_VENV)ruff check .
	$(IN_VENV)ruff format --check .

format: dev     ## mend what lint can mend by itself
	$(IN_VENV)ruff check --fix .
	$(IN_VENV)ruff format .

types: dev      ## types
	$(IN_VENV)mypy core gui main.py tools

arch: dev       ## who may import whom
	$(IN_VENV)lint-imports --no-cache
	$(IN_VENV)python -m pytest -q tests/test_architecture.py
	$(IN_VENV)python tools/without_qt.py

bench: dev      ## the performance promises; one JSON line each
	$(IN_VENV)python -m tests.benchmarks $(ARGS)

clean:          ## caches and demo pictures; .venv stays
	rm -rf out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find core gui tools tests -name __pycache__ -prune -exec rm -rf {} +
