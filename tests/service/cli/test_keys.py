"""`kith keys`, run as a process."""

import re
from pathlib import Path

import pytest

from tests.builders.services import kith

KEY = re.compile(r"kith_\w{8}_\w{32}_\w{6}\n")


def rows(folder: Path) -> list[list[str]]:
    """What `kith keys list` prints, without the heading."""
    return [re.split(r"  +", line) for line in kith(folder, "keys", "list").stdout.splitlines()[1:]]


def test_a_key_is_made_listed_rotated_and_revoked(tmp_path: Path) -> None:
    # when: before the first start
    added = kith(tmp_path, "keys", "add", "till-7", "--role", "till", "--source", "till", "--expires", "90d")
    # then
    assert KEY.fullmatch(added.stdout), "nothing else, so that a script can keep it"
    assert "This is the first key of the store" in added.stderr
    (row,) = rows(tmp_path)
    assert [row[0], *row[2:5], row[7:]] == ["till-7", "till", "till", "-", ["-", "valid"]]
    # when
    rotated = kith(tmp_path, "keys", "rotate", "till-7")
    # then
    assert KEY.fullmatch(rotated.stdout)
    assert f"kith keys revoke {row[1]}" in rotated.stderr
    assert added.stdout not in rotated.stderr
    # when
    revoked = kith(tmp_path, "keys", "revoke", row[1])
    again = kith(tmp_path, "keys", "revoke", row[1])
    # then
    assert revoked.stdout == f"revoked: {row[1]} of till-7\n"
    assert again.stdout == "it was revoked before\n"
    assert [row[8] for row in rows(tmp_path)] == ["revoked", "valid"]
    secrets = [text.split("_")[2] for text in (added.stdout, rotated.stdout)]
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not [secret for secret in secrets if secret.encode() in files]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["add", "till", "--role", "till"], "--source SOURCE"),
        (["add", "ann", "--role", "developer"], "development profile"),
        (["add", "ann", "--role", "feed", "--expires", "soon"], "--expires: 'soon'"),
        (["rotate", "nobody"], "no caller 'nobody'"),
        (["revoke", "nobody"], "no caller with the name, 'nobody'"),
        (["list"], "kith.db is not a file"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, words: list[str], message: str) -> None:
    done = kith(tmp_path, "keys", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


def test_a_service_that_others_can_reach_starts_with_a_key_in_its_store_only(tmp_path: Path) -> None:
    # given
    added = kith(tmp_path, "keys", "add", "till", "--role", "till", "--source", "till")
    kith(tmp_path, "keys", "revoke", "till")
    # when
    refused = kith(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0", timeout=30)
    # then
    assert added.returncode == 0
    assert refused.returncode == 2
    assert "kith keys add" in refused.stderr


def test_the_first_key_brings_the_production_profile_to_commands_too(tmp_path: Path) -> None:
    # given
    kith(tmp_path, "keys", "add", "till-7", "--role", "till", "--source", "till")
    # when
    unexplained = kith(tmp_path, "lookup", "email=ann@example.com")
    explained = kith(tmp_path, "lookup", "email=ann@example.com", "--purpose", "ticket 4711")
    entries = kith(tmp_path, "audit", "entries", "--purpose", "review", "--subject", "email=ann@example.com")
    others = kith(tmp_path, "audit", "entries", "--purpose", "review", "--caller", "nobody")
    # then
    assert (unexplained.returncode, explained.returncode, entries.returncode) == (2, 1, 0)
    assert "requires --purpose" in unexplained.stderr
    assert "for ticket 4711  lookup" in entries.stdout
    assert (others.returncode, others.stdout, others.stderr) == (0, "", "no entries found\n")
