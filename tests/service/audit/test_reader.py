"""Reading the audit log: newest first, over several files, with pages."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.access.audit import AuditEntry, AuditQuery
from graph.domain.model.dates import DAY
from service.audit import files
from service.audit.files import newest_lines
from service.audit.reader import find, oldest_first
from tests.builders.audits import MONDAY, Clock, accessed, viewer, written


def numbers(entries: object) -> list[str]:
    return [entry.customers[0] for entry in entries if entry.customers]


def test_the_newest_entries_come_first_and_pages_follow_one_another(tmp_path: Path) -> None:
    # given: two processes that wrote at the same time
    one = written(tmp_path, 5)
    written(tmp_path, 5, Clock(MONDAY + 500_000))
    # when
    pages: list[AuditEntry] = []
    query = AuditQuery(first=3)
    while (page := find(tmp_path, one.key, query)).has_more:
        pages += page.items
        query = AuditQuery(first=3, after=page.items[-1].position)
    pages += page.items
    # then
    assert len(pages) == 10
    assert [entry.position for entry in pages] == sorted((entry.position for entry in pages), reverse=True)


def test_entries_are_found_by_person_caller_and_time(tmp_path: Path) -> None:
    # given
    audit = written(tmp_path, 5)
    audit.recorder.command(viewer("till-7", "till"), "lookup", accessed("cus_1", asked=["email:1@example.com"]))

    def find_by(**terms: Any) -> list[str]:
        return numbers(find(tmp_path, audit.key, AuditQuery(**terms)).items)

    # then
    assert find_by(customers={"cus_1": None}) == ["cus_1", "cus_1"]
    assert find_by(asked=("email:3@example.com",)) == ["cus_3"]
    assert find_by(customers={"cus_1": None}, caller="till-7") == ["cus_1"]
    assert find_by(caller="nobody") == []
    (first, *_) = find(tmp_path, audit.key, AuditQuery(customers={"cus_2": None})).items
    assert find_by(since=first.time, until=first.time + 1) == ["cus_2"]
    # an id that stood for the person until a split
    assert find_by(customers={"cus_2": first.time}) == []
    assert find_by(customers={"cus_2": first.time + 1}) == ["cus_2"]


def test_all_days_are_read_and_only_those_that_are_asked_for(tmp_path: Path) -> None:
    # given
    clock = Clock()
    audit = written(tmp_path, 2, clock)
    clock.time += DAY
    audit.recorder.command(viewer(), "lookup", accessed("cus_tuesday"))
    # then
    assert len(files.names(tmp_path)) == 2
    assert numbers(find(tmp_path, audit.key, AuditQuery()).items) == ["cus_tuesday", "cus_1", "cus_0"]
    assert numbers(oldest_first(tmp_path, MONDAY + DAY, None)) == ["cus_tuesday"]
    assert numbers(oldest_first(tmp_path, None, MONDAY + DAY)) == ["cus_0", "cus_1"]


@given(
    st.lists(st.binary(max_size=12).map(lambda text: text.replace(b"\n", b"")), max_size=30),
    st.sampled_from([(), (b"a",), (b"a", b"\x00")]),
    st.integers(1, 40),
)
def test_lines_are_found_from_the_end_as_they_would_be_from_the_beginning(
    lines: list[bytes], needles: tuple[bytes, ...], chunk: int
) -> None:
    # given
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "CHUNK", chunk)
        path = Path(folder) / "file"
        path.write_bytes(b"".join(line + b"\n" for line in lines) + b"half a line a")
        # when
        found = [line.rstrip(b"\n") for line in newest_lines(path, needles)]
    # then
    expected = [line for line in reversed(lines) if not needles or any(needle in line for needle in needles)]
    assert found == expected
