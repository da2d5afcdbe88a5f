"""The dump of a stopped server is loaded into another one, and holds the graph."""

from pathlib import Path

import pytest

from graph.stores.neo4j import Neo4jStore
from tests.builders.clients import Client
from tests.builders.runs import Run
from tests.builders.transfers import comparable, everything_shown, exported, send_every_kind
from tools.neo4j import admin
from tools.neo4j.server import CannotStart, Server


@pytest.mark.neo4j
def test_a_dump_is_loaded_into_another_server(tmp_path: Path, run: Run, neo4j_uri: str) -> None:
    # given
    homes = tmp_path / "a", tmp_path / "b"
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    with Server(homes[0], heap_mb=512, page_cache_mb=64) as server:
        store = Neo4jStore(server.uri)
        send_every_kind(Client(store, run), run)
        records, shown = comparable(exported(store, run)), everything_shown(Client(store, run), run)
        run(store.close())
        in_use = admin.dump(homes[0], dumps, False)
        assert in_use.returncode != 0
    # when
    done = admin.dump(homes[0], dumps, False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [file.name for file in dumps.iterdir()] == ["neo4j.dump"]
    assert admin.dump(homes[0], dumps, False).returncode != 0
    with Server(homes[1], heap_mb=512, page_cache_mb=64):
        pass
    assert admin.load(homes[1], dumps, False).returncode != 0
    loaded = admin.load(homes[1], dumps, True)
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    checked = admin.check(homes[1])
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # then
    with Server(homes[1], heap_mb=512, page_cache_mb=64) as server:
        store = Neo4jStore(server.uri)
        assert comparable(exported(store, run)) == records
        assert everything_shown(Client(store, run), run) == shown
        run(store.close())


def test_a_folder_that_is_no_home_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CannotStart):
        admin.check(tmp_path)
