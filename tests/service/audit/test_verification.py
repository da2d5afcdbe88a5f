"""Each way to change an audit log is found, with its place."""

import shutil
from pathlib import Path

import pytest

from service.audit.audit import Audit
from service.audit.files import CHAIN
from service.audit.retention import expire
from service.audit.verification import verify
from service.runtime.hash_chain import parse
from tests.builders.audits import Clock, change, texts, the_file, verified, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def audit(folder: Path) -> Audit:
    """A log of 10 entries after the line that begins the file, closed with a checkpoint."""
    audit = written(folder)
    audit.close()
    return audit


def test_a_log_that_nobody_changed_is_clean(folder: Path, audit: Audit) -> None:
    result = verified(folder, audit)
    assert (result.findings, result.notes) == ([], [])
    assert (result.files, result.entries, result.checkpoints) == (1, 11, 1)


def test_an_edit_is_found_at_its_entry(folder: Path, audit: Audit) -> None:
    # when
    change(the_file(folder), lambda lines: [line.replace(b"cus_4", b"cus_5") for line in lines])
    # then
    (finding,) = verified(folder, audit).findings
    assert finding.entry == 5
    assert "entry 5 was edited" in finding.text


def test_a_deletion_is_found_with_its_numbers(folder: Path, audit: Audit) -> None:
    # when
    change(the_file(folder), lambda lines: lines[:3] + lines[5:])
    # then
    assert texts(verified(folder, audit)) == [
        "entry 5 is at the place of entry 3",
        "entries 3 to 4 were deleted",
    ]


def test_a_swap_is_found_at_both_places(folder: Path, audit: Audit) -> None:
    # when
    change(the_file(folder), lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]])
    # then
    assert texts(verified(folder, audit)) == [
        "entry 4 is at the place of entry 3",
        "entry 3 is at the place of entry 5",
    ]


def test_a_tail_that_was_cut_off_is_found_by_a_checkpoint(folder: Path, audit: Audit) -> None:
    # when
    change(the_file(folder), lambda lines: lines[:-2])
    # then
    assert texts(verified(folder, audit)) == ["the end was cut off after entry 8: a checkpoint names entry 10"]


def test_a_file_that_was_removed_is_found_by_a_checkpoint(folder: Path, audit: Audit) -> None:
    # when
    name = the_file(folder).name
    the_file(folder).unlink()
    # then
    (finding,) = verified(folder, audit).findings
    assert (finding.file, finding.text) == (name, "the file is missing; a checkpoint names it")


def test_a_file_that_was_removed_with_its_checkpoints_is_found_by_a_later_file(folder: Path, audit: Audit) -> None:
    # given
    missing = the_file(folder)
    written(folder, 1).close()
    # when
    missing.unlink()
    (folder / "checkpoints").unlink()
    # then
    (finding,) = verified(folder, audit).findings
    assert finding.file == missing.name
    assert "the file is missing" in finding.text


def test_a_chain_that_was_calculated_again_is_found_by_a_checkpoint(folder: Path, audit: Audit) -> None:
    # given: who can write the folder leaves out entry 4 and gives all others new numbers and leaves
    def again(lines: list[bytes]) -> list[bytes]:
        leaf, result = bytes(32), []
        for number, line in enumerate(lines[:4] + lines[5:]):
            leaf, text = CHAIN.line(number, leaf, bytes(parse(line).e))
            result.append(text)
        return result

    # when
    change(the_file(folder), again)
    # then
    assert texts(verified(folder, audit)) == ["the end was cut off after entry 9: a checkpoint names entry 10"]
    # when: it adds another one
    change(the_file(folder), lambda lines: [*lines, CHAIN.line(10, bytes.fromhex(parse(lines[-1]).h), b"{}")[1]])
    # then
    assert texts(verified(folder, audit)) == ["entries 1 to 10 were rewritten: a checkpoint names others"]


def test_a_checkpoint_of_another_key_is_found(folder: Path, audit: Audit, tmp_path: Path) -> None:
    # given
    other = written(tmp_path / "other")
    other.close()
    # when
    shutil.copy(tmp_path / "other" / "checkpoints", folder / "checkpoints")
    # then
    (text,) = texts(verified(folder, audit))
    assert "has no valid signature" in text


def test_a_line_that_cannot_be_read_is_found(folder: Path, audit: Audit) -> None:
    change(the_file(folder), lambda lines: [*lines[:3], b"{nonsense}\n", *lines[4:]])
    assert "line 4 cannot be read, after entry 2" in texts(verified(folder, audit))


def test_a_file_under_another_name_is_found(folder: Path, audit: Audit) -> None:
    path = the_file(folder)
    path.rename(path.with_name("20260101T000000-elsewhere-1-0.jsonl"))
    assert any("does not begin with its name" in text for text in texts(verified(folder, audit)))


def test_half_a_line_at_the_end_is_a_note_and_no_finding(folder: Path) -> None:
    # given: a process that is killed while it writes
    audit = written(folder)
    path = the_file(folder)
    path.write_bytes(path.read_bytes()[:-20])
    # when
    result = verified(folder, audit)
    # then
    assert result.findings == []
    assert [note.text for note in result.notes] == ["line 11 is half written: the process was killed"]


def test_content_that_is_removed_before_its_time_is_found(folder: Path, audit: Audit) -> None:
    # given
    clock = Clock()
    expire(folder, clock.time + 10**12)
    # when
    result = verify(folder, [], audit.key.public, oldest=clock.time - 10**12)
    # then
    assert "the content of entry 1 was removed before its time" in texts(result)
