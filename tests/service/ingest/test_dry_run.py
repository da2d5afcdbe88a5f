"""A dry run: the first lines as they would be stored, and the counts of an import into an empty store."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from graph.domain.commands import Terms
from graph.domain.model.rules import Rules
from service.bootstrap import currencies
from service.config import attributes_file
from service.config.rules_file import default_text, parse
from service.ingest.dry_run import PREVIEW_LINES, DryRun, LinePreview
from service.ingest.file_formats import open_file
from service.ingest.report import Report
from tests.builders.clients import identifiers

RULES = parse(default_text())
NOW = 1_800_000_000_000_000
EMAIL = identifiers("email=Ann@Example.com")
AT = "2026-01-01T00:00:00Z"


def dry_run(
    folder: Path, lines: Sequence[Mapping[str, object]], rules: Rules = RULES
) -> tuple[DryRun, list[LinePreview]]:
    """The dry run of a file of lines, with its first lines."""
    path = folder / "f.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    terms = Terms(currencies(), attributes_file.read(None))
    result = DryRun(rules, terms, NOW, Report(folder / "report.ndjson"), "crm")
    return result, result.run(path, open_file(path, rules))


ORDER = {"number": "W-1", "placedAt": AT, "reportedAt": AT, "currency": "EUR", "total": "1", "identifiers": EMAIL}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ({"seenAt": AT, "identifiers": EMAIL}, "observation"),
        (ORDER, "order"),
        ({"reportedAt": AT, "attributes": {"given_name": "Ann"}, "identifiers": EMAIL}, "attributes"),
        ({"decidedAt": AT, "purpose": "newsletter", "decision": "GIVEN", "identifiers": EMAIL}, "consent"),
        ({"occurredAt": AT, "type": "page_viewed", "identifiers": EMAIL}, "interaction"),
        ({"reportedAt": AT, "segment": "parents", "identifiers": EMAIL}, "external segment"),
    ],
)
def test_the_first_lines_are_shown_as_they_would_be_stored(
    tmp_path: Path, line: Mapping[str, object], kind: str
) -> None:
    # when
    done, (preview,) = dry_run(tmp_path, [line])
    # then
    assert (preview.line, preview.kind, preview.source, preview.problem) == (1, kind, "crm", None)
    assert preview.seen_at == 1_767_225_600_000_000
    assert "email=ann@example.com" in preview.keys
    assert done.counts.accepted == 1


def test_products_are_checked(tmp_path: Path) -> None:
    # given
    product = {"source": "pim", "sku": "A-17", "name": "Kettle", "reportedAt": AT}
    # when
    done, previews = dry_run(tmp_path, [product, {**product, "reportedAt": "2999-01-01T00:00:00Z"}])
    # then
    assert [preview.kind for preview in previews] == ["product", "product"]
    assert [(line, problem.code) for _, line, problem in done.rejected] == [(2, "TIMESTAMP_IN_FUTURE")]


def test_lines_of_the_files_are_compared_with_one_another(tmp_path: Path) -> None:
    # given: a line, its repetition, the same id with other content, and the same for a line that the rules reject
    cards = identifiers("crm_id=C1", "crm_id=C2")
    lines = [
        {"id": "1", "identifiers": EMAIL},
        {"id": "1", "identifiers": EMAIL},
        {"id": "1", "identifiers": identifiers("email=ben@example.com")},
        {"id": "2", "identifiers": cards},
        {"id": "2", "identifiers": EMAIL},
    ]
    # when
    done, _ = dry_run(tmp_path, lines)
    # then
    assert (done.counts.accepted, done.counts.duplicates) == (1, 1)
    assert [(line, problem.code) for _, line, problem in done.rejected] == [
        (3, "ID_CONFLICT"),
        (4, "NAMESPACE_LIMIT_EXCEEDED"),
        (5, "ID_CONFLICT"),
    ]


def test_only_the_first_lines_are_shown_and_all_rejected_ones_are_kept(tmp_path: Path) -> None:
    # when
    done, previews = dry_run(tmp_path, [{"identifiers": identifiers("nonsense=1")}] * (PREVIEW_LINES + 5))
    # then
    assert [preview.line for preview in previews] == list(range(1, PREVIEW_LINES + 1))
    assert len(done.rejected) == done.counts.rejected == PREVIEW_LINES + 5


def test_identifiers_that_need_a_consent_are_dropped_unless_a_line_before_gives_it(tmp_path: Path) -> None:
    # given
    gated = default_text().replace('name = "cookie"\n', 'name = "cookie"\nrequires_consent = "profiling"\n', 1)
    cookie = identifiers("cookie=ck-1")
    seen = {"seenAt": AT, "identifiers": [*EMAIL, *cookie]}
    given = {"purpose": "profiling", "decision": "given", "decidedAt": AT, "identifiers": cookie}
    # when
    _, (before, decided, after, alone) = dry_run(
        tmp_path, [seen, given, seen | {"id": "2"}, {"identifiers": identifiers("cookie=ck-2")}], parse(gated)
    )
    # then
    assert [dropped.code.value for dropped in before.dropped] == ["CONSENT_REQUIRED"]
    assert decided.problem is None
    assert (after.dropped, after.keys) == ((), ("cookie=ck-1", "email=ann@example.com"))
    assert alone.problem is not None
    assert alone.problem.code == "CONSENT_REQUIRED"
