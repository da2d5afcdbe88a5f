"""Erasures last: through crashes at any place, restored backups, and lost or wrong keys and ledgers."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.stores.sqlite import SQLiteStore
from service.privacy.keys import KeyFile
from service.privacy.receipts import verify
from service.privacy.safeguards import POSITION, Safeguards
from tests.builders.erasures import MINUTE, Machine, held, key_file, ledger, names
from tests.builders.runs import Run
from tests.builders.services import ROOT


@pytest.fixture
def machine(tmp_path: Path, run: Run) -> Iterator[Machine]:
    """A store without erasures."""
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    yield Machine(store, tmp_path)
    run(store.close())


def receipts(machine: Machine) -> list[str]:
    """The request ids of the receipts in the ledger, which are verified."""
    public = machine.process().public_keys()
    return [verify(text.encode(), public).receipt.request_id for _, text in ledger(machine.folder).receipts()]


async def problem_of(process: Safeguards, machine: Machine) -> str:
    """Why a process that starts is not ready."""
    try:
        await process.settle(machine.apply)
    except StoreUnavailable as error:
        return error.message
    return ""


def test_an_erasure_is_in_the_store_and_in_the_ledger(machine: Machine, run: Run) -> None:
    async def scenario() -> None:
        # given
        process = machine.process()
        await process.settle(machine.apply)
        assert not machine.ledger_path.exists(), "nothing is made before it is needed"
        assert not machine.keys.path.exists()
        # when
        await machine.erase(process, "ann")
        await machine.erase(process, "bob")
        # then
        assert await machine.erased() == ["ann", "bob"]
        assert receipts(machine) == ["ann", "bob"]
        assert await machine.process().settle(machine.apply) == 0
        assert machine.applied == 0

    run(scenario())


@pytest.mark.parametrize("is_committed", [False, True])
def test_after_a_failure_of_the_store_the_erasure_is_carried_out_with_the_next(
    machine: Machine, run: Run, is_committed: bool
) -> None:
    async def scenario() -> None:
        # given
        process = machine.process()
        await process.settle(machine.apply)

        async def failing() -> None:
            if is_committed:
                await machine.commit("ann")
            raise StoreUnavailable("the database does not respond")

        # when
        with pytest.raises(StoreUnavailable):
            await machine.erase(process, "ann", failing)
        # then: a process that starts carries it out
        assert await machine.process().settle(machine.apply) == 1
        assert await machine.erased() == ["ann"]
        # and the next one has nothing to do
        await machine.erase(process, "bob")
        assert await machine.erased() == ["ann", "bob"]
        assert machine.applied == 1

    run(scenario())


KILLED = """
import asyncio, os, pathlib, sys
from graph.stores.sqlite import SQLiteStore
from tests.builders.erasures import Machine

async def main(folder, is_committed):
    machine = Machine(SQLiteStore(folder / "kith.db"), folder)

    async def dying():
        if is_committed:
            await machine.commit("ann")
        os.kill(os.getpid(), 9)

    await machine.erase(machine.process(), "ann", dying)

