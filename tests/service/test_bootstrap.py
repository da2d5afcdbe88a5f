"""The wiring loads what the settings require, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import open_store
from service.config.settings import Settings


def settings(store: str) -> Settings:
    """Settings that name a store."""
    return Settings(store=store, _env_file=None)


def test_the_configured_store_is_opened(tmp_path: Path) -> None:
    assert isinstance(open_store(settings(f"sqlite:///{tmp_path / 'kith.db'}")), SQLiteStore)
    assert isinstance(open_store(settings("neo4j://127.0.0.1:7687")), Neo4jStore)


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
