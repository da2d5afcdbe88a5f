"""Files as offices, shops and tills write them, through `kith import` and `kith backfill`: who is one customer."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from service.cli.main import app
from service.config.rules_file import default_text
from tests.builders.services import kith

FILES = Path(__file__).parent / "files"
COUNTRIES = """
[[source]]
name = "us-shop"
country = "US"

[[source]]
name = "ch-shop"
country = "CH"
"""


class Case(NamedTuple):
    """The customers after a file, each with its identifiers; how many lines are rejected; and the dropped values."""

    customers: list[set[str]]
    rejected: int = 0
    dropped: tuple[str, ...] = ()
    rules: str = ""


CASES = {
    "01-card-scientific.csv": Case(
        [{"email=ann@example.com"}, {"email=bob@example.com"}, {"email=cid@example.com"}],
        dropped=("4.05E+12", "4.05E+12", "4.05E+12"),
    ),
    "02-phone-float-tail.csv": Case(
        [
            {"crm_id=C-1", "phone=+491711234567", "loyalty_card=40500001"},
            {"crm_id=C-2", "phone=+4917112345670", "loyalty_card=405000010"},
        ]
    ),
    "03-phone-notes.csv": Case(
        [
            {"crm_id=C-1", "email=ann@example.com", "phone=+491711234567"},
            {"email=bob@example.com", "email=cid@example.com", "phone=+4930123456"},
            {"email=dan@example.com"},
            {"email=eve@example.com"},
        ],
        dropped=("10115 Berlin", "10115 Berlin"),
    ),
    "04-phone-extension.csv": Case(
        [
            {"email=ann@acme.example.com", "phone=+14155550132;ext=7"},
            {"email=bob@acme.example.com", "phone=+14155550132;ext=8"},
        ]
    ),
    "06-open-quote-silent.csv": Case(
        [{"crm_id=C-2", "email=p2@example.com"}, {"crm_id=C-4", "email=p4@example.com"}], rejected=2
    ),
    "07-cp1252-in-quoted-cell.csv": Case(
        [
            {"crm_id=C-1", "email=ann@example.com"},
            {"crm_id=C-2", "email=bob@example.com"},
            {"crm_id=C-3", "email=cid@example.com"},
        ]
    ),
    "08-epoch-milliseconds.ndjson": Case([{"crm_id=C-1", "order=E-1"}, {"email=ann@example.com"}]),
    "09-opt-out-with-display-name.ndjson": Case([{"crm_id=C-1", "email=ann@example.com"}, {"email=bob@example.com"}]),
    "10-invisible-characters.ndjson": Case(
        [
            {"crm_id=4711", "email=ann@example.com", "cookie=ck-0001", "cookie=ck-0002", "cookie=ck-0003"},
            {"login=ann", "cookie=ck-0004", "cookie=ck-0005"},
        ]
    ),
    "11-integer-ids.parquet": Case(
        [{"crm_id=4711", "email=ann@example.com"}, {"crm_id=4712", "email=bob@example.com"}]
    ),
    "12-one-default-country.csv": Case(
        [
            {"email=ann@example.com", "phone=+14155550132"},
            {"email=bob@example.com", "phone=+494155550132"},
            {"email=cid@example.com", "phone=+41446681800"},
            {"email=dan@example.com", "phone=+49446681800"},
        ],
        rules=COUNTRIES,
    ),
    "13-database-times.csv": Case([{f"crm_id=C-{number}"} for number in (1, 2, 3, 4, 5, 6, 7, 9)], rejected=1),
    "14-null-value.ndjson": Case(
        [{"crm_id=C-1"}, {"crm_id=C-2"}, {"crm_id=C-3"}],
        dropped=("", "", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"),
    ),
    "15-semicolon.csv": Case([{"crm_id=C-1", "email=ann@example.com"}, {"crm_id=C-2", "email=bob@example.com"}]),
    "16-template-cookie.csv": Case(
        [{"email=ann@example.com"}, {"email=bob@example.com"}, {"email=cid@example.com"}], dropped=("{{cookie}}",) * 3
    ),
    "17-known-shared-android-id.csv": Case(
        [{"email=ann@example.com"}, {"email=bob@example.com"}, {"email=cid@example.com"}],
        dropped=("9774d56d682e549c",) * 3,
    ),
    "18-ip-forms.csv": Case(  # the address of two cookies is shared under the default rules
        [{"cookie=ck-home-1"}, {"cookie=ck-home-2"}, {"ip=2001:db8::1"}, {"cookie=ck-home-3", "ip=192.0.2.7"}]
    ),
}


def customers(store: Path) -> list[set[str]]:
    """The identifiers of each customer in a SQLite store."""
    groups: dict[object, set[str]] = {}
    with sqlite3.connect(store) as db:
        for key, customer in db.execute("SELECT key, customer FROM identifiers WHERE customer IS NOT NULL"):
            groups.setdefault(customer, set()).add(key)
    return list(groups.values())


def prepare(folder: Path, name: str) -> list[str]:
    """Copy the file of a case and its rules to a folder, and return the arguments that read them."""
    shutil.copy(FILES / name, folder)
    (folder / "rules.toml").write_text(default_text() + CASES[name].rules, "utf-8")
    return [name, "--rules", "rules.toml", "--store", "sqlite:///case.db"]


def check(folder: Path, name: str) -> None:
    """Compare the report and the customers after a file with those of its case."""
    case = CASES[name]
    path = folder / f"{name}-report.ndjson"
    report = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    assert sum(entry["result"] == "REJECTED" for entry in report) == case.rejected
    assert sorted(entry["value"] for entry in report if entry["result"] == "DROPPED") == sorted(case.dropped)
    assert sorted(map(sorted, customers(folder / "case.db"))) == sorted(map(sorted, case.customers))


@pytest.mark.parametrize("name", CASES)
def test_a_broken_value_costs_itself_and_merges_nobody(
    tmp_path: Path, name: str, own_logging: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.chdir(tmp_path)
    arguments = prepare(tmp_path, name)
    # when
    done = CliRunner().invoke(app, ["import", *arguments])
    # then
    assert done.exit_code == (1 if CASES[name].rejected else 0), done.output
    check(tmp_path, name)


@pytest.mark.parametrize("name", ["06-open-quote-silent.csv", "11-integer-ids.parquet", "12-one-default-country.csv"])
def test_backfill_takes_the_same_lines(tmp_path: Path, name: str) -> None:
    # given
    arguments = prepare(tmp_path, name)
    # when
    done = kith(tmp_path, "backfill", *arguments)
    # then
    assert done.returncode == (1 if CASES[name].rejected else 0), done.stderr
    check(tmp_path, name)


def test_a_header_with_a_doubled_name_is_an_error_before_the_first_line(tmp_path: Path) -> None:
    # given
    name = "05-two-phone-columns.csv"
    shutil.copy(FILES / name, tmp_path)
    # when
    done = kith(tmp_path, "import", name)
    # then
    assert done.returncode == 2
    assert "phone" in done.stderr
    assert "Traceback" not in done.stderr
