"""Old entries lose their content and keep their leaves."""

from pathlib import Path

from graph.domain.model.dates import DAY
from service.audit import files
from service.audit.retention import expire
from service.audit.verification import verify
from tests.builders.audits import MONDAY, Clock, accessed, texts, the_file, verified, viewer, written


def test_the_chain_of_expired_entries_can_still_be_verified(tmp_path: Path) -> None:
    # given
    audit = written(tmp_path)
    audit.close()
    # when
    changed = expire(tmp_path, MONDAY + 2 * DAY)
    # then
    assert changed == 1
    assert b"cus_" not in the_file(tmp_path).read_bytes()
    result = verified(tmp_path, audit)
    assert (result.findings, result.expired) == ([], 10)
    # when: once more
    assert expire(tmp_path, MONDAY + 2 * DAY) == 0


def test_a_day_that_has_not_expired_stays(tmp_path: Path) -> None:
    # given
    clock = Clock()
    audit = written(tmp_path, 2, clock)
    clock.time += DAY
    audit.recorder.command(viewer(), "lookup", accessed("cus_tuesday"))
    audit.close()
    # when
    oldest = files.end_of_day(MONDAY)
    changed = expire(tmp_path, oldest)
    # then
    first, second = files.names(tmp_path)
    assert changed == 1
    assert b"cus_0" not in (tmp_path / first).read_bytes()
    assert b"cus_tuesday" in (tmp_path / second).read_bytes()
    assert verify(tmp_path, [], audit.key.public, oldest).findings == []


def test_an_expired_entry_cannot_be_changed_either(tmp_path: Path) -> None:
    # given
    audit = written(tmp_path)
    audit.close()
    expire(tmp_path, MONDAY + 2 * DAY)
    path = the_file(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    # when
    path.write_bytes(b"".join([*lines[:4], *lines[5:]]))
    # then
    assert "entry 4 was deleted" in texts(verified(tmp_path, audit))
