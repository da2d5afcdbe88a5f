"""An archive holds every record, and a file that is not whole is recognized before it is used."""

import gzip
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind, Entry
from graph.domain.model.errors import InvalidInput
from graph.domain.model.identifiers import Identifier
from graph.domain.model.links import Link, LinkReason, LinkReasonCode, LinkState
from graph.domain.model.observations import EvidenceTier, Party
from graph.domain.model.stored_records import KINDS, Record, StoredValue
from graph.stores.sqlite import SQLiteStore
from service.backup import archive
from tests.builders.clients import Client
from tests.builders.runs import Run
from tests.builders.transfers import exported, send_every_kind

GOLDEN = Path(__file__).with_name("archive-1.jsonl")
NEWER_KINDS = {"restriction", "tombstone", "erasure", "held_order", "audience", "delivery", "waiting_change"}
"""Kinds of records that the first version did not have."""
RECORDS: Sequence[Record] = [
    StoredValue("name", "tëxt"),
    Link("a=1", "b=2", EvidenceTier.PROBABILISTIC, None, None, 0, (), 0.1, LinkState.EXCLUDED,
         LinkReason(LinkReasonCode.BELOW_THRESHOLD, "too low")),
    Entry(1, Change(ChangeKind.CUSTOMER_CREATED, 5, Cause(CauseType.OBSERVATION, "shop", "1", party=Party.SECOND_PARTY),
                    "cus_1", keys=("a=1",))),
]  # fmt: skip


async def batches(records: Sequence[Record]) -> AsyncIterator[Sequence[Record]]:
    for record in records:
        yield [record]


async def read(path: Path) -> list[Record]:
    return [record async for batch in archive.read(path) for record in batch]


@pytest.fixture
def path(tmp_path: Path, run: Run) -> Path:
    path = tmp_path / "a.archive"
    assert run(archive.write(path, batches(RECORDS), 7, "test", lambda done: None)) == 3
    return path


def test_records_are_read_as_they_were_written(path: Path, run: Run) -> None:
    assert archive.check(path) == {"value": 1, "link": 1, "change": 1}
    assert run(read(path)) == RECORDS
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_records_of_every_kind_are_read_as_they_were_written(tmp_path: Path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    send_every_kind(Client(store, run), run)
    records = exported(store, run)
    run(store.close())
    assert {type(record) for record in records} == set(KINDS.values())
    # when
    path = tmp_path / "a.archive"
    run(archive.write(path, batches(records), 7, "test", lambda done: None))
    # then
    assert sum(archive.check(path).values()) == len(records)
    assert run(read(path)) == records


def test_every_cut_and_every_changed_byte_is_recognized(path: Path, run: Run) -> None:
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(InvalidInput, match="not a usable archive"):
            archive.check(path)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        try:
            archive.check(path)
        except InvalidInput:
            continue
        # A few bits of gzip mean nothing.
        assert run(read(path)) == RECORDS


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda lines: lines[:-1], "its end is missing"),
        (lambda lines: [*lines[:1], *lines[2:]], "does not match its digest"),
        (lambda lines: [*lines, lines[1]], "something follows its last line"),
        (lambda lines: [lines[0].replace(b'"version":2', b'"version":3'), *lines[1:]], "version 3"),
        (lambda lines: [lines[0].replace(b"kith-archive", b"other"), *lines[1:]], "not an archive of Kith"),
        (lambda lines: [lines[0], b'{"kind":"secret","value":{}}\n', *lines[1:]], "line 2 is not a record"),
        (lambda lines: [], "its end is missing"),
    ],
)
def test_an_archive_that_was_edited_is_refused_without_its_values(path: Path, edit: object, reason: str) -> None:
    # given
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(edit(lines))))
    # when / then
    with pytest.raises(InvalidInput, match=reason) as caught:
        archive.check(path)
    assert Identifier.from_key("a=1").key not in caught.value.message


def test_an_archive_of_the_first_version_can_be_read(tmp_path: Path, run: Run) -> None:
    # given: what was written when the format was new; it is never written again
    path = tmp_path / "a.archive"
    path.write_bytes(gzip.compress(GOLDEN.read_bytes()))
    # when
    counts = archive.check(path)
    # then
    assert set(counts) == set(KINDS) - NEWER_KINDS
    assert sum(counts.values()) == len(run(read(path)))


def test_a_write_that_fails_leaves_the_file_as_it_was(path: Path, run: Run) -> None:
    # given
    async def failing() -> AsyncIterator[Sequence[Record]]:
        yield RECORDS
        raise ValueError("the store is gone")

    before = path.read_bytes()
    # when / then
    with pytest.raises(ValueError, match="gone"):
        run(archive.write(path, failing(), 7, "test", lambda done: None))
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
