"""Files of a destination, as a receiver reads them that waits for manifests."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from graph.domain.model.dates import DAY
from service.destinations.adapter import (
    DONE,
    Adapter,
    AudienceRef,
    CheckedAdapter,
    MaintainedAdapter,
    Outcome,
    SnapshotAdapter,
    Status,
    Unavailable,
)
from service.destinations.files.adapter import FilesAdapter
from service.destinations.files.folders import FolderError, LocalFolder
from service.destinations.types import TYPES
from tests.builders.file_drops import WINBACK, Clock, Receiver, settings, update
from tests.builders.runs import Run

SMS = AudienceRef("aud_2", "seg_2", "SMS", purpose="marketing", channel="SMS")


def test_the_type_is_known_and_its_adapter_is_complete(tmp_path: Path) -> None:
    # when
    adapter = TYPES["files"].open(settings(tmp_path))
    # then
    complete: Adapter = adapter
    assert isinstance(complete, SnapshotAdapter)
    assert isinstance(complete, MaintainedAdapter)
    assert isinstance(complete, CheckedAdapter)


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_an_audience_is_what_the_files_say_one_after_the_other(format: str, tmp_path: Path, run: Run) -> None:
    # given
    adapter, receiver = FilesAdapter(settings(tmp_path, format=format), Clock()), Receiver(tmp_path)
    added = [update(f"{n}@x.example", fields={"first_name": f"Nr. {n}"}, customer_id=f"c{n}") for n in range(5)]
    # when
    assert run(adapter.send(added)) == [DONE] * 5
    gone = [update("0@x.example", present=False), update("1@x.example", present=False, erased=True)]
    assert run(adapter.send([*gone, update("+4930901820", SMS)])) == [DONE] * 3
    # then
    members = receiver.members()
    assert set(members["winback"]) == {"2@x.example", "3@x.example", "4@x.example"}
    assert members["winback"]["2@x.example"]["first_name"] == "Nr. 2"
    assert set(members["aud_2"]) == {"+4930901820"}
    first, second, third = receiver.manifests()
    assert first == {
        "version": 1, "file": first["file"], "kind": "delta", "created": "2026-05-28T20:26:40Z",
        "destination": "letters", "audience": "winback", "audience_id": "aud_1", "segment_id": "seg_1",
        "segment_name": "Win back", "purpose": "marketing", "channel": "POSTAL_MAIL", "rows": 5, "adds": 5,
        "removes": 0, "erases": 0, "bytes": first["bytes"], "sha256": first["sha256"],
        "columns": ["op", "audience", "namespace", "value", "customer_id", "expires_at", "first_name"],
    }  # fmt: skip
    assert (second["removes"], second["erases"], second["columns"]) == (1, 1, first["columns"])
    assert (third["audience"], third["channel"]) == ("aud_2", "SMS")
    assert not list(tmp_path.glob("*.part"))


def test_a_snapshot_replaces_an_audience_also_by_nobody(tmp_path: Path, run: Run) -> None:
    # given
    adapter, receiver = FilesAdapter(settings(tmp_path), Clock()), Receiver(tmp_path)
    run(adapter.send([update("a@x.example"), update("b@x.example")]))
    # when
    assert run(adapter.send_snapshot(WINBACK, [update("c@x.example")])) == [DONE]
    # then
    assert set(receiver.members()["winback"]) == {"c@x.example"}
    # when
    assert run(adapter.send_snapshot(WINBACK, [])) == []
    # then
    assert receiver.members()["winback"] == {}


def test_nothing_is_written_for_nothing(tmp_path: Path, run: Run) -> None:
    adapter = FilesAdapter(settings(tmp_path))
    assert run(adapter.send([])) == run(adapter.poll([])) == []
    assert list(tmp_path.iterdir()) == []


def test_an_update_whose_fields_have_no_columns_is_dead_and_the_others_are_written(tmp_path: Path, run: Run) -> None:
    # given
    bad = update("a@x.example", fields={"op": "?"})
    adapter = FilesAdapter(settings(tmp_path))
    # when
    dead, done = run(adapter.send([bad, update("b@x.example")]))
    # then
    assert (dead.status, done) == (Status.DEAD, DONE)
    assert "the column op" in dead.message
    assert set(Receiver(tmp_path).members()["winback"]) == {"b@x.example"}
    # and
    assert [outcome.status for outcome in run(adapter.send([bad]))] == [Status.DEAD]
    assert len(Receiver(tmp_path).manifests()) == 1


def test_files_of_another_process_are_followed_even_if_its_clock_was_ahead(tmp_path: Path, run: Run) -> None:
    # given
    clock = Clock()
    run(FilesAdapter(settings(tmp_path), Clock(clock.now + DAY)).send([update("a@x.example")]))
    # when
    run(FilesAdapter(settings(tmp_path), clock).send([update("a@x.example", present=False)]))
    # then
    assert Receiver(tmp_path).members()["winback"] == {}


def test_old_files_are_deleted_and_nothing_else(tmp_path: Path, run: Run) -> None:
    # given
    clock = Clock()
    adapter = FilesAdapter(settings(tmp_path, keep_days=7), clock)
    other = FilesAdapter(settings(tmp_path, name="sms"), clock)
    run(adapter.send([update("old@x.example")]))
    cut_off = Receiver(tmp_path).manifests()[0]["file"].replace("winback", "cut_off") + ".part"
    run(other.send([update("old@x.example", SMS)]))
    for name in ("notes.csv", cut_off):
        (tmp_path / name).write_text("x")
    # when
    clock.now += 7 * DAY
    run(adapter.send([update("new@x.example")]))
    run(adapter.maintain())
    # then
    assert len(list(tmp_path.iterdir())) == 8
    # when
    clock.now += DAY // 24
    run(adapter.maintain())
    # then
    receiver = Receiver(tmp_path)
    assert [set(members) for members in receiver.members().values()] == [{"old@x.example"}, {"new@x.example"}]
    assert (tmp_path / "notes.csv").exists()
    assert not (tmp_path / cut_off).exists()


def test_a_new_process_deletes_old_files_before_it_writes_any(tmp_path: Path, run: Run) -> None:
    # given
    clock = Clock()
    run(FilesAdapter(settings(tmp_path), clock).send([update("a@x.example")]))
    clock.now += 15 * DAY
    # when
    run(FilesAdapter(settings(tmp_path), clock).maintain())
    # then
    assert list(tmp_path.iterdir()) == []


class Unlistable(LocalFolder):
    """A folder that may only be written to."""

    def names(self) -> list[str]:
        raise FolderError("the folder cannot be listed: Permission denied")


def with_folder(folder: LocalFolder, **more: Any) -> FilesAdapter:
    return FilesAdapter(settings(Path("/unused"), **more), Clock(), folder)


def test_a_folder_that_may_only_be_written_to_is_neither_listed_nor_cleaned(tmp_path: Path, run: Run) -> None:
    # given
    adapter = with_folder(Unlistable(tmp_path), write_only=True)
    # when
    run(adapter.maintain())
    # then
    assert run(adapter.send([update("a@x.example")])) == [DONE]
    # and
    adapter = with_folder(Unlistable(tmp_path))
    run(adapter.maintain())
    with pytest.raises(Unavailable, match="cannot be listed: Permission denied"):
        run(adapter.send([update("a@x.example")]))


class Full(LocalFolder):
    """A folder that has room for some files."""

    def __init__(self, path: Path, room: int) -> None:
        super().__init__(path)
        self.room = room

    def write(self, name: str, content: bytes) -> None:
        if self.room == 0:
            raise FolderError("the folder cannot be written: No space left on device")
        self.room -= 1
        super().write(name, content)


@pytest.mark.parametrize("room", [0, 1])
def test_a_batch_of_which_nothing_is_complete_is_not_taken(room: int, tmp_path: Path, run: Run) -> None:
    # given
    folder = Full(tmp_path, room)
    adapter = with_folder(folder)
    # when
    with pytest.raises(Unavailable, match="No space left on device"):
        run(adapter.send([update("a@x.example"), update("b@x.example", SMS)]))
    # then
    assert Receiver(tmp_path).members() == {}
    # when
    folder.room = 9
    assert run(adapter.send([update("a@x.example"), update("b@x.example", SMS)])) == [DONE] * 2
    # then
    assert {*Receiver(tmp_path).members()} == {"winback", "aud_2"}


@pytest.mark.parametrize("room", [2, 3])
def test_audiences_that_were_written_are_done_when_the_disk_is_full_for_others(
    room: int, tmp_path: Path, run: Run
) -> None:
    # when
    outcomes = run(with_folder(Full(tmp_path, room)).send([update("a@x.example"), update("b@x.example", SMS)]))
    # then
    assert outcomes == [DONE, Outcome(Status.RETRY, "the folder cannot be written: No space left on device")]
    assert {*Receiver(tmp_path).members()} == {"winback"}


class Hanging(LocalFolder):
    """A disk that hangs until it is released."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.released = threading.Event()

    def write(self, name: str, content: bytes) -> None:
        assert self.released.wait(60)
        super().write(name, content)


