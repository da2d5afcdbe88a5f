"""`kith subject`, run as a process."""

import json
from pathlib import Path

import msgspec
import pytest

from graph.domain.export.document import SubjectDocument
from tests.builders.clients import identifiers
from tests.builders.services import kith

ANN = "email=ann@example.com"
BY_EMAIL = identifiers(ANN)
OF_ANN = identifiers("crm_id=C-1")
VIEWED = {"source": "shop", "type": "product_viewed", "occurredAt": "2026-01-01T10:00:00Z", "sku": "S-1"}
LINES = (
    {"source": "crm", "id": "1", "identifiers": OF_ANN + BY_EMAIL},
    {"source": "crm", "id": "2", "identifiers": OF_ANN, "attributes": {"given_name": "Ann"}},
    VIEWED | {"identifiers": BY_EMAIL},
    {"source": "pim", "sku": "S-1", "name": "Shoe", "reportedAt": "2026-01-01T00:00:00Z"},
    {"source": "crm", "id": "3", "identifiers": identifiers("email=bob@example.com")},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store that knows Ann and Bob."""
    (tmp_path / "all.ndjson").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    assert kith(tmp_path, "import", "all.ndjson").returncode == 0
    return tmp_path


def test_a_person_is_written_as_one_document(folder: Path) -> None:
    # when
    done = kith(folder, "subject", "export", ANN)
    # then
    assert (done.returncode, done.stderr) == (0, "")
    document = msgspec.json.decode(done.stdout, type=SubjectDocument)
    assert (document.format, document.version) == ("kith-subject-export", 1)
    assert [statement.kind for statement in document.statements] == ["OBSERVATION", "ATTRIBUTES", "INTERACTION"]
    assert [(origin.source, origin.count) for origin in document.origins] == [("crm", 2), ("shop", 1)]
    assert document.recipients is None
    assert "bob" not in done.stdout


def test_a_person_is_written_as_lines_that_another_store_imports(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # given
    other = tmp_path_factory.mktemp("other")
    # when
    done = kith(folder, "subject", "export", ANN, "--format", "ndjson", "--output", str(other / "ann.ndjson"))
    imported = kith(other, "import", "ann.ndjson")
    # then
    assert (done.returncode, done.stdout, imported.returncode) == (0, "", 0)
    assert (other / "ann.ndjson").stat().st_mode & 0o077 == 0, "others may not read it"
    again = kith(other, "subject", "export", ANN, "--format", "ndjson").stdout
    assert again == (other / "ann.ndjson").read_text()
    assert [json.loads(line).get("sku") for line in again.splitlines()] == [None, None, "S-1", "S-1"]


def test_what_is_written_is_in_the_audit_log(folder: Path) -> None:
    # given
    assert kith(folder, "keys", "add", "dpo", "--role", "privacy").returncode == 0
    assert kith(folder, "lookup", ANN, "--purpose", "support").returncode == 0
    # when
    unexplained = kith(folder, "subject", "export", ANN)
    explained = kith(folder, "subject", "export", ANN, "--purpose", "request 12")
    entries = kith(folder, "audit", "entries", "--purpose", "review", "--subject", ANN)
    # then
    assert (unexplained.returncode, explained.returncode) == (2, 0)
    assert "requires --purpose" in unexplained.stderr
    recipients = json.loads(explained.stdout)["recipients"]
    assert [(item["role"], item["purpose"], item["count"]) for item in recipients] == [("privacy", "support", 1)]
    assert "  export  " in entries.stdout
    assert "for request 12  subject export" in entries.stdout


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["email=nobody@example.com"], 1, "no customer found for email=nobody@example.com"),
        (["fax=1"], 2, "fax"),
        ([ANN, "--output", "all.ndjson"], 2, "all.ndjson exists"),
        ([ANN, "--output", "missing/ann.json"], 2, "missing/ann.json cannot be written"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(folder: Path, words: list[str], status: int, message: str) -> None:
    # given
    before = (folder / "all.ndjson").read_text()
    # when
    done = kith(folder, "subject", "export", *words)
    # then
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (folder / "all.ndjson").read_text() == before
