# Two commands on a fresh machine with Python 3.11 and make: `make demo` and `make test`. Each installs what it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := python -m pip install --quiet --disable-pip-version-check
ARGS ?=
PORT ?= 7687
HOME_DIR ?= .neo4j/home

.PHONY: help install api-tools destination-tools mail-tools notebook-tools pipeline-tools sdk-tools demo test test-sdks check docs reference neo4j kafka sdl access release-sdl env bench bench-quick clean

help: ## List the targets.
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(BIN)/$(PIP_INSTALL) --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/$(PIP_INSTALL) --constraint constraints.txt \
		--editable '.[predict,bulk,export,files,kafka,nats,spark,xlsx,otel]' cloudevents hatchling hypothesis import-linter mypy pytest pytest-timeout ruff standardwebhooks
	touch $@

install: $(VENV)/installed-dev ## Install Kith and what its tests need into .venv.

# What checks the API from outside. Its Python tools need another graphql-core than Kith; Node is used if it is there.
$(VENV)-api/installed: tools/api/requirements.txt tools/api/constraints.txt
	$(PYTHON) -m venv $(VENV)-api || python3 -m venv $(VENV)-api
	$(VENV)-api/bin/$(PIP_INSTALL) --constraint tools/api/constraints.txt --requirement tools/api/requirements.txt
	touch $@

# Event SDKs as shops use them, for the tests of the collector. Those of pages also need Chromium.
$(VENV)-sdks/installed: tools/sdks/requirements.txt tools/sdks/constraints.txt
	$(PYTHON) -m venv $(VENV)-sdks || python3 -m venv $(VENV)-sdks
	$(VENV)-sdks/bin/$(PIP_INSTALL) --constraint tools/sdks/constraints.txt --requirement tools/sdks/requirements.txt
	touch $@

# What runs data pipelines, for tests of Kith as their target: the Singer SDK and dlt.
$(VENV)-pipelines/installed: tools/pipelines/requirements.txt tools/pipelines/constraints.txt
	$(PYTHON) -m venv $(VENV)-pipelines || python3 -m venv $(VENV)-pipelines
	$(VENV)-pipelines/bin/$(PIP_INSTALL) --constraint tools/pipelines/constraints.txt --requirement tools/pipelines/requirements.txt
	touch $@

%/node_modules/installed: %/package-lock.json
	@if command -v npm > /dev/null; then npm ci --prefix $* --no-audit --no-fund --loglevel=error && touch $@; \
	else echo "npm is not installed: tests that need Node are skipped"; fi

NODE_TOOLS := $(addsuffix /node_modules/installed,tools/api tools/destinations tools/oidc examples/clients)
api-tools: $(VENV)-api/installed $(NODE_TOOLS) ## Install what checks the API from outside.

pipeline-tools: $(VENV)-pipelines/installed ## Install the Singer SDK and dlt for the tests of pipelines.

sdk-tools: $(VENV)-sdks/installed tools/sdks/node_modules/installed ## Install the event SDKs for the tests of the collector.

$(VENV)-docs/installed: docs/requirements.txt docs/constraints.txt
	$(PYTHON) -m venv $(VENV)-docs || python3 -m venv $(VENV)-docs
	$(VENV)-docs/bin/$(PIP_INSTALL) --constraint docs/constraints.txt --requirement docs/requirements.txt
	touch $@

$(VENV)-mail/installed: tools/mail/requirements.txt tools/mail/constraints.txt
	$(PYTHON) -m venv $(VENV)-mail || python3 -m venv $(VENV)-mail
	$(VENV)-mail/bin/$(PIP_INSTALL) --constraint tools/mail/constraints.txt --requirement tools/mail/requirements.txt
	touch $@

# What runs the notebooks of examples/analysts: DuckDB, Polars and Jupyter's kernel.
$(VENV)-notebooks/installed: tools/notebooks/requirements.txt tools/notebooks/constraints.txt
	$(PYTHON) -m venv $(VENV)-notebooks || python3 -m venv $(VENV)-notebooks
	$(VENV)-notebooks/bin/$(PIP_INSTALL) --constraint tools/notebooks/constraints.txt --requirement tools/notebooks/requirements.txt
	touch $@

notebook-tools: $(VENV)-notebooks/installed ## Install DuckDB, Polars and Jupyter's kernel for the tests of notebooks.