def test_a_disk_that_hangs_is_given_up(tmp_path: Path, run: Run) -> None:
    # given
    folder = Hanging(tmp_path)
    adapter = with_folder(folder, write_seconds=0.05)
    # when
    with pytest.raises(Unavailable, match=r"not written within 0\.05 s"):
        run(adapter.send([update("a@x.example")]))
    # then
    with pytest.raises(Unavailable, match="still hangs"):
        run(adapter.send([update("a@x.example", present=False)]))
    run(adapter.close())
    folder.released.set()


def test_a_file_that_was_given_up_has_no_manifest_and_no_later_one_comes_before_it(tmp_path: Path, run: Run) -> None:
    # given
    folder = Hanging(tmp_path)
    adapter = with_folder(folder)

    async def give_up() -> None:
        async with asyncio.timeout(0.05):
            await adapter.send([update("a@x.example")])

    async def send_when_free() -> list[Outcome]:
        while True:
            try:
                return await adapter.send([update("a@x.example", present=False)])
            except Unavailable:
                await asyncio.sleep(0.01)

    # when
    with pytest.raises(TimeoutError):
        run(give_up())
    folder.released.set()
    # then
    assert run(send_when_free()) == [DONE]
    assert [manifest["removes"] for manifest in Receiver(tmp_path).manifests()] == [1]
    assert len(list(tmp_path.glob("*.csv"))) == 2


def test_a_check_says_whether_the_folder_is_there_and_writes_nothing(tmp_path: Path, run: Run) -> None:
    # when
    run(FilesAdapter(settings(tmp_path)).check())
    # then
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Unavailable, match="cannot be reached: No such file or directory"):
        run(FilesAdapter(settings(tmp_path / "missing")).check())
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="it is no folder"):
        run(FilesAdapter(settings(tmp_path / "file")).check())
