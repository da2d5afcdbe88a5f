"""After an erasure no byte of the file holds what was erased, wherever SQLite has moved it."""

from pathlib import Path

from graph.stores.sqlite import SQLiteStore
from tests.builders.runs import Run

CANARY = b"zqcanary"
LEAF = 13
"""The first byte of a page that holds rows of a table."""


def write_into_unused_part(path: Path) -> None:
    """Write into the unused part of a page, as SQLite leaves copies there of rows that it moves to another page."""
    content = bytearray(path.read_bytes())
    page_size = int.from_bytes(content[16:18])
    for page in range(page_size, len(content), page_size):
        count, first = (int.from_bytes(content[page + at : page + at + 2]) for at in (3, 5))
        if content[page] == LEAF and first - (8 + 2 * count) > len(CANARY):
            content[page + first - len(CANARY) : page + first] = CANARY
    assert CANARY in content
    path.write_bytes(content)


def test_copies_of_rows_that_were_moved_between_pages_are_removed(tmp_path: Path, run: Run) -> None:
    # given
    path = tmp_path / "kith.db"
    store = SQLiteStore(path)
    run(store.migrate())
    run(store.close())
    write_into_unused_part(path)
    store = SQLiteStore(path)
    assert run(store.check_storage()) == []
    # when
    run(store.remove_traces())
    # then
    assert all(CANARY not in file.read_bytes() for file in tmp_path.glob("kith.db*"))
    assert run(store.check_storage()) == []
    run(store.close())


def test_every_connection_overwrites_what_it_deletes(tmp_path: Path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    # then
    for read in (store._read, store._alter):
        assert run(read(lambda db: db.execute("PRAGMA secure_delete").fetchone())) == (1,)
    run(store.close())
