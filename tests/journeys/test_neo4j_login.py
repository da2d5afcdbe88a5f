"""A service whose password for Neo4j is expired, wrong or changed says so, and is ready once the password is right."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.domain.model.errors import StoreUnavailable
from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j.failures import LOCKED_OUT, LOGIN_REJECTED
from service.bootstrap import Wiring, wire
from service.config.settings import Settings
from tests.builders.runs import Run
from tools.neo4j.server import SHORT_RUN, CannotStart, Server

pytestmark = pytest.mark.neo4j

EXPIRED = "the password of the database's user has expired and must be changed"
CHANGE = "ALTER CURRENT USER SET PASSWORD FROM $old TO $new"
WRONG = (LOGIN_REJECTED, LOCKED_OUT)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that asks for a password, which is expired."""
    try:
        with Server(
            tmp_path_factory.mktemp("neo4j"), heap_mb=512, page_cache_mb=64, auth=True, java_options=SHORT_RUN
        ) as server:
            yield server.uri
    except CannotStart as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no server can be started here: {error}")


def wiring(uri: str, password: str, folder: Path) -> Wiring:
    keys, ledger = folder / "erasure-keys", folder / "erasures.ndjson"
    login = {"neo4j_user": "neo4j", "neo4j_password": password}
    return wire(Settings(_env_file=None, store=uri, erasure_keys=keys, erasure_ledger=ledger, **login))


async def change_password(store: Neo4jStore, old: str, new: str) -> None:
    """Change the password over a connection that the store has."""
    async with store._connections._pool.driver.session(database="system") as session:
        await (await session.run(CHANGE, old=old, new=new)).consume()


async def until_ready(service: Wiring) -> None:
    for _ in range(600):
        if not await service.missing():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(await service.missing())


def test_the_password_is_expired_then_wrong_then_changed(uri: str, run: Run, tmp_path: Path) -> None:
    async def journey() -> None:
        passwords = ("neo4j", "first password", "second password")
        expired, right, late = (wiring(uri, password, tmp_path) for password in passwords)
        assert isinstance(expired.store, Neo4jStore)
        assert isinstance(right.store, Neo4jStore)
        # given: the password that a new server has
        preparing = [asyncio.create_task(expired.prepare_when_available())]
        for _ in range(600):
            if (await expired.missing())["store"] == EXPIRED:
                break
            await asyncio.sleep(0.1)
        # then
        assert (await expired.missing())["store"] == EXPIRED
        with pytest.raises(StoreUnavailable, match="expired"):
            await expired.store.count_customers()
        # when: it is changed
        await change_password(expired.store, "neo4j", "first password")
        preparing.append(asyncio.create_task(right.prepare_when_available()))
        await until_ready(right)
        # given: a service whose password will be right later
        preparing.append(asyncio.create_task(late.prepare_when_available()))
        for _ in range(600):
            if (await late.missing())["store"] in WRONG:
                break
            await asyncio.sleep(0.1)
        # then
        assert (await late.missing())["store"] in WRONG
        with pytest.raises(StoreUnavailable):
            await late.store.count_customers()
        # when
        await change_password(right.store, "first password", "second password")
        await until_ready(late)
        # then: it can write, and the service with the old password still uses the connection that it has
        await late.store.put_value("written", "yes")
        for _ in range(10):
            assert await right.store.get_value("written") == "yes"
        # when: it needs more connections than it has
        await asyncio.gather(*(right.store.get_value("written") for _ in range(20)), return_exceptions=True)
        await until_ready(right)
        # then
        assert await right.store.get_value("written") == "yes"
        await asyncio.gather(*preparing[1:])
        preparing[0].cancel()
        for service in (expired, right, late):
            await service.graph.close()

    run(journey())
