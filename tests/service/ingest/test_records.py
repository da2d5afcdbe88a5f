"""`kith import`: both formats, refused lines with their numbers, runs that are stopped and repeated."""

import json
from pathlib import Path

import pytest

from graph.domain.model.errors import Problem
from graph.domain.model.observations import Observation
from graph.domain.model.orders import OrderStatement
from graph.stores.sqlite import EmbeddedStore
from service.config.rules_file import default_text, parse
from service.ingest.importer import ImportRun, Report
from service.ingest.records import items
from tests.builders.clients import Client
from tests.builders.runs import Run
from tests.builders.services import kith

RULES = parse(default_text())
GOOD = b'{"source": "web", "identifiers": [{"namespace": "email", "value": "a@example.com"}]}\n'


def read(path: Path, content: bytes) -> list[tuple[int, object]]:
    path.write_bytes(content)
    return [(item.line, item.what) for item in items(path, RULES, "default")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"source": "caf\xe9"}\n', "is not UTF-8"),
        (b"{nope}\n", "is not JSON"),
        (b"[1]\n", "is not a JSON object"),
        (b'{"source": "web", "identifierz": []}\n', "identifierz: Extra inputs are not permitted"),
        (b'{"source": "web", "identifiers": [{"namespace": "email"}]}\n', "identifiers.0.value: Field required"),
        (b'{"source": "web", "seenAt": "gestern", "identifiers": []}\n', "seenAt: not a date and time of ISO 8601"),
        (b'{"source": "web", "number": "1", "total": "x"}\n', "placedAt: Field required"),
        (b'{"source": "web", "confidence": NaN, "identifiers": []}\n', "is not JSON"),
        (b'{"source": "we', "is not JSON"),
    ],
)
def test_a_bad_line_of_ndjson_costs_only_itself(tmp_path: Path, line: bytes, reason: str) -> None:
    # when
    found = read(tmp_path / "f.ndjson", GOOD + line + (GOOD if line.endswith(b"\n") else b""))
    # then
    assert isinstance(found[0][1], Observation)
    number, problem = found[1]
    assert number == 2
    assert isinstance(problem, Problem)
    assert reason in problem.message
    assert all(isinstance(what, Observation) for _, what in found[2:])


def test_csv_has_a_column_a_field_and_a_column_a_namespace(tmp_path: Path) -> None:
    # when
    found = read(
        tmp_path / "f.csv",
        b"\xef\xbb\xbfid,seenAt,email,phone,crm_id\n"
        b"1,2026-01-01T00:00:00Z,a@example.com|b@example.com,,K1\n"
        b"2,2026-01-01T00:00:00Z,caf\xe9,,K2\n"
        b"3,2026-01-01T00:00:00Z,c@example.com\n"
        b"4,,d@example.com,,\n",
    )
    # then
    assert [line for line, _ in found] == [2, 3, 4, 5]
    first = found[0][1]
    assert isinstance(first, Observation)
    assert (first.source, first.id) == ("default", "1")
    assert first.identifiers == (("email", "a@example.com"), ("email", "b@example.com"), ("crm_id", "K1"))
    assert "is not UTF-8" in found[1][1].message
    assert "has 3 cells, the header 5" in found[2][1].message
    assert found[3][1].seen_at is None


def test_csv_with_a_number_holds_orders(tmp_path: Path) -> None:
    content = b"number,source,placedAt,statedAt,currency,total,status,loyalty_card\n"
    content += b"1,till,2026-01-01T00:00:00,2026-01-01T00:00:00,EUR,9.99,paid,C123\n"
    ((_, order),) = read(tmp_path / "f.csv", content)
    assert isinstance(order, OrderStatement)
    assert (str(order.order.total), order.order.status.value) == ("9.99", "paid")
    assert order.identifiers == (("loyalty_card", "C123"),)


