"""The wiring loads what the settings require, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import open_store, wire
from service.config.settings import Settings
from tests.builders.runs import Run


def settings(store: str) -> Settings:
    """Settings that name a store."""
    return Settings(store=store, _env_file=None)


def test_the_configured_store_is_opened(tmp_path: Path) -> None:
    assert isinstance(open_store(settings(f"sqlite:///{tmp_path / 'kith.db'}")), SQLiteStore)
    assert isinstance(open_store(settings("neo4j://127.0.0.1:7687")), Neo4jStore)


def test_a_store_that_is_only_read_creates_no_file(tmp_path: Path, run: Run) -> None:
    # given
    path = tmp_path / "a store #1.db"
    wiring = wire(settings(f"sqlite:///{path}"), read_only=True)
    # when / then: there is no store yet
    assert run(wiring.read_rules()) is None
    assert list(tmp_path.iterdir()) == []
    # when: another process has one open, and later closes it
    service = wire(settings(f"sqlite:///{path}"))
    run(service.prepare())
    reader = wire(settings(f"sqlite:///{path}"), read_only=True)
    while_open = run(reader.read_rules())
    run(reader.graph.close())
    run(service.graph.close())
    content = path.read_bytes()
    closed = wire(settings(f"sqlite:///{path}"), read_only=True)
    # then
    assert while_open == run(closed.read_rules())
    assert while_open is not None
    assert while_open.version == 1
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]
    for opened in (wiring, closed):
        run(opened.graph.close())


@pytest.mark.parametrize(
    "store", ["sqlite://kith.db", "sqlite:///", "neo4j://", "postgres://127.0.0.1/kith", "kith.db"]
)
def test_an_unsupported_store_is_rejected(store: str) -> None:
    with pytest.raises(InvalidInput, match="KITH_STORE"):
        open_store(settings(store))


def test_a_service_on_sqlite_does_not_load_the_driver() -> None:
    code = "import sys, service.cli.main; print('neo4j' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
