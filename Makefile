# Two commands on a fresh machine with Python 3.11 and make: `make demo` and `make test`. Each installs what it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PORT ?= 7687
HOME_DIR ?= .neo4j/home

.PHONY: help install api-tools demo test check neo4j sdl release-sdl env bench bench-quick clean

help: ## Tell what there is to make.
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[predict,bulk]' hatchling hypothesis import-linter mypy pytest pytest-timeout ruff
	touch $@

install: $(VENV)/installed-dev ## Install Kith and what its tests need into .venv.

# What checks the API from outside. The Python tools want another graphql-core than Kith; Node is used where it is.
$(VENV)-api/installed: tools/api/requirements.txt tools/api/constraints.txt
	$(PYTHON) -m venv $(VENV)-api || python3 -m venv $(VENV)-api
	$(VENV)-api/bin/python -m pip install --quiet --disable-pip-version-check --constraint tools/api/constraints.txt \
		--requirement tools/api/requirements.txt
	touch $@

%/node_modules/installed: %/package-lock.json
	@if command -v npm > /dev/null; then npm ci --prefix $* --no-audit --no-fund --loglevel=error && touch $@; \
	else echo "no npm here: tests with Node are skipped"; fi

api-tools: $(VENV)-api/installed tools/api/node_modules/installed examples/clients/node_modules/installed ## Install what checks the API from outside.

demo: $(VENV)/installed ## Start Kith, import a small shop, show what was merged. ARGS=--once ends there.
	$(BIN)/python examples/demo.py $(ARGS)

test: $(VENV)/installed-dev api-tools check ## Run all checks and all tests.
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/installed-dev ## Run the checks that need no tests: style, types, layers.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

neo4j: ## Start a real Neo4j from Maven's artifacts (Java 17, Maven). PORT and HOME_DIR say where; Ctrl-C stops it.
	$(PYTHON) tools/neo4j/server.py --home $(HOME_DIR) --bolt-port $(PORT)

sdl: $(VENV)/installed ## Write schema/schema.graphql anew.
	$(BIN)/python -c "from schema.root import sdl; open('schema/schema.graphql', 'w').write(sdl())"

release-sdl: ## Make the schema of now the one that breaking changes are measured against.
	cp schema/schema.graphql schema/released.graphql

env: ## Write .env with a fresh API key and database password for docker compose.
	@test ! -e .env || { echo ".env is there already; it is not overwritten"; exit 1; }
	@umask 077; python3 -c "import secrets; print('KITH_API_KEYS=admin:' + secrets.token_urlsafe(32)); \
		print('KITH_NEO4J_PASSWORD=' + secrets.token_urlsafe(24))" > .env
	@echo "wrote .env; keep it to yourself"

clean: ## Remove what make and the tests made.
	rm -rf $(VENV) $(VENV)-api $(VENV)-bench tools/api/node_modules bench/peers/neo4j-graphql/node_modules .neo4j .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

bench: $(VENV)/installed ## Measure everything, side by side; writes bench/RESULTS.md. Needs wrk, Java 17 and Maven.
	$(BIN)/python -m bench

bench-quick: $(VENV)/installed ## The same in about 2 minutes.
	$(BIN)/python -m bench --quick
