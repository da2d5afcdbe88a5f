"""Whose data a caller accessed: customers, times, counts and fields, and what the log cannot answer."""

from pathlib import Path

import pytest

from graph.domain.access.accessed import Accessed
from graph.domain.access.audit import AccessQuery, CustomerAccess, WholeExport
from graph.domain.model.dates import DAY, SECOND
from service.audit import retention
from service.audit.accesses import find
from tests.builders.audits import MONDAY, Clock, accessed, the_file, viewer, written


def test_each_customer_is_there_once_with_its_times_and_commands(tmp_path: Path) -> None:
    # given: others read, too
    clock = Clock()
    audit = written(tmp_path, 3, clock)
    till = viewer("till-7", "till")
    begin = clock.time
    audit.recorder.command(till, "lookup", accessed("cus_b", "cus_a", asked=["email=b@example.com"]))
    audit.recorder.command(till, "audit entries", accessed("cus_b", asked=["email=b@example.com"]))
    audit.recorder.command(till, "lookup", accessed(asked=["email=nobody@example.com"]))
    # when
    report = find(tmp_path, AccessQuery("till-7"))
    # then
    assert report.customers == (
        CustomerAccess("cus_a", begin + SECOND, begin + SECOND, 1, ("kith lookup",)),
        CustomerAccess("cus_b", begin + SECOND, begin + 2 * SECOND, 2, ("kith audit entries", "kith lookup")),
    )
    assert (report.entries, report.asked, len(report.unnamed), report.denied) == (3, 2, 1, 0)
    # and: only the time that is asked for
    assert [one.id for one in find(tmp_path, AccessQuery("till-7", begin + 2 * SECOND)).customers] == ["cus_b"]
    assert find(tmp_path, AccessQuery("till-7", None, begin + SECOND)).customers == ()
    assert find(tmp_path, AccessQuery("till")).entries == 0


def test_what_was_refused_or_sent_is_counted(tmp_path: Path) -> None:
    # given: a denied operation may have shown somebody before it was denied
    audit = written(tmp_path, 0)
    desk = viewer("desk-1")
    audit.recorder.command(desk, "lookup", Accessed(customers={"cus_a": None}, refused=2), "denied")
    audit.recorder.command(desk, "import", Accessed(statements=5, sources={"shop": None}), "write")
    # when
    report = find(tmp_path, AccessQuery("desk-1"))
    # then
    assert [one.id for one in report.customers] == ["cus_a"]
    assert (report.entries, report.denied, report.refused, report.statements) == (2, 1, 2, 5)


def test_an_export_of_everything_is_named(tmp_path: Path) -> None:
    # given
    clock = Clock()
    audit = written(tmp_path, 0, clock)
    audit.recorder.command(viewer("cli:root", "privacy"), "backup", Accessed(), "export")
    # then
    assert find(tmp_path, AccessQuery("cli:root")).whole_exports == (WholeExport(clock.time, "backup"),)


def test_entries_whose_content_was_removed_are_counted_with_their_time(tmp_path: Path) -> None:
    # given: a day that has expired, and one that has not
    clock = Clock()
    audit = written(tmp_path, 3, clock)
    clock.time += DAY
    audit.recorder.command(viewer(), "lookup", accessed("cus_tuesday"))
    retention.expire(tmp_path, MONDAY + DAY)
    # when
    report = find(tmp_path, AccessQuery("desk-1"))
    # then
    assert [one.id for one in report.customers] == ["cus_tuesday"]
    (expired,) = report.expired
    assert (expired.count, MONDAY < expired.begin < expired.end <= MONDAY + DAY) == (3, True)
    assert find(tmp_path, AccessQuery("desk-1", MONDAY + 2 * DAY)).expired == ()


def test_a_damaged_line_is_counted(tmp_path: Path) -> None:
    # given
    written(tmp_path, 2).close()
    path = the_file(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"cus_1"', b'"cus_1'))
    # then
    assert find(tmp_path, AccessQuery("desk-1")).unreadable == 1


@pytest.mark.parametrize("caller", ['a "quoted" name', "https://id.example.com|shop|anna\\", "Zoë"])
def test_any_caller_is_found(tmp_path: Path, caller: str) -> None:
    # given
    audit = written(tmp_path, 1)
    audit.recorder.command(viewer(caller), "lookup", accessed("cus_a"))
    # then
    assert find(tmp_path, AccessQuery(caller)).entries == 1


def test_what_was_asked_for_joins_the_customers_once_they_are_found(tmp_path: Path) -> None:
    # given: an order that was asked for by its number, of a customer that was accessed too, and another one
    clock = Clock()
    audit = written(tmp_path, 0, clock)
    desk = viewer("desk-1")
    begin = clock.time
    audit.recorder.command(desk, "lookup", accessed("cus_a"))
    for number in ("1", "2", "3"):
        audit.recorder.command(desk, "order", accessed(asked=[f"order={number}"]))
    # when
    report = find(tmp_path, AccessQuery("desk-1"))
    joined = report.with_holders({audit.key.hash("order=1"): "cus_a", audit.key.hash("order=2"): "cus_b"})
    # then
    assert joined.customers == (
        CustomerAccess("cus_a", begin + SECOND, begin + 2 * SECOND, 2, ("kith lookup", "kith order")),
        CustomerAccess("cus_b", begin + 3 * SECOND, begin + 3 * SECOND, 1, ("kith order",)),
    )
    assert [asked.id for asked in joined.unnamed] == [audit.key.hash("order=3")]
