"""`kith audit subjects`: the table of customers in each format, and sentences about what is not in it."""

import csv
import io
import json
from pathlib import Path

import pytest

from graph.domain.access.audit import AccessReport, CustomerAccess, ExpiredEntries, WholeExport
from graph.domain.model.dates import DAY
from graph.queries.later_ids import LaterIds
from service.cli.access_table import COLUMNS, Format, summary, write
from tests.builders.audits import MONDAY
from tests.builders.services import kith

ONCE = CustomerAccess("cus_a", MONDAY, MONDAY, 1, ("kith lookup",))
TWICE = CustomerAccess("cus_b", MONDAY, MONDAY + DAY, 2, ("Customer.emails", "Customer.id"))
ERASED = CustomerAccess("cus_e", MONDAY, MONDAY, 1)
PRESENT = {"cus_a": LaterIds(("cus_a",)), "cus_b": LaterIds(("cus_c", "cus_d")), "cus_e": LaterIds((), erased=True)}


def written(format: Format) -> str:
    file = io.StringIO()
    write(file, [ONCE, TWICE, ERASED], PRESENT, format)
    return file.getvalue()


def test_a_line_says_what_happened_to_a_customer_and_where_it_is_now() -> None:
    assert written(Format.TEXT).splitlines() == [
        "cus_a  1 access at 2026-01-05T08:00:00Z  kith lookup",
        "cus_b  now cus_c, cus_d  2 accesses from 2026-01-05T08:00:00Z to 2026-01-06T08:00:00Z  "
        "Customer.emails, Customer.id",
        "cus_e  nothing is stored now (erased)  1 access at 2026-01-05T08:00:00Z",
    ]


def test_other_programs_read_csv_and_json() -> None:
    header, first, second, erased = csv.reader(io.StringIO(written(Format.CSV)))
    assert tuple(header) == COLUMNS
    assert (first[0], first[1], second[1], second[5]) == ("cus_a", "cus_a", "cus_c cus_d", "2")
    assert (first[2], erased[:3]) == ("no", ["cus_e", "", "yes"])
    assert [json.loads(line)["present"] for line in written(Format.JSON).splitlines()] == [
        ["cus_a"],
        ["cus_c", "cus_d"],
        [],
    ]


def test_the_summary_says_what_is_missing() -> None:
    # given
    report = AccessReport(
        (ONCE, TWICE),
        entries=9,
        denied=1,
        asked=7,
        refused=2,
        unnamed=(ONCE, TWICE),
        statements=4,
        whole_exports=(WholeExport(MONDAY, "backup"),),
        expired=(ExpiredEntries(MONDAY, MONDAY + DAY, 12),),
        unreadable=1,
    )
    # then
    assert summary(AccessReport()) == [
        "0 customers, in 0 entries of the log (0 denied)",
        "0 ids and identifiers were asked for; 0 that exist were not shown",
    ]
    lines = summary(report)
    assert len(lines) == 7
    assert "everything was exported: kith backup at 2026-01-05T08:00:00Z" in lines
    assert len([line for line in lines if line.startswith("not complete: ")]) == 2


@pytest.mark.parametrize(("caller", "rows"), [("cli:root", 1), ("nobody", 0)])
def test_the_command_reads_the_log_of_the_settings(tmp_path: Path, caller: str, rows: int) -> None:
    # given: somebody who looked Ann up on the machine
    environment = {"PATH": "", "PYTHONPATH": str(Path(__file__).parents[3]), "LOGNAME": "root", "KITH_AUDIT": "audit"}
    (tmp_path / "shop.ndjson").write_text(
        '{"source": "web", "seenAt": "2026-01-01T09:00:00Z", "identifiers": '
        '[{"namespace": "email", "value": "ann@example.com"}]}\n'
    )
    kith(tmp_path, "import", "shop.ndjson", env=environment)
    kith(tmp_path, "lookup", "email=ann@example.com", env=environment)
    # when
    printed = kith(tmp_path, "audit", "subjects", "--caller", caller, "--format", "csv", env=environment)
    # then
    assert printed.returncode == 0, printed.stderr
    assert len(printed.stdout.splitlines()) == 1 + rows
    assert f"{rows} customers" in printed.stderr
