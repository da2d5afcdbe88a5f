"""Stores of every released version: after the migration they show what they showed, and what a new store shows.

`released/` has the stores, with what each showed in its own version; `tests.builders.released` made them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graph.domain.model.errors import StoreVersionMismatch
from graph.ports import ReadRegion, Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from service.config import rules_file
from tests.builders.clients import Client
from tests.builders.released import KEYS, Json, expected_views, fill, load_neo4j, load_sqlite, views
from tests.builders.runs import Run
from tests.builders.stores import drop_structure

FOLDER = Path(__file__).with_name("released")
VERSIONS = sorted({path.stem.split("-")[-1] for path in FOLDER.glob("*.gz")})
NOT_COMPARABLE = ("createdAt", "recordedAt", "id", "requestedId", "cursor")
Old = Callable[[str], Store]


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def old(kind: str, request: pytest.FixtureRequest, run: Run, tmp_path: Path) -> Old:
    """Opens the store of a released version, as that version left it."""

    def sqlite(version: str) -> Store:
        load_sqlite(FOLDER, version, tmp_path / "old.db")
        store = SQLiteStore(tmp_path / "old.db")
        request.addfinalizer(lambda: run(store.close()))
        return store

    def neo4j(version: str) -> Store:
        store: Neo4jStore = request.getfixturevalue("neo4j_store")

        async def load() -> None:
            await drop_structure(store)
            async with store._session() as session:
                await load_neo4j(FOLDER, version, session)

        def restore() -> None:
            run(drop_structure(store))
            run(store.migrate())

        request.addfinalizer(restore)
        run(load())
        return store

    return sqlite if kind == "sqlite" else neo4j


def migrated(client: Client, run: Run) -> None:
    """Migrate the store of a client as `kith migrate` does, and wait until it is reprocessed."""
    run(client.wiring.store.migrate())
    run(client.wiring.prepare())
    run(client.graph.rules_control.applied())
    run(client.graph.segment_worker.catch_up())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_released_store_shows_after_the_migration_what_it_showed_before(
    old: Old, kind: str, version: str, run: Run
) -> None:
    # given
    client = Client(old(version), run)
    with pytest.raises(StoreVersionMismatch, match="older Kith"):
        run(client.wiring.prepare())
    # when
    migrated(client, run)
    # then: no id, time or change differs
    shown, expected = views(client), expected_views(FOLDER, version, kind)
    for key, customer in expected["customers"].items():
        assert shown["customers"][key] == customer, key
    assert shown == expected
    assert run(client.wiring.missing()) == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_migrated_store_under_the_rules_of_today_equals_a_new_one(
    old: Old, version: str, tmp_path: Path, run: Run
) -> None:
    # given: a new store into which the same is sent
    store = SQLiteStore(tmp_path / "new.db")
    new = Client(store, run)
    run(new.wiring.prepare())
    fill(new)
    # when: the rules of today are applied to the old one
    client = Client(old(version), run)
    migrated(client, run)
    stored = run(client.graph.rules_control.newest())
    run(client.graph.rules_control.apply(rules_file.default_text(), stored.version))
    run(client.graph.rules_control.applied())
    run(client.graph.segment_worker.catch_up())
    # then: customers, and what is kept of guarded values, which 0.2.0 did not know
    old_views, new_views = comparable(views(client)), comparable(views(new))
    for key, customer in new_views.items():
        assert old_views[key] == customer, key
    assert guarded_values(client, run) == guarded_values(new, run)
    assert any(guarded_values(new, run)[0].values())
    run(store.close())


def comparable(views: Json) -> Json:
    """Return customers without ids, times of receipt, and the changes on their way."""

    def plain(value: Any) -> Any:
        match value:
            case dict():
                return {name: plain(item) for name, item in value.items() if name not in NOT_COMPARABLE}
            case list():
                return [plain(item) for item in value if not (isinstance(item, dict) and "change" in item)]
        return value

    customers: Json = plain(views["customers"])
    return customers


def guarded_values(client: Client, run: Run) -> tuple[Json, list[Json]]:
    """Return what is kept of guarded values at identifiers, and at customers."""
    keys = [key for key in KEYS if "device" not in key]

    def read():
        region = yield ReadRegion(frozenset(keys), frozenset())
        return region

    region = run(client.wiring.store.write(read))
    customers = [customer.value_sets for customer in region.customers.values() if customer.retired_at is None]
    members = {key: member.guarded_values for key, member in sorted(region.members.items())}
    return members, sorted(customers, key=str)
