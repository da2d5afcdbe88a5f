"""The ledger of erasures: what a store lacks, and what is wrong with a ledger that a store has been used with."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from graph.domain.model.errors import StoreUnavailable
from service.privacy.ledger import Ledger
from service.privacy.ledger_entries import Completed
from tests.builders.audits import Clock
from tests.builders.erasures import held, intended, intent, ledger, names


class FullDisk:
    """Writes that fail while `full`, after the first `before` bytes of a line."""

    def __init__(self, before: int = 0) -> None:
        self.full, self._before, self._written = False, before, 0

    def write(self, descriptor: int, data: bytes) -> int:
        if not self.full:
            return os.write(descriptor, data)
        if self._written < self._before:
            self._written += os.write(descriptor, data[: self._before])
            return self._written
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_store_lacks_what_follows_its_position(tmp_path: Path) -> None:
    # given
    first, second, _ = intended(ledger(tmp_path), "a", "b", "c")
    # when: another process reads
    with held(ledger(tmp_path)) as other:
        # then
        assert names(other.pending(None)) == ["a", "b", "c"]
        assert names(other.pending(first)) == ["b", "c"]
        assert other.pending(second)[0].intent == intent("c")
        assert other.pending(other.pending(second)[0].position) == []
    assert other.path.stat().st_mode & 0o777 == 0o600


def test_a_refused_intent_is_never_carried_out(tmp_path: Path) -> None:
    # given
    file = ledger(tmp_path)
    with held(file):
        file.refuse(file.append(intent("a")))
        file.append(intent("b"))
    # then
    with held(ledger(tmp_path)) as other:
        assert names(other.pending(None)) == ["b"]


def test_two_processes_continue_each_others_lines(tmp_path: Path) -> None:
    # given
    one, other = ledger(tmp_path), ledger(tmp_path)
    # when
    intended(one, "a")
    assert other.is_unread()
    intended(other, "b")
    assert one.is_unread()
    intended(one, "c")
    # then
    assert not one.is_unread()
    with held(ledger(tmp_path)) as third:
        assert names(third.pending(None)) == ["a", "b", "c"]


def test_one_process_waits_for_another(tmp_path: Path) -> None:
    # given
    with held(ledger(tmp_path)), pytest.raises(StoreUnavailable, match="in use by another process"):
        # when / then
        ledger(tmp_path).acquire(0)
    ledger(tmp_path).acquire(0)


def test_a_killed_process_leaves_no_lock_and_half_a_line_is_removed(tmp_path: Path) -> None:
    # given
    code = (
        "import os, sys, pathlib; from service.privacy.ledger import Ledger; "
        "ledger = Ledger(pathlib.Path(sys.argv[1]), lambda: 0); ledger.acquire(5); "
        "os.write(ledger._descriptor, b'{\"n\":1,'); os.kill(os.getpid(), 9)"
    )
    file = ledger(tmp_path)
    subprocess.run([sys.executable, "-c", code, str(file.path)], check=False)
    assert file.path.read_bytes().endswith(b'{"n":1,')
    # when
    intended(file, "a")
    # then
    with held(ledger(tmp_path)) as other:
        assert names(other.pending(None)) == ["a"]


@pytest.mark.parametrize("before", [0, 40])
def test_an_entry_that_cannot_be_written_leaves_the_ledger_as_it_was(tmp_path: Path, before: int) -> None:
    # given
    disk = FullDisk(before)
    file = Ledger(tmp_path / "erasures.ndjson", Clock(), disk.write)
    intended(file, "a")
    content = file.path.read_bytes()
    # when
    disk.full = True
    with held(file), pytest.raises(StoreUnavailable, match="cannot be written: no space left"):
        file.append(intent("b"))
    # then
    assert file.path.read_bytes() == content
    # when there is room again
    disk.full = False
    intended(file, "b")
    # then
    with held(ledger(tmp_path)) as other:
        assert names(other.pending(None)) == ["a", "b"]


def test_on_a_full_disk_a_refused_intent_is_withdrawn(tmp_path: Path) -> None:
    # given
    disk = FullDisk()
    file = Ledger(tmp_path / "erasures.ndjson", Clock(), disk.write)
    intended(file, "a")
    with held(file):
        position = file.append(intent("b"))
        # when
        disk.full = True
        file.refuse(position)
        disk.full = False
        # then
        file.append(intent("c"))
    with held(ledger(tmp_path)) as other:
        assert names(other.pending(None)) == ["a", "c"]


def test_receipts_are_kept(tmp_path: Path) -> None:
    # given
    file = ledger(tmp_path)
    with held(file):
        position = file.append(intent("a"))
        file.append(Completed(position.number, "signed"))
    # then
    assert [*file.receipts()] == [(position.number, "signed")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: lines[:-1], "ends with entry 2, but the store has carried out entry 3"),
        (lambda lines: [lines[0]], "ends with entry 0"),
        (lambda lines: [], "is not the ledger of this store"),
        (lambda lines: [*lines[:2], *lines[3:]], "was changed at entry 2"),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], "was changed at entry 1"),
        (lambda lines: [lines[0], lines[1].replace(b"first", b"other"), *lines[2:]], "was changed at entry 1"),
        (lambda lines: [*lines[:3], b"{}\n"], "was changed at entry 3"),
        (lambda lines: [*lines[:3], b'{"n":3,"h":"","e":{"kind":"more"}}\n'], "was changed at entry 3"),
        (lambda lines: lines[1:], "was changed at entry 0"),
    ],
)
def test_a_ledger_that_was_cut_off_or_changed_is_refused(
    tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], reason: str
) -> None:
    # given: a store that has carried out three entries
    file = ledger(tmp_path)
    *_, position = intended(file, "first", "second", "third")
    # when
    file.path.write_bytes(b"".join(change(file.path.read_bytes().splitlines(keepends=True))))
    # then
    with pytest.raises(StoreUnavailable, match=f"KITH_ERASURE_LEDGER: .* {reason}"), held(ledger(tmp_path)) as other:
        other.pending(position)


def test_a_process_that_has_read_the_ledger_before_notices_that_it_was_cut_off(tmp_path: Path) -> None:
    # given
    file = ledger(tmp_path)
    *_, position = intended(file, "first", "second")
    # when
    file.path.write_bytes(b"".join(file.path.read_bytes().splitlines(keepends=True)[:-1]))
    # then
    assert file.is_unread()
    with pytest.raises(StoreUnavailable, match="ends with entry 1"), held(file):
        file.pending(position)


def test_a_rewritten_and_another_ledger_are_refused(tmp_path: Path) -> None:
    # given
    file = ledger(tmp_path)
    (position,) = intended(file, "first")
    with held(file):
        # then
        with pytest.raises(StoreUnavailable, match="has another entry 1 than the store"):
            file.pending(replace(position, leaf="00" * 32))
        with pytest.raises(StoreUnavailable, match="is not the ledger of this store"):
            file.pending(replace(position, ledger="another"))


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be used: no such file or directory"):
        ledger(tmp_path / "none").acquire(0)
