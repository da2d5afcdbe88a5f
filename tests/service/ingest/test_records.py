"""`kith import`: NDJSON and CSV, rejected lines with their numbers, and repeated runs."""

import json
from pathlib import Path

import pytest

from graph.domain.model.errors import Problem
from graph.domain.model.observations import Observation
from graph.domain.model.orders import OrderStatement
from graph.stores.sqlite import SQLiteStore
from service.config.rules_file import default_text, parse
from service.ingest.importer import ImportRun, RejectionReport
from service.ingest.records import read_records
from tests.builders.clients import Client
from tests.builders.runs import Run
from tests.builders.services import kith

RULES = parse(default_text())
GOOD = b'{"source": "web", "identifiers": [{"namespace": "email", "value": "a@example.com"}]}\n'


def read(path: Path, content: bytes) -> list[tuple[int, object]]:
    path.write_bytes(content)
    return [(record.line, record.content) for record in read_records(path, RULES, "default")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"source": "caf\xe9"}\n', "is not UTF-8"),
        (b"{nope}\n", "is not JSON"),
        (b"[1]\n", "is not a JSON object"),
        (b'{"source": "web", "identifierz": []}\n', "identifierz: Extra inputs are not permitted"),
        (b'{"source": "web", "identifiers": [{"namespace": "email"}]}\n', "identifiers.0.value: Field required"),
        (b'{"source": "web", "seenAt": "gestern", "identifiers": []}\n', "seenAt: must be an ISO 8601 date and time"),
        (b'{"source": "web", "number": "1", "total": "x"}\n', "placedAt: Field required"),
        (b'{"source": "web", "confidence": NaN, "identifiers": []}\n', "is not JSON"),
        (b'{"source": "we', "is not JSON"),
    ],
)
def test_an_invalid_line_of_ndjson_does_not_affect_other_lines(tmp_path: Path, line: bytes, reason: str) -> None:
    # when
    records = read(tmp_path / "f.ndjson", GOOD + line + (GOOD if line.endswith(b"\n") else b""))
    # then
    assert isinstance(records[0][1], Observation)
    number, problem = records[1]
    assert number == 2
    assert isinstance(problem, Problem)
    assert reason in problem.message
    assert all(isinstance(content, Observation) for _, content in records[2:])


def test_csv_has_a_column_for_each_field_and_namespace(tmp_path: Path) -> None:
    # when
    records = read(
        tmp_path / "f.csv",
        b"\xef\xbb\xbfid,seenAt,email,phone,crm_id\n"
        b"1,2026-01-01T00:00:00Z,a@example.com|b@example.com,,K1\n"
        b"2,2026-01-01T00:00:00Z,caf\xe9,,K2\n"
        b"3,2026-01-01T00:00:00Z,c@example.com\n"
        b"4,,d@example.com,,\n",
    )
    # then
    assert [line for line, _ in records] == [2, 3, 4, 5]
    first = records[0][1]
    assert isinstance(first, Observation)
    assert (first.source, first.id) == ("default", "1")
    assert first.identifiers == (("email", "a@example.com"), ("email", "b@example.com"), ("crm_id", "K1"))
    assert "is not UTF-8" in records[1][1].message
    assert "has 3 cells, but the header has 5" in records[2][1].message
    assert records[3][1].seen_at is None


def test_csv_with_a_column_number_holds_orders(tmp_path: Path) -> None:
    content = b"number,source,placedAt,reportedAt,currency,total,status,loyalty_card\n"
    content += b"1,till,2026-01-01T00:00:00,2026-01-01T00:00:00,EUR,9.99,paid,C123\n"
    ((_, order),) = read(tmp_path / "f.csv", content)
    assert isinstance(order, OrderStatement)
    assert (str(order.order.total), order.order.status.value) == ("9.99", "paid")
    assert order.identifiers == (("loyalty_card", "C123"),)