def test_a_run_reports_refused_lines_and_can_be_repeated(tmp_path: Path) -> None:
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
    assert "1198 lines taken in, 0 known already, 2 refused" in first.stdout
    assert "0 lines taken in, 1198 known already, 2 refused" in second.stdout
    report = [json.loads(line) for line in (tmp_path / "f-refused.ndjson").read_text().splitlines()]
    assert sorted((row["line"], row["code"]) for row in report) == [(8, "BAD_LINE"), (901, "NOTHING_LEFT")]


def test_lookup_shows_a_page_and_says_when_nobody_is_there(tmp_path: Path) -> None:
    # given
    (tmp_path / "f.ndjson").write_bytes(GOOD)
    kith(tmp_path, "import", "f.ndjson")
    # when
    found = kith(tmp_path, "lookup", "email= A@example.com")
    nobody = kith(tmp_path, "lookup", "email=b@example.com")
    wrong = kith(tmp_path, "lookup", "emaill=b@example.com")
    # then
    assert found.returncode == 0
    assert "a@example.com" in found.stdout
    assert (nobody.returncode, nobody.stderr) == (1, "no customer holds this\n")
    assert wrong.returncode == 2
    assert "emaill" in wrong.stderr
    assert "Traceback" not in wrong.stderr


FACTS = [
    {
        "source": "crm",
        "attributes": {"given_name": "Ann", "address": {"city": "Bonn"}},
        "statedAt": "2026-01-01T00:00:00Z",
    },
    {"source": "shop", "purpose": "newsletter", "decision": "GIVEN", "decidedAt": "2026-01-01T00:00:00Z"},
    {"source": "web", "type": "page_view", "at": "2026-01-02T00:00:00Z", "channel": "web", "properties": {"n": 1}},
    {"source": "dmp", "segment": "parents", "expiresAt": "2999-01-01T00:00:00Z"},
    {"source": "web", "type": "Page View", "at": "2026-01-02T00:00:00Z"},
    {"source": "crm", "attributes": {"address": {"town": "Bonn"}}},
    {"source": "shop", "purpose": "newsletter", "decision": "MAYBE"},
    {"source": "dmp", "segment": "parents", "expiresAt": "later"},
]


def test_facts_of_all_kinds_are_imported_and_bad_ones_refused_alone(tmp_path: Path, run: Run) -> None:
    # given
    store = EmbeddedStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    who = [{"namespace": "email", "value": "ann@example.com"}]
    file = tmp_path / "facts.ndjson"
    file.write_text("".join(json.dumps({"identifiers": who, **one}) + "\n" for one in FACTS))
    table = tmp_path / "people.csv"
    table.write_text("source,statedAt,email,attributes.family_name\ncrm,2026-01-01T00:00:00Z,ann@example.com,Lee\n")
    # when
    counts = ImportRun(client.graph, Report(tmp_path / "refused.ndjson"), lambda read, done: None)
    for path in (file, table):
        run(counts.run(path))
    # then
    assert (counts.counts.accepted, counts.counts.refused) == (5, 4)
    refused = [json.loads(line) for line in (tmp_path / "refused.ndjson").read_text().splitlines()]
    assert sorted((one["line"], one["code"]) for one in refused) == [
        (5, "BAD_VALUE"),
        (6, "BAD_VALUE"),
        (7, "BAD_FIELD"),
        (8, "BAD_FIELD"),
    ]
    found = client.customer(
        "email=ann@example.com",
        """profile { givenName { value } familyName { value } address { value { city } } }
          consent(purpose: "newsletter") { decision } outsideSegments { segment }
          timeline(kinds: [INTERACTION]) { nodes { ... on Interaction { type } } }""",
    )
    assert found["profile"]["familyName"] == {"value": "Lee"}
    assert found["profile"]["address"] == {"value": {"city": "Bonn"}}
    assert found["consent"] == {"decision": "GIVEN"}
    assert found["outsideSegments"] == [{"segment": "parents"}]
    assert found["timeline"]["nodes"] == [{"type": "page_view"}]
    run(store.close())
