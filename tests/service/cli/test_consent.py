"""`kith consent proof` as a process, on what `kith import` and `kith backfill` stored."""

import getpass
import json
import sqlite3
from pathlib import Path

import pytest

from service.privacy.unsubscribe_links import UnsubscribeLinks, Unsubscription
from tests.builders.clients import identifiers
from tests.builders.services import kith

DECISION = {
    "source": "shop",
    "id": "c-1",
    "purpose": "newsletter",
    "decision": "given",
    "decidedAt": "2026-02-01T18:33:10Z",
    "method": "double_opt_in",
    "requestedAt": "2026-02-01T18:30:00Z",
    "confirmedAt": "2026-02-01T18:33:10Z",
    "evidence": {"form": "footer"},
    "collectedBy": "web shop",
    "language": "en",
    "policyText": "Yes, once a week.",
    "identifiers": identifiers("email=ann@example.com"),
}


@pytest.fixture(params=["import", "backfill"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store that has one decision, and an audit log."""
    monkeypatch.setenv("KITH_AUDIT", "audit")
    (tmp_path / "f.ndjson").write_text(json.dumps(DECISION) + "\n")
    done = kith(tmp_path, request.param, "f.ndjson")
    assert done.returncode == 0, done.stderr + done.stdout
    return tmp_path


def test_a_decision_is_printed_with_all_that_proves_it(folder: Path) -> None:
    # when
    done = kith(folder, "consent", "proof", "email=Ann@Example.com")
    # then
    assert done.returncode == 0, done.stderr
    for line in (
        "2026-02-01T18:33:10Z  GIVEN newsletter  (VALID)",
        "source: shop, id c-1",
        f"from cli:{getpass.getuser()}",
        "method: DOUBLE_OPT_IN",
        "collected by: web shop",
        'evidence: {"form":"footer"}',
        "'Yes, once a week.'",
        "log: as it arrived, entry ",
    ):
        assert line in done.stdout, done.stdout


def test_a_decision_that_was_changed_or_removed_beside_kith_ends_with_status_1(folder: Path) -> None:
    # when
    with sqlite3.connect(folder / "kith.db") as db:
        db.execute("UPDATE observations SET sent = replace(sent, 'given', 'withdrawn')")
    changed = kith(folder, "consent", "proof", "email=ann@example.com", "--on", "newsletter")
    # then
    assert changed.returncode == 1
    assert "CHANGED outside Kith" in changed.stdout
    # when
    with sqlite3.connect(folder / "kith.db") as db:
        db.execute("DELETE FROM observations")
    removed = kith(folder, "consent", "proof", "email=ann@example.com")
    # then
    assert removed.returncode == 1
    assert "REMOVED" in removed.stdout


def test_what_is_not_an_identifier_or_a_purpose_is_an_error(folder: Path) -> None:
    for words in (["ann@example.com"], ["email=ann@example.com", "--on", "spam"]):
        done = kith(folder, "consent", "proof", *words)
        assert done.returncode == 2
        assert words[-1] in done.stderr


def test_links_by_which_people_unsubscribe_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    secret = "a secret of at least 32 characters"
    monkeypatch.setenv("KITH_UNSUBSCRIBE_SECRETS", secret)
    monkeypatch.setenv("KITH_UNSUBSCRIBE_URL", "https://id.shop.example")
    links = UnsubscribeLinks([secret], "https://id.shop.example")
    # when
    words = ("consent", "unsubscribe-link", "--on", "newsletter", "--list", "Spring news")
    done = kith(tmp_path, *words, input="ann@example.com\n\nbob@example.com\n")
    # then
    assert done.returncode == 0, done.stderr
    found = dict(line.split("\t") for line in done.stdout.splitlines())
    assert list(found) == ["ann@example.com", "bob@example.com"]
    token = found["bob@example.com"].removeprefix("https://id.shop.example/unsubscribe/")
    assert links.read(token) == Unsubscription("bob@example.com", ("newsletter",), "Spring news")


@pytest.mark.parametrize(
    ("words", "message"), [(("ann",), "'ann' is not an email address"), (("--on", "spam", "ann@example.com"), "--on")]
)
def test_what_cannot_be_a_link_is_an_error(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setenv("KITH_UNSUBSCRIBE_SECRETS", "a secret of at least 32 characters")
    monkeypatch.setenv("KITH_UNSUBSCRIBE_URL", "https://id.shop.example")
    # when
    done = kith(tmp_path, "consent", "unsubscribe-link", *words)
    # then
    assert done.returncode == 2
    assert message in done.stderr


def test_links_need_a_secret(tmp_path: Path) -> None:
    done = kith(tmp_path, "consent", "unsubscribe-link", "ann@example.com")
    assert done.returncode == 2
    assert "KITH_UNSUBSCRIBE_SECRETS is not set" in done.stderr
