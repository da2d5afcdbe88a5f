"""`kith import`: statements of all kinds, repeated runs, and a database that is away for a while."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.domain.model.errors import StoreUnavailable
from graph.ports import Store, T, Work
from graph.stores.sqlite import SQLiteStore
from service.ingest.counts import LineCounts
from service.ingest.file_formats import open_file
from service.ingest.importer import ImportRun
from service.ingest.report import Report
from tests.builders.clients import Client, identifiers
from tests.builders.runs import Run
from tests.builders.services import kith


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
    assert first.returncode == second.returncode == 1
    assert "1198 lines accepted, 0 duplicates, 2 rejected" in first.stdout
    assert "0 lines accepted, 1198 duplicates, 2 rejected" in second.stdout
    report = [json.loads(line) for line in (tmp_path / "f.ndjson-report.ndjson").read_text().splitlines()]
    assert sorted((row["line"], row["code"]) for row in report) == [(8, "INVALID_LINE"), (901, "NO_VALID_IDENTIFIERS")]


def test_lookup_prints_a_page_or_that_no_customer_is_found(tmp_path: Path) -> None:
    # given
    line = {"source": "web", "identifiers": identifiers("email=a@example.com")}
    (tmp_path / "f.ndjson").write_text(json.dumps(line))
    kith(tmp_path, "import", "f.ndjson")
    # when
    printed = kith(tmp_path, "lookup", "email= A@example.com")
    missing = kith(tmp_path, "lookup", "email=b@example.com")
    invalid = kith(tmp_path, "lookup", "emaill=b@example.com")
    # then
    assert printed.returncode == 0
    assert "a@example.com" in printed.stdout
    assert (missing.returncode, missing.stderr) == (1, "no customer found for email=b@example.com\n")
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
    file = tmp_path / "facts.ndjson"
    file.write_text(
        "".join(json.dumps({"identifiers": identifiers("email=ann@example.com"), **fact}) + "\n" for fact in FACTS)
    )
    table = tmp_path / "people.csv"
    table.write_text("source,reportedAt,email,attributes.family_name\ncrm,2026-01-01T00:00:00Z,ann@example.com,Lee\n")
    # when
    importer = ImportRun(client.graph, Report(tmp_path / "report.ndjson"), lambda read, done: None)
    for path in (file, table):
        run(importer.run(path, open_file(path, client.graph.rules)))
    # then
    assert (importer.counts.accepted, importer.counts.rejected) == (5, 4)
    rejected = [json.loads(line) for line in (tmp_path / "report.ndjson").read_text().splitlines()]
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


class AwayStore:
    """A store whose first writes fail, after they were stored or before."""

    def __init__(self, store: Store, failures: int, stores: bool) -> None:
        self._store, self._failures, self._stores = store, failures, stores

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def write(self, work: Callable[[], Work[T]]) -> T:
        if not self._failures:
            return await self._store.write(work)
        self._failures -= 1
        if self._stores:
            await self._store.write(work)
        raise StoreUnavailable("the database does not respond")


@pytest.mark.parametrize(("stores", "accepted", "duplicates"), [(False, 2, 0), (True, 0, 2)])
def test_a_batch_is_sent_again_if_the_database_was_unavailable(
    tmp_path: Path, run: Run, stores: bool, accepted: int, duplicates: int
) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(AwayStore(store, 1, stores), run)
    path = tmp_path / "f.ndjson"
    lines = [{"source": "crm", "id": str(n), "identifiers": identifiers(f"crm_id=C{n}")} for n in range(2)]
    path.write_text("\n".join(map(json.dumps, lines)))
    seen: list[tuple[int, int]] = []

    def progress(read_bytes: int, counts: LineCounts) -> None:
        seen.append((read_bytes, counts.lines))

    # when
    importer = ImportRun(client.graph, Report(tmp_path / "report.ndjson"), progress)
    run(importer.run(path, open_file(path, client.graph.rules)))
    # then
    assert (importer.counts.accepted, importer.counts.duplicates) == (accepted, duplicates)
    assert seen[-1] == (path.stat().st_size, 2)
    assert run(store.count_customers()) == 2
    run(store.close())
