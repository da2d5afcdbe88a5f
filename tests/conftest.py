"""What all tests share: the event loop, and both stores."""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from graph.ports import Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from tests.builders.runs import Run
from tests.builders.stores import Fresh, wipe
from tools.neo4j.server import SHORT_RUN, CannotStart, Server

# Machines are shared and slow at times, so no example has a deadline. CI runs the same examples each time; the runs of
# developers look for new ones. `pytest --hypothesis-profile=long FILE` runs many.
settings.register_profile("kith", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("kith"), derandomize=True)
settings.register_profile("long", settings.get_profile("kith"), max_examples=20_000)
settings.load_profile("ci" if os.environ.get("CI") else "kith")


@pytest.fixture
def own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restores all settings of logging, which a command of Kith replaces in its process."""
    for place, name in [(sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")]:
        monkeypatch.setattr(place, name, getattr(place, name))
    for name in ("logThreads", "logProcesses", "logMultiprocessing"):
        monkeypatch.setattr(logging, name, True)
    levels = {name: logging.getLogger(name).level for name in ("", "kith", "uvicorn.error")}
    root = logging.getLogger()
    handlers = list(root.handlers)
    yield
    logging.captureWarnings(False)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)


@pytest.fixture(scope="session")
def run() -> Iterator[Run]:
    """Runs a coroutine; one loop for the session, since connections belong to a loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="session")
def neo4j_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Neo4j: the one at NEO4J_URI, else one started for the session from Maven's artifacts."""
    if uri := os.environ.get("NEO4J_URI"):
        yield uri
        return
    try:
        home = tmp_path_factory.mktemp("neo4j")
        with Server(home, heap_mb=768, page_cache_mb=256, java_options=SHORT_RUN) as server:
            yield server.uri
    except CannotStart as error:
        reason = f"no NEO4J_URI, and no server can be started here: {error}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def neo4j_store(neo4j_uri: str, run: Run) -> Iterator[Neo4jStore]:
    """The one database of the test server, migrated."""
    store = Neo4jStore(
        neo4j_uri,
        os.environ.get("NEO4J_USER", ""),
        os.environ.get("NEO4J_PASSWORD", ""),
        os.environ.get("NEO4J_DATABASE", "neo4j"),
    )
    run(store.migrate())
    yield store
    run(store.close())


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def fresh(request: pytest.FixtureRequest, run: Run, tmp_path: Path) -> Iterator[Fresh]:
    """Makes an empty store; each call empties the one before or makes another."""
    made: list[SQLiteStore] = []

    def sqlite() -> Store:
        store = SQLiteStore(tmp_path / f"kith-{len(made)}.db")
        run(store.migrate())
        made.append(store)
        return store

    def neo4j() -> Store:
        store: Neo4jStore = request.getfixturevalue("neo4j_store")
        run(wipe(store))
        return store

    yield sqlite if request.param == "sqlite" else neo4j
    for store in made:
        run(store.close())


@pytest.fixture
def store(fresh: Fresh) -> Store:
    """An empty store of each kind."""
    return fresh()
