"""The wiring loads what the settings require, and nothing else."""

import asyncio
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput, StoreFailure, StoreUnavailable, StoreVersionMismatch
from graph.domain.model.observations import Observation
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import Wiring, audit_folder, open_safeguards, open_store, open_traces, wire
from service.config import rules_file
from service.config.settings import Settings
from tests.builders.erasures import content
from tests.builders.runs import Run
from tests.builders.services import Service, kith
from tests.builders.stores import at_migration

SEEN = Observation("web", (("email", "ann@example.com"),), "1")


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
    content, before = path.read_bytes(), set(tmp_path.iterdir())
    closed = wire(settings(f"sqlite:///{path}"), read_only=True)
    # then
    assert while_open == run(closed.read_rules())
    assert while_open is not None
    assert while_open.version == 1
    assert path.read_bytes() == content
    assert set(tmp_path.iterdir()) == before
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


def test_traces_require_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setitem(sys.modules, "service.observability.traces", None)
    # when
    with pytest.raises(InvalidInput) as raised:
        open_traces(Settings(_env_file=None, traces=0.5))
    # then
    assert raised.value.code == "MISSING_EXTRA"
    assert "KITH_TRACES" in raised.value.message
    assert open_traces(Settings(_env_file=None)) is None


async def prepared(wiring: Wiring, preparing: asyncio.Task[None]) -> None:
    """Wait until a service would be ready, and fail if that takes too long."""
    async with asyncio.timeout(30):
        await preparing
    assert await wiring.missing() == {}


async def problem_of(wiring: Wiring, component: str, text: str) -> None:
    """Wait until preparing has failed for a reason that contains a text, and check that a component names it."""
    for _ in range(1500):
        if text in wiring.problem:
            break
        await asyncio.sleep(0.02)
    assert text in (await wiring.missing())[component]


def test_an_older_store_is_not_ready_until_it_is_migrated(tmp_path: Path, run: Run) -> None:
    # given
    path = tmp_path / "kith.db"
    at_migration(path, 1)
    wiring = wire(settings(f"sqlite:///{path}"))

    async def attempt() -> None:
        # when
        preparing = asyncio.create_task(wiring.prepare_when_available())
        await problem_of(wiring, "store", "older Kith and lacks")
        # then: writes are refused with the reason, and nothing was migrated
        with pytest.raises(StoreVersionMismatch, match="run `kith migrate`"):
            await wiring.graph.link([SEEN])
        assert len((await wiring.store.migrations()).pending) >= 2
        # when: another process migrates
        other = SQLiteStore(path)
        await other.migrate()
        await other.close()
        # then
        await prepared(wiring, preparing)
        await wiring.graph.link([SEEN])
        await wiring.graph.close()

    run(attempt())


def test_a_store_is_not_called_empty_while_its_structure_is_being_created(tmp_path: Path, run: Run) -> None:
    # given
    began, go_on = asyncio.Event(), asyncio.Event()

    class SlowStore(SQLiteStore):
        async def migrate(self, backup: Path | None = None) -> list[str]:
            began.set()
            await go_on.wait()
            return await super().migrate(backup)

    wiring = wire(settings(f"sqlite:///{tmp_path / 'kith.db'}"))
    wiring.store = SlowStore(tmp_path / "kith.db")

    async def attempt() -> None:
        # when
        preparing = asyncio.create_task(wiring.prepare_when_available())
        await began.wait()
        # then
        assert (await wiring.missing())["store"] == "the structure of the empty store is being created"
        go_on.set()
        await prepared(wiring, preparing)
        await wiring.store.close()
        await wiring.graph.close()

    run(attempt())


