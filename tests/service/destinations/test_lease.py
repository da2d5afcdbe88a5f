"""Of several processes over one store, one sends to a destination, whatever becomes of the others."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from graph.domain.model.errors import StoreUnavailable
from graph.ports import NamedValues, Store
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import SystemClock
from service.destinations import lease as module
from service.destinations.lease import KEY, SECONDS, Lease, LeaseLost
from tests.builders.retention import SettableClock
from tests.builders.runs import Run
from tests.builders.services import ROOT
from tests.builders.stores import second

NAME = "mail-tool"
OTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import SystemClock
from service.destinations.lease import Lease

async def main():
    lease = Lease(SQLiteStore(Path(sys.argv[1])), SystemClock(), "mail-tool")
    print(await lease.hold(), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock("2026-03-01T00:00:00Z")


def add_seconds(clock: SettableClock, seconds: float) -> None:
    clock.at += round(seconds * 1_000_000)


def test_one_of_two_holds_it_until_it_gives_it_back(store: Store, run: Run, clock: SettableClock) -> None:
    # given
    first, other = Lease(store, clock, NAME), Lease(second(store), clock, NAME)
    assert run(first.hold())
    assert not run(other.hold())
    assert run(first.hold())
    # when
    run(first.release())
    # then
    assert run(other.hold())
    assert not run(first.hold())


def test_what_another_has_is_not_given_back(store: Store, run: Run, clock: SettableClock) -> None:
    # given: the first one stood still until its lease had ended
    first, other = Lease(store, clock, NAME), Lease(store, clock, NAME)
    assert run(first.hold())
    add_seconds(clock, SECONDS + 1)
    assert run(other.hold())
    # when
    run(first.release())
    # then
    assert not run(first.hold())
    assert run(other.hold())


def test_it_ends_unless_it_is_renewed(store: Store, run: Run, clock: SettableClock) -> None:
    # given
    first, other = Lease(store, clock, NAME), Lease(store, clock, NAME)
    assert run(first.hold())
    # when
    for _ in range(3):
        add_seconds(clock, SECONDS - 1)
        assert run(first.hold())
    add_seconds(clock, SECONDS - 1)
    # then
    assert not run(other.hold())
    add_seconds(clock, 1)
    assert run(other.hold())


def test_destinations_have_leases_of_their_own(store: Store, run: Run, clock: SettableClock) -> None:
    assert run(Lease(store, clock, NAME).hold())
    assert run(Lease(store, clock, "ad-platform").hold())


def test_of_many_at_once_one_holds_it(store: Store, run: Run, clock: SettableClock) -> None:
    # given
    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*(Lease(store, clock, NAME).hold() for _ in range(8)))

    # then
    assert sum(run(all_at_once())) == 1


@pytest.mark.parametrize("host", [None, "another-host"])
def test_of_a_process_that_has_ended_it_is_taken_at_once_on_the_same_host(
    store: Store, run: Run, clock: SettableClock, host: str | None
) -> None:
    # given: a lease of a process that has ended
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    held = module._Held("them", host or module._host(), ended.pid, clock.now() + SECONDS * 1_000_000)
    run(store.put_value(KEY + NAME, msgspec.json.encode(held).decode()))
    # then
    assert run(Lease(store, clock, NAME).hold()) == (host is None)


@pytest.mark.skipif(not Path("/proc/self/ns/pid").is_symlink(), reason="only Linux has namespaces of processes")
def test_containers_of_one_name_are_told_apart() -> None:
    # then: an id of a process means another process in each
    assert module._host() == f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"


def test_a_killed_process_is_followed_at_once(tmp_path: Path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(tmp_path / "kith.db")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        lease = Lease(store, SystemClock(), NAME)
        assert not run(lease.hold())
        # when
        other.kill()
        other.wait()
        # then
        assert run(lease.hold())
    finally:
        other.kill()
        other.wait()
        run(store.close())


class Away:
    """A store that may be away."""

    def __init__(self, store: NamedValues) -> None:
        self._store = store
        self.is_away = False

    async def get_value(self, name: str) -> str | None:
        if self.is_away:
            raise StoreUnavailable("the store is away")
        return await self._store.get_value(name)

    async def put_value(self, name: str, text: str) -> None:
        await self._store.put_value(name, text)

    async def replace_value(self, name: str, text: str, expected: str | None) -> bool:
        return await self._store.replace_value(name, text, expected)


def test_it_is_renewed_while_a_batch_is_being_sent(
    store: Store, run: Run, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: the store is away once meanwhile
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.001)
    away = Away(store)
    lease, other = Lease(away, clock, NAME), Lease(store, clock, NAME)

    async def held_until() -> int:
        text = await store.get_value(KEY + NAME)
        assert text
        return msgspec.json.decode(text, type=module._Held).until

    async def send() -> None:
        assert await lease.hold()
        away.is_away = True
        async with lease.kept():
            for _ in range(3):
                add_seconds(clock, SECONDS - 1)
                away.is_away = False
                while await held_until() < clock.now() + SECONDS * 1_000_000:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            assert not await other.hold()

    # then
    run(asyncio.wait_for(send(), 60))


def test_what_is_being_sent_is_cut_off_once_another_has_it(
    store: Store, run: Run, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.001)
    lease, other = Lease(store, clock, NAME), Lease(store, clock, NAME)

    async def send() -> None:
        assert await lease.hold()
        async with lease.kept():
            add_seconds(clock, SECONDS)
            if await other.hold():
                await asyncio.sleep(600)
            raise AssertionError("this process has renewed it first")

    # then
    with pytest.raises(LeaseLost):
        run(asyncio.wait_for(send(), 60))
    assert not run(lease.hold())


def test_what_is_being_sent_is_cut_off_if_the_store_stays_away(
    store: Store, run: Run, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setattr(module, "SECONDS", 0.05)
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.01)
    away = Away(store)
    lease = Lease(away, clock, NAME)

    async def send() -> None:
        assert await lease.hold()
        away.is_away = True
        async with lease.kept():
            await asyncio.sleep(600)

    # then
    with pytest.raises(LeaseLost):
        run(asyncio.wait_for(send(), 60))


def test_a_batch_that_takes_too_long_by_itself_loses_no_lease(store: Store, run: Run, clock: SettableClock) -> None:
    # given
    lease = Lease(store, clock, NAME)

    async def send() -> None:
        assert await lease.hold()
        async with lease.kept(), asyncio.timeout(0):
            await asyncio.sleep(600)

    # then
    with pytest.raises(TimeoutError):
        run(send())
    assert run(lease.hold())
