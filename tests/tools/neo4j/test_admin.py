"""The dump of a stopped server is loaded into another one, and holds the graph."""

import os
from pathlib import Path

import pytest

from graph.commands.commit import commit
from graph.stores.neo4j import Neo4jStore
from tests.builders.graphs import NOW, CountingIds, observe, seen
from tests.builders.runs import Run
from tests.builders.strategies import RULES
from tests.builders.transfers import comparable, exported
from tools.neo4j import admin
from tools.neo4j.server import SHORT_RUN, CannotStart, Server, configure, free_port, missing

SIZES = {"heap_mb": 512, "page_cache_mb": 64}


@pytest.mark.neo4j
@pytest.mark.timeout(900)
def test_a_dump_is_loaded_into_another_server(tmp_path: Path, run: Run) -> None:
    if reason := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    # given
    home, other, dumps = tmp_path / "a", tmp_path / "b", tmp_path / "dumps"
    dumps.mkdir()
    commands = [observe(seen("crm=a", "mail=b", id="1"), RULES), observe(seen("crm=b", id="2"), RULES)]
    with Server(home, **SIZES, java_options=SHORT_RUN) as server:
        store = Neo4jStore(server.uri)
        run(store.migrate())
        run(store.write(lambda: commit(commands, RULES, NOW, CountingIds())))
        records = comparable(exported(store, run))
        run(store.close())
    # when
    done = admin.dump(home, dumps, False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [file.name for file in dumps.iterdir()] == ["neo4j.dump"]
    configure(other, free_port(), free_port(), **SIZES)
    loaded = admin.load(other, dumps, False)
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    checked = admin.check(other)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # then: what is there is not replaced by mistake
    assert admin.load(other, dumps, False).returncode != 0
    with Server(other, **SIZES, java_options=SHORT_RUN) as server:
        store = Neo4jStore(server.uri)
        assert comparable(exported(store, run)) == records
        run(store.close())


def test_a_folder_that_is_no_home_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CannotStart):
        admin.check(tmp_path)