def test_preparation_goes_on_after_any_error_and_names_it_without_its_values(
    tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    # given: a store that fails in ways that no one expects
    failures: list[Exception] = [ValueError("ann@example.com"), StoreFailure("the database rejected a query: X.Y")]
    fail = asyncio.Event()

    class FailingStore(SQLiteStore):
        async def get_value(self, name: str) -> str | None:
            if failures:
                await fail.wait()
                fail.clear()
                raise failures.pop(0)
            return await super().get_value(name)

    wiring = wire(settings(f"sqlite:///{tmp_path / 'kith.db'}"))
    store = FailingStore(tmp_path / "kith.db")
    wiring.store = wiring.graph._store = wiring.graph.rules_control._store = store

    async def attempt() -> None:
        # when / then
        preparing = asyncio.create_task(wiring.prepare_when_available())
        fail.set()
        await problem_of(wiring, "preparation", "unexpected error (ValueError)")
        with pytest.raises(StoreUnavailable, match="unexpected error"):
            await wiring.graph.link([SEEN])
        fail.set()
        await problem_of(wiring, "preparation", "the database rejected a query: X.Y")
        await prepared(wiring, preparing)
        await wiring.graph.close()

    with caplog.at_level(logging.WARNING):
        run(attempt())
    assert [record.getMessage() for record in caplog.records if record.name == "kith.preparation"] == [
        "not ready: unexpected error (ValueError)",
        "not ready: the database rejected a query: X.Y",
    ]


LINK = """mutation { linkIdentifiers(input: {observations: [{source: "web", identifiers: [
    {namespace: "email", value: "ann@example.com"}, {namespace: "phone", value: "+41443643532"}]}]}) {
        results { ... on ObservationAccepted { customer { id } } } errors { code message } } }"""
LOOK_UP = """{ customer(by: {identifier: {namespace: "email", value: "ann@example.com"}}) { id } }"""


def test_a_service_with_other_rules_than_the_store_serves_reads_until_one_of_them_is_chosen(tmp_path: Path) -> None:
    # given: a store with data under the default rules, and a file with others
    store = f"sqlite:///{tmp_path / 'kith.db'}"
    first = Service(store, tmp_path)
    try:
        first.wait().ask(LINK)
    finally:
        first.stop()
    file = tmp_path / "rules.toml"
    file.write_text(rules_file.default_text().replace("min_confidence = 0.9", "min_confidence = 0.8", 1))
    assert rules_file.parse(file.read_text()) != rules_file.parse(rules_file.default_text())
    # when
    service = Service(store, tmp_path, rules=file)
    try:
        service.wait(status=503)
        for _ in range(300):
            rules = service.ready()["missing"]["rules"]
            if "not been loaded yet" not in rules:
                break
            time.sleep(0.1)
        # then: it says so, serves reads and refuses writes
        assert "the store's rules (version 1) differ from the file" in rules
        assert "kith rules apply" in service.log.read_text()
        assert service.ask(LOOK_UP)["customer"] is not None
        (error,) = service.http.post(service.url, json={"query": LINK}).json()["errors"]
        assert error["extensions"]["code"] == "RULES_CONFLICT"
        # when: the file is chosen
        done = kith(tmp_path, "rules", "apply", str(file), "--store", store)
        assert done.returncode == 0, done.stderr
        # then: writes are accepted without a restart
        assert service.wait().ask(LINK)["linkIdentifiers"]["errors"] == []
    finally:
        service.stop()


@pytest.mark.parametrize(
    ("values", "folder"),
    [
        ({}, None),
        ({"audit": "off"}, None),
        ({"audit": "logs"}, "logs"),
        ({"profile": "production"}, "kith.db-audit"),
        ({"profile": "production", "store": "sqlite:////srv/shop.db"}, "/srv/shop.db-audit"),
        ({"profile": "production", "store": "neo4j://localhost:7687"}, "kith-audit"),
    ],
)
def test_the_audit_log_is_beside_the_store_by_default(values: dict[str, str], folder: str | None) -> None:
    found = audit_folder(Settings(_env_file=None, **values))
    assert (None if found is None else str(found)) == folder


def test_the_audit_log_can_be_turned_off_in_the_development_profile_only() -> None:
    with pytest.raises(InvalidInput, match="KITH_AUDIT"):
        audit_folder(Settings(_env_file=None, profile="production", audit="off"))


async def erased_once(wiring: Wiring) -> None:
    """Prepare a store and erase from it, as far as its keys and its ledger know."""
    await wiring.prepare()
    assert wiring.safeguards is not None

    async def commit() -> None:
        await wiring.store.put_value("erased", "1")

    await wiring.safeguards.carry_out(content("ann"), commit)


def test_a_store_with_erasures_is_not_ready_without_its_keys(tmp_path: Path, run: Run) -> None:
    # given
    chosen = settings(f"sqlite:///{tmp_path / 'kith.db'}")
    keys, away = tmp_path / "kith.db-erasure-keys", tmp_path / "away"

    async def attempt() -> None:
        before = wire(chosen)
        await erased_once(before)
        await before.graph.close()
        keys.rename(away)
        wiring = wire(chosen)
        # when
        preparing = asyncio.create_task(wiring.prepare_when_available())
        await problem_of(wiring, "erasure", "KITH_ERASURE_KEYS")
        # then
        assert "preparation" not in await wiring.missing()
        with pytest.raises(StoreUnavailable, match=r"KITH_ERASURE_KEYS: .* the file does not exist"):
            await wiring.graph.link([SEEN])
        reader = wire(chosen, read_only=True)
        with pytest.raises(StoreUnavailable, match="KITH_ERASURE_KEYS"):
            await reader.prepare_reading()
        await reader.graph.close()
        # when
        away.rename(keys)
        # then
        await prepared(wiring, preparing)
        await wiring.graph.link([SEEN])
        # when the file is lost while the service runs
        watching = asyncio.create_task(wiring.watch_erasures())
        keys.rename(away)
        for _ in range(1500):
            if await wiring.missing():
                break
            await asyncio.sleep(0.02)
        # then
        assert set(await wiring.missing()) == {"erasure"}
        with pytest.raises(StoreUnavailable, match="KITH_ERASURE_KEYS"):
            await wiring.graph.link([SEEN])
        # when
        away.rename(keys)
        for _ in range(1500):
            if not await wiring.missing():
                break
            await asyncio.sleep(0.02)
        # then
        await wiring.graph.link([SEEN])
        watching.cancel()
        await wiring.graph.close()

    run(attempt())


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"profile": "production"}, "KITH_ERASURE_KEYS is not set"),
        ({"profile": "production", "store": "neo4j://127.0.0.1:7687", "erasure_keys": "keys"}, "KITH_ERASURE_LEDGER"),
        ({"profile": "production", "erasure_keys": "keys"}, "keys does not exist: make it with"),
    ],
)
def test_in_production_erasing_requires_the_files_of_the_settings(
    tmp_path: Path, run: Run, chosen: dict[str, str], reason: str
) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    path = f"sqlite:///{store.path}"
    # when
    safeguards = open_safeguards(Settings(**{"store": path, **chosen}, _env_file=None), store)  # type: ignore[arg-type]
    # then
    with pytest.raises(InvalidInput, match=reason) as raised:
        safeguards.check_available()
    assert raised.value.code == "FEATURE_DISABLED"
    run(store.close())
