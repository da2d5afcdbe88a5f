"""Values that are stored by name: written, read, and replaced by several processes without losing any."""

import asyncio
import json
import random

from graph.ports import LOADING, Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from tests.builders.runs import Run


def second(store: Store) -> Store:
    """A second store over the same database, as another process has it."""
    if isinstance(store, SQLiteStore):
        return SQLiteStore(store.path)
    assert isinstance(store, Neo4jStore)
    return Neo4jStore(store.uri)


def test_a_value_is_replaced_if_it_is_the_expected_one(store: Store, run: Run) -> None:
    # given: a model of what is stored
    dice, model = random.Random(1), dict[str, str]()
    for _ in range(60):
        name = dice.choice(["keys", "notes"])
        expected = dice.choice([None, "", "a", "b", model.get(name)])
        text = dice.choice(["", "a", "b", "ä\n"])
        # when
        replaced = run(store.replace_value(name, text, expected))
        # then
        assert replaced == (model.get(name) == expected)
        if replaced:
            model[name] = text
        assert run(store.get_value(name)) == model.get(name)


def test_no_replacement_by_one_of_several_processes_is_lost(store: Store, run: Run) -> None:
    # given
    other = second(store)

    async def add(place: Store, item: int) -> None:
        while True:
            text = await place.get_value("items")
            items = json.loads(text or "[]")
            if await place.replace_value("items", json.dumps([*items, item]), text):
                return

    async def add_all() -> None:
        await asyncio.gather(*(add((store, other)[item % 2], item) for item in range(24)))

    # when
    run(add_all())
    stored = run(other.get_value("items"))
    run(other.close())
    # then
    assert sorted(json.loads(stored or "")) == list(range(24))


def test_a_value_can_be_replaced_while_a_history_is_loaded(store: Store, run: Run) -> None:
    run(store.begin_load("0"))
    assert run(store.replace_value("keys", "a", None))
    assert run(store.get_value(LOADING)) == "0"
    run(store.end_load())
    assert run(store.get_value("keys")) == "a"