mail-tools: $(VENV)-mail/installed ## Install what checks emails from outside.

# The libraries of vendors that audiences are sent to, for tests that compare them with ours.
$(VENV)-destinations/installed: tools/destinations/requirements.txt tools/destinations/constraints.txt
	$(PYTHON) -m venv $(VENV)-destinations || python3 -m venv $(VENV)-destinations
	$(VENV)-destinations/bin/$(PIP_INSTALL) --constraint tools/destinations/constraints.txt --requirement tools/destinations/requirements.txt
	touch $@

destination-tools: $(VENV)-destinations/installed ## Install the vendors' libraries for the tests of destinations.

demo: $(VENV)/installed ## Start Kith, import a small shop, show what was merged. ARGS=--once ends after that.
	$(BIN)/python examples/demo.py $(ARGS)

test: $(VENV)/installed-dev $(VENV)-docs/installed api-tools destination-tools mail-tools notebook-tools pipeline-tools sdk-tools check ## Run all checks and all tests; ARGS chooses some.
ifeq ($(ARGS),)
	$(BIN)/python -m tools.run_tests
else
	$(BIN)/python -m pytest $(ARGS)
endif

test-sdks: $(VENV)/installed-dev sdk-tools ## Run the tests of the collector with real SDKs, in Python, Node and Chromium.
	$(BIN)/python -m pytest tests/sdks $(ARGS)

check: $(VENV)/installed-dev ## Run the checks that need no tests: style, types, layers.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)-docs/installed reference ## Build the documentation into docs/_build; warnings and dead links are errors.
	$(VENV)-docs/bin/sphinx-build -W --keep-going -n -q -b html docs docs/_build
	@echo "open docs/_build/index.html"

reference: $(VENV)/installed ## Write the generated tables of docs/reference.
	$(BIN)/python -m tools.docs.reference

neo4j: ## Start a real Neo4j from Maven artifacts (Java 17, Maven) on PORT, with its data in HOME_DIR; Ctrl-C stops it.
	$(PYTHON) -m tools.neo4j.server --home $(HOME_DIR) --bolt-port $(PORT)

kafka: ## Start a real Kafka broker from Maven artifacts (Java 17, Maven) on port 9092; Ctrl-C stops it.
	$(PYTHON) -m tools.kafka.server

sdl: $(VENV)/installed ## Write schema/schema.graphql.
	$(BIN)/python -c "from schema.root import sdl; open('schema/schema.graphql', 'w').write(sdl())"

access: $(VENV)/installed ## Write schema/access.csv: which role may select which field.
	$(BIN)/python -c "from schema.root import access_table; open('schema/access.csv', 'w').write(access_table())"

release-sdl: $(VENV)/installed ## Make the current schema, and the columns of exports, those that breaking changes are measured against.
	cp schema/schema.graphql schema/released.graphql
	$(BIN)/python -c "from tools.docs.reference import released_columns; open('schema/released-columns.csv', 'w').write(released_columns())"

env: ## Write .env with the key of an administrator and a database password for docker compose.
	@test ! -e .env || { echo ".env exists already; it is not overwritten"; exit 1; }
	@umask 077; python3 -c "import secrets; print('KITH_API_KEYS=admin:admin:' + secrets.token_urlsafe(32)); \
		print('KITH_NEO4J_PASSWORD=' + secrets.token_urlsafe(24))" > .env
	@echo "wrote .env; keep it secret"

bench: $(VENV)/installed ## Measure everything, side by side; writes bench/RESULTS.md. Needs wrk, Java 17 and Maven.
	$(BIN)/python -m bench

bench-quick: $(VENV)/installed ## The same in about 2 minutes.
	$(BIN)/python -m bench --quick

clean: ## Remove what make and the tests created.
	rm -rf $(VENV) $(VENV)-api $(VENV)-bench $(VENV)-destinations $(VENV)-docs $(VENV)-mail $(VENV)-notebooks $(VENV)-pipelines $(VENV)-sdks
	rm -rf docs/_build dist .kafka .neo4j .s3 .schemathesis
	rm -rf tools/api/node_modules tools/api/java/lib tools/destinations/node_modules tools/oidc/node_modules tools/sdks/node_modules
	rm -rf examples/clients/node_modules bench/peers/neo4j-graphql/node_modules
	rm -rf examples/clients/build examples/clients/generated examples/clients/kith_client
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
