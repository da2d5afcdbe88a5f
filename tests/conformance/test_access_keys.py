"""The keys in a store: what administrators and services do to them at the same time, on both stores."""

import asyncio
import random

from graph.domain.model.dates import DAY
from graph.domain.model.errors import InvalidInput
from graph.ports import Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from service.access.key_format import digest_of
from service.access.keys import KeyRing
from service.access.stored_keys import DOCUMENT, KeyAdministration, StoredKey
from tests.builders.access import Clock
from tests.builders.runs import Run


def second(store: Store) -> Store:
    """A second store over the same database, as another process has it."""
    if isinstance(store, SQLiteStore):
        return SQLiteStore(store.path)
    assert isinstance(store, Neo4jStore)
    return Neo4jStore(store.uri)


def test_two_administrators_and_a_service_lose_nothing(store: Store, run: Run) -> None:
    # given
    clock, other = Clock(), second(store)
    admins = [KeyAdministration(place, clock.now) for place in (store, other)]
    added, text = run(admins[0].add("till-0", "till", ["till"]))
    ring = KeyRing(other, clock.now)

    async def use() -> None:
        await ring.read()
        assert ring.find(text, digest_of(text)) is not None
        ring._store_uses()
        assert ring._storing is not None
        await ring._storing

    async def everything() -> None:
        adding = (admins[number % 2].add(f"till-{number}", "till", [f"till-{number}"]) for number in range(1, 9))
        await asyncio.gather(*adding, use(), admins[0].rotate("till-0"), admins[1].add("desk", "desk", ["desk"]))

    # when
    run(everything())
    listed = run(admins[1].keys())
    run(other.close())
    # then
    assert sorted(key.name for key in listed) == sorted(["desk", "till-0", *(f"till-{n}" for n in range(9))])
    assert {key.id: key.last_used_day for key in listed}[added.id] == clock.at // DAY


def test_random_changes_match_a_model(store: Store, run: Run) -> None:
    # given
    clock, dice = Clock(), random.Random(7)
    admin = KeyAdministration(store, clock.now)
    model: list[StoredKey] = []
    for _ in range(40):
        clock.at += dice.choice([1, DAY, 40 * DAY])
        name = dice.choice("ab")
        valid = [key for key in model if key.name == name and key.state(clock.at) == "valid"]
        usable = [key for key in model if key.name == name and key.revoked is None]
        # when
        action = dice.choice(["add", "rotate", "revoke", "revoke id"])
        try:
            if action == "add":
                run(admin.add(name, "feed", lifetime=dice.choice([None, 30 * DAY])))
                assert not valid
            elif action == "rotate":
                run(admin.rotate(name))
                assert usable
                assert len(valid) <= 1
            else:
                chosen = name if action == "revoke" or not model else dice.choice(model).id
                revoked = run(admin.revoke(chosen))
                expected = [key.id for key in model if chosen in (key.id, key.name) and key.revoked is None]
                assert [key.id for key in revoked] == expected
        except InvalidInput as error:
            # then
            match action, error.code:
                case "add", "NAME_TAKEN":
                    assert valid
                case "rotate", "NAME_TAKEN":
                    assert len(valid) == 2
                case "rotate", "KEY_NOT_FOUND":
                    assert not usable
                case "revoke" | "revoke id", "KEY_NOT_FOUND":
                    assert not any(key.name == name for key in model)
                case _:
                    raise
        listed = run(admin.keys())
        model = list(listed)
        assert len({key.id for key in listed}) == len(listed)


def test_the_store_holds_digests_and_no_secret(store: Store, run: Run) -> None:
    admin = KeyAdministration(store, Clock().now)
    keys = [run(admin.add("till", "till", ["till"]))[1], run(admin.rotate("till"))[1]]
    text = run(store.get_value(DOCUMENT))
    assert text is not None
    assert not [key for key in keys if key in text or key.split("_")[2] in text]