asyncio.run(main(pathlib.Path(sys.argv[1]), sys.argv[2] == "True"))
"""


@pytest.mark.parametrize("is_committed", [False, True])
def test_after_a_kill_the_erasure_is_carried_out_on_start(machine: Machine, run: Run, is_committed: bool) -> None:
    # given
    words = [sys.executable, "-c", KILLED, str(machine.folder), str(is_committed)]
    assert subprocess.run(words, cwd=ROOT, check=False).returncode == -9

    async def scenario() -> None:
        assert await machine.erased() == (["ann"] if is_committed else [])
        # when
        assert await machine.process().settle(machine.apply) == 1
        # then
        assert await machine.erased() == ["ann"]
        assert await machine.process().settle(machine.apply) == 0

    run(scenario())


def test_what_the_store_refuses_is_never_carried_out(machine: Machine, run: Run) -> None:
    async def scenario() -> None:
        # given
        process = machine.process()
        await process.settle(machine.apply)

        async def refusing() -> None:
            raise InvalidInput("PLAN_CHANGED", "the plan has changed since")

        # when
        with pytest.raises(InvalidInput):
            await machine.erase(process, "ann", refusing)
        # then
        assert await machine.process().settle(machine.apply) == 0
        assert await machine.erased() == []
        assert receipts(machine) == []

    run(scenario())


def test_a_canceled_erasure_is_finished(machine: Machine, run: Run) -> None:
    async def scenario() -> None:
        # given
        process = machine.process()
        await process.settle(machine.apply)
        begun, may_end = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            begun.set()
            await may_end.wait()
            await machine.commit("ann")

        # when
        erasing = asyncio.create_task(machine.erase(process, "ann", slow))
        await begun.wait()
        erasing.cancel()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await erasing
        await machine.erase(process, "bob")
        # then
        assert await machine.erased() == ["ann", "bob"]
        assert machine.applied == 0

    run(scenario())


def test_a_restored_backup_is_erased_again_before_it_is_read(machine: Machine, tmp_path: Path, run: Run) -> None:
    async def scenario() -> None:
        # given
        process = machine.process()
        await machine.erase(process, "ann")
        backup = await machine.store.get_value(POSITION), await machine.store.get_value("erased")
        await machine.erase(process, "bob")
        await machine.erase(process, "cem")
        # when
        for name, text in zip((POSITION, "erased"), backup, strict=True):
            assert text is not None
            await machine.store.put_value(name, text)
        # then
        restarted = machine.process()
        with pytest.raises(StoreUnavailable, match="has 2 erasures that the store lacks"):
            await restarted.check_readable()
        assert await restarted.settle(machine.apply) == 2
        await restarted.check_readable()
        assert await machine.erased() == ["ann", "bob", "cem"]

    run(scenario())


def test_a_backup_from_before_the_first_erasure_is_erased_again_with_the_keys_of_then(
    machine: Machine, tmp_path: Path, run: Run
) -> None:
    async def scenario() -> None:
        # given
        await machine.erase(machine.process(), "ann")
        empty = SQLiteStore(tmp_path / "restored.db")
        await empty.migrate()
        restored = Machine(empty, tmp_path)
        try:
            # when the key file is lost
            machine.keys.path.rename(tmp_path / "away")
            # then
            assert "the file does not exist" in await problem_of(restored.process(), restored)
            # when it is another one
            key_file(tmp_path)
            assert "another secret for version 1" in await problem_of(restored.process(), restored)
            assert await restored.erased() == []
            # when it is the one of then
            (tmp_path / "away").replace(machine.keys.path)
            assert await restored.process().settle(restored.apply) == 1
            assert await restored.erased() == ["ann"]
            # then the store knows its keys
            machine.keys.path.unlink()
            assert "the file does not exist" in await problem_of(restored.process(), restored)
        finally:
            await empty.close()

    run(scenario())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda machine: machine.keys.path.unlink(), "KITH_ERASURE_KEYS: .*the file does not exist"),
        (lambda machine: machine.keys.path.chmod(0o644), "KITH_ERASURE_KEYS: .*every user of the machine"),
        (lambda machine: machine.keys.path.write_text("{}"), "KITH_ERASURE_KEYS: .*is not a file of erasure keys"),
        (lambda machine: shutil.copy(machine.folder / "old", machine.keys.path), "lacks version 2"),
        (
            lambda machine: (machine.keys.path.unlink(), KeyFile(machine.keys.path).create(0)),
            "another secret for version 1",
        ),
        (lambda machine: machine.ledger_path.unlink(), "KITH_ERASURE_LEDGER: .*does not exist"),
        (lambda machine: machine.ledger_path.write_text(""), "KITH_ERASURE_LEDGER: .*is not the ledger of this store"),
        (lambda machine: machine.ledger_path.write_text("{}\n"), "KITH_ERASURE_LEDGER: .*was changed at entry 0"),
        (
            lambda machine: machine.ledger_path.write_bytes(
                b"".join(machine.ledger_path.read_bytes().splitlines(keepends=True)[:3])
            ),
            "KITH_ERASURE_LEDGER: .*the store has carried out entry 3",
        ),
    ],
)
def test_a_store_with_erasures_is_not_ready_without_its_files(
    machine: Machine, run: Run, change: Callable[[Machine], object], reason: str
) -> None:
    async def scenario() -> None:
        # given
        await machine.erase(machine.process(), "ann")
        shutil.copy(machine.keys.path, machine.folder / "old")
        machine.keys.rotate(machine.clock(), machine.clock.time)
        running = machine.process()
        await machine.erase(running, "bob")
        secrets = running.keys().secrets
        problems: asyncio.Queue[str] = asyncio.Queue()
        watching = asyncio.create_task(running.watch(problems.put_nowait))
        # when
        change(machine)
        # then: a process that starts is not ready, for commands too, and one that runs notices
        for check in (machine.process().settle(machine.apply), machine.process().check_readable()):
            with pytest.raises(StoreUnavailable, match=reason):
                await check
        async with asyncio.timeout(30):
            assert await problems.get() == running.problem
        watching.cancel()
        with pytest.raises(StoreUnavailable, match=reason):
            await running.settle(machine.apply)
        # and it still recognizes who was erased
        assert running.keys().secrets == secrets

    run(scenario())


def test_a_running_process_notices_what_another_one_left_unfinished(machine: Machine, run: Run) -> None:
    async def scenario() -> None:
        # given
        running, other = machine.process(), machine.process()
        await machine.erase(running, "ann")
        await running.settle(machine.apply)
        changed: list[str] = []
        watching = asyncio.create_task(running.watch(changed.append))

        async def dying() -> None:
            raise RuntimeError

        # when
        with pytest.raises(RuntimeError):
            await machine.erase(other, "bob", dying)
        # then
        for _ in range(1500):
            if await machine.erased() == ["ann", "bob"]:
                break
            await asyncio.sleep(0.02)
        watching.cancel()
        assert await machine.erased() == ["ann", "bob"]
        assert changed == []

    run(scenario())


def test_a_rotated_key_is_used_from_its_time(machine: Machine, run: Run) -> None:
    async def scenario() -> None:
        # given
        process = machine.process()
        await machine.erase(process, "ann")
        # when
        machine.keys.rotate(machine.clock(), machine.clock.time + MINUTE)
        # then: it is recognized at once, and used later
        assert set(process.keys().secrets) == {1, 2}
        assert process.keys().current == 1
        machine.clock.time += MINUTE
        assert process.keys().current == 2
        await machine.erase(process, "bob")
        with held(ledger(machine.folder)) as file:
            pending = file.pending(None)
        assert names(pending) == ["ann", "bob"]
        assert [[*one.intent.keys] for one in pending] == [[1], [1, 2]]

    run(scenario())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"off": "KITH_ERASURE_KEYS is not set"}, "KITH_ERASURE_KEYS is not set"),
        ({"makes_keys": False}, "make it with `kith erasure-keys create`"),
    ],
)
def test_without_keys_erasure_is_disabled_with_the_reason(
    machine: Machine, run: Run, options: dict[str, object], reason: str
) -> None:
    async def scenario() -> None:
        process = machine.process(**options)
        with pytest.raises(InvalidInput, match=reason) as raised:
            await machine.erase(process, "ann")
        assert raised.value.code == "FEATURE_DISABLED"
        # and the store is ready
        assert await process.settle(machine.apply) == 0

    run(scenario())
    assert not machine.keys.path.exists()


def test_erasures_at_the_same_time_take_turns(machine: Machine, run: Run) -> None:
    async def scenario() -> None:
        # given
        processes = [machine.process(), machine.process()]
        requests = [f"request-{number}" for number in range(20)]
        # when
        erasing: list[Awaitable[None]] = [
            machine.erase(processes[number % 2], name) for number, name in enumerate(requests)
        ]
        await asyncio.gather(*erasing)
        # then
        assert sorted(await machine.erased()) == sorted(requests)
        assert sorted(receipts(machine)) == sorted(requests)
        assert await machine.process().settle(machine.apply) == 0
        assert machine.applied == 0

    run(scenario())


def test_public_keys_are_those_of_the_file(machine: Machine, run: Run) -> None:
    assert machine.process().public_keys().encoded() == b'{"keys":[]}'
    keys = KeyFile(machine.keys.path).create(0)
    assert machine.process().public_keys().encoded() == keys.public.encoded()