def test_a_run_reports_rejected_lines_and_can_be_repeated(tmp_path: Path) -> None:
    # given
    lines = [
        json.dumps({"source": "web", "id": str(n), "identifiers": [{"namespace": "cookie", "value": f"cookie{n}"}]})
        for n in range(1200)
    ]
    lines[7] = "half a li"
    lines[900] = lines[900].replace("cookie900", "null")
    (tmp_path / "f.ndjson").write_text("\n".join(lines))
    # when
    first = kith(tmp_path, "import", "f.ndjson")
    second = kith(tmp_path, "import", "f.ndjson")
    # then
    assert first.returncode == second.returncode == 0
    assert "1198 lines accepted, 0 duplicates, 2 rejected" in first.stdout
    assert "0 lines accepted, 1198 duplicates, 2 rejected" in second.stdout
    report = [json.loads(line) for line in (tmp_path / "f-rejected.ndjson").read_text().splitlines()]
    assert sorted((row["line"], row["code"]) for row in report) == [(8, "INVALID_LINE"), (901, "NO_VALID_IDENTIFIERS")]


def test_lookup_prints_a_page_or_that_no_customer_is_found(tmp_path: Path) -> None:
    # given
    (tmp_path / "f.ndjson").write_bytes(GOOD)
    kith(tmp_path, "import", "f.ndjson")
    # when
    printed = kith(tmp_path, "lookup", "email= A@example.com")
    missing = kith(tmp_path, "lookup", "email=b@example.com")
    invalid = kith(tmp_path, "lookup", "emaill=b@example.com")
    # then
    assert printed.returncode == 0
    assert "a@example.com" in printed.stdout
    assert (missing.returncode, missing.stderr) == (1, "no customer found\n")
    assert invalid.returncode == 2
    assert "emaill" in invalid.stderr
    assert "Traceback" not in invalid.stderr


FACTS = [
    {
        "source": "crm",
        "attributes": {"given_name": "Ann", "address": {"city": "Bonn"}},
        "reportedAt": "2026-01-01T00:00:00Z",
    },
    {"source": "shop", "purpose": "newsletter", "decision": "GIVEN", "decidedAt": "2026-01-01T00:00:00Z"},
    {
        "source": "web",
        "type": "page_viewed",
        "occurredAt": "2026-01-02T00:00:00Z",
        "channel": "web",
        "properties": {"n": 1},
    },
    {"source": "dmp", "segment": "parents", "expiresAt": "2999-01-01T00:00:00Z"},
    {"source": "web", "type": "Page View", "occurredAt": "2026-01-02T00:00:00Z"},
    {"source": "crm", "attributes": {"address": {"town": "Bonn"}}},
    {"source": "shop", "purpose": "newsletter", "decision": "MAYBE"},
    {"source": "dmp", "segment": "parents", "expiresAt": "later"},
]


def test_facts_of_all_kinds_are_imported_and_invalid_lines_are_rejected(tmp_path: Path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    identifiers = [{"namespace": "email", "value": "ann@example.com"}]
    file = tmp_path / "facts.ndjson"
    file.write_text("".join(json.dumps({"identifiers": identifiers, **fact}) + "\n" for fact in FACTS))
    table = tmp_path / "people.csv"
    table.write_text("source,reportedAt,email,attributes.family_name\ncrm,2026-01-01T00:00:00Z,ann@example.com,Lee\n")
    # when
    importer = ImportRun(client.graph, RejectionReport(tmp_path / "rejected.ndjson"), lambda read, done: None)
    for path in (file, table):
        run(importer.run(path))
    # then
    assert (importer.counts.accepted, importer.counts.rejected) == (5, 4)
    rejected = [json.loads(line) for line in (tmp_path / "rejected.ndjson").read_text().splitlines()]
    assert sorted((row["line"], row["code"]) for row in rejected) == [
        (5, "INVALID_VALUE"),
        (6, "INVALID_VALUE"),
        (7, "INVALID_FIELD"),
        (8, "INVALID_FIELD"),
    ]
    customer = client.customer(
        "email=ann@example.com",
        """profile { givenName { value } familyName { value } address { value { city } } }
          consent(purpose: "newsletter") { decision } externalSegments { segment }
          timeline(kinds: [INTERACTION]) { nodes { ... on Interaction { type } } }""",
    )
    assert customer["profile"]["familyName"] == {"value": "Lee"}
    assert customer["profile"]["address"] == {"value": {"city": "Bonn"}}
    assert customer["consent"] == {"decision": "GIVEN"}
    assert customer["externalSegments"] == [{"segment": "parents"}]
    assert customer["timeline"]["nodes"] == [{"type": "page_viewed"}]
    run(store.close())
