"""The service as its clients see it: a separate process, on each store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.runs import Run
from tests.builders.services import Serve, Service
from tests.builders.stores import wipe


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def serve(request: pytest.FixtureRequest, tmp_path: Path, run: Run) -> Iterator[Serve]:
    """Starts services on one empty store of each kind."""
    address = f"sqlite:///{tmp_path / 'kith.db'}"
    if request.param == "neo4j":
        run(wipe(request.getfixturevalue("neo4j_store")))
        address = request.getfixturevalue("neo4j_uri")
    yield from _serving(address, tmp_path)


@pytest.fixture
def serve_sqlite(tmp_path: Path) -> Iterator[Serve]:
    """Starts services on one empty SQLite file, for tests that do not depend on the store."""
    yield from _serving(f"sqlite:///{tmp_path / 'kith.db'}", tmp_path)


def _serving(address: str, folder: Path) -> Iterator[Serve]:
    services: list[Service] = []

    def start(**settings: object) -> Service:
        services.append(Service(address, folder, **settings))
        return services[-1].wait()

    yield start
    for service in services:
        service.stop()
