"""Writing the audit log: what cannot be written leaves the log as it was."""

import errno
import os
from pathlib import Path

import pytest

from graph.domain.model.dates import DAY
from graph.domain.model.errors import AuditUnavailable
from service.audit import files
from service.audit.audit import Audit
from service.audit.log import AuditLog
from service.audit.verification import verify
from tests.builders.audits import MONDAY, Clock, entries, the_file, written


class FullDisk:
    """Writes that fail while `full`, after the first `before` bytes."""

    def __init__(self, before: int = 0) -> None:
        self.full, self._before = False, before

    def write(self, descriptor: int, data: bytes) -> int:
        if not self.full:
            return os.write(descriptor, data)
        if self._before:
            count, self._before = os.write(descriptor, data[: self._before]), 0
            return count
        raise OSError(errno.ENOSPC, "No space left on device")


def line(time: int, kind: str = "read") -> dict[str, object]:
    return {"t": time, "kind": kind, "caller": "a"}


@pytest.mark.parametrize("before", [0, 40])
def test_an_entry_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path, before: int) -> None:
    # given
    disk = FullDisk(before)
    log = AuditLog(tmp_path, Clock(), disk.write)
    log.append(line(MONDAY))
    content = the_file(tmp_path).read_bytes()
    # when
    disk.full = True
    with pytest.raises(AuditUnavailable, match="no space left"):
        log.append(line(MONDAY))
    # then
    assert the_file(tmp_path).read_bytes() == content
    assert (log.written, log.failures) == (1, 1)
    assert log.probe() == "no space left on device"
    # when there is room again
    disk.full = False
    # then
    assert log.probe() == ""
    log.append(line(MONDAY))
    assert len(entries(tmp_path)) == 2


def test_a_folder_that_is_not_one_is_an_error(tmp_path: Path) -> None:
    # given: root ignores modes, so the folder is replaced by a file
    audit = written(tmp_path / "audit", 0)
    for path in (tmp_path / "audit").iterdir():
        path.unlink()
    (tmp_path / "audit").rmdir()
    (tmp_path / "audit").write_text("")
    # when, then
    with pytest.raises(AuditUnavailable, match="not a directory"):
        audit.log.append(line(MONDAY))
    assert audit.problem() == "not a directory"


def test_each_day_has_a_file_that_is_linked_to_the_one_before(tmp_path: Path) -> None:
    # given
    audit = written(tmp_path, 2)
    # when
    audit.log.append(line(MONDAY + DAY))
    # then
    first, second = files.names(tmp_path)
    (header, _) = [files.entry(line) for line, _ in files.lines(tmp_path / second)]
    assert header["previous"]["file"] == first
    assert header["previous"]["entries"] == 2
    audit.close()
    assert verify(tmp_path, [], audit.key.public).findings == []


def test_processes_write_files_of_their_own(tmp_path: Path) -> None:
    # given
    clock = Clock()
    # when: two logs of one process, begun in the same second
    for audit in [written(tmp_path, 1, Clock(clock.time)) for _ in range(2)]:
        audit.close()
    # then
    assert len(files.names(tmp_path)) == 2
    assert len(entries(tmp_path)) == 2


def test_a_document_is_described_once_in_each_file(tmp_path: Path) -> None:
    # given
    log = AuditLog(tmp_path, Clock())
    # when
    for time in (MONDAY, MONDAY, MONDAY + DAY):
        log.append(line(time), "digest", lambda: {"kind": "document", "digest": "digest"})
    # then
    for name, count in zip(files.names(tmp_path), (1, 1), strict=True):
        described = [line for line, _ in files.lines(tmp_path / name) if files.entry(line)["kind"] == "document"]
        assert len(described) == count
        for line_, _ in files.lines(tmp_path / name):
            offset = files.entry(line_).get("doc")
            assert offset is None or files.line_at(tmp_path / name, offset).n == described[0].n


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser may give files away")
def test_what_root_writes_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    # given: a folder of the user of the service
    os.chown(tmp_path, 4711, 4712)
    folder = tmp_path / "audit"
    # when: an administrator runs a command as root
    audit = Audit(folder, Clock())
    audit.log.append(line(MONDAY))
    audit.close()
    # then
    made = [folder, *folder.iterdir()]
    assert len(made) == 4, "the folder, its key, one file, its checkpoints"
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(4711, 4712)}
