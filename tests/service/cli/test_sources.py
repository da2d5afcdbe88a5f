"""`kith revoke-source` and `kith restore-source`."""

import json
import re
from pathlib import Path

from tests.builders.clients import identifiers
from tests.builders.services import kith

STORE = ("--store", "sqlite:///kith.db")


def filled(folder: Path) -> None:
    """Two people whom only the partner's card joins."""
    lines = [
        {"source": "shop", "id": "1", "identifiers": identifiers("crm_id=A1", "email=ann@example.com")},
        {"source": "shop", "id": "2", "identifiers": identifiers("login=bob", "email=bob@example.com")},
        {"source": "partner", "id": "3", "identifiers": identifiers("loyalty_card=7770", "email=ann@example.com")},
        {"source": "partner", "id": "4", "identifiers": identifiers("loyalty_card=7780", "email=ann@example.com")},
    ]
    (folder / "all.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert kith(folder, "import", "all.ndjson", *STORE).returncode == 0


def has(folder: Path, customer: str) -> bool:
    return kith(folder, "lookup", customer, *STORE).returncode == 0


def test_a_source_is_revoked_after_a_preview_and_restored(tmp_path: Path) -> None:
    # given
    filled(tmp_path)
    # when
    preview = kith(tmp_path, "revoke-source", "partner", "--preview", *STORE)
    # then
    assert preview.returncode == 0, preview.stderr
    assert "2 would no longer count (they stay stored)" in preview.stdout
    assert "customers: 2 now, 2 without the source" in preview.stdout
    assert has(tmp_path, "loyalty_card=7770")
    # when: nobody agrees
    refused = kith(tmp_path, "revoke-source", "partner", *STORE, input="n\n")
    # then
    assert refused.returncode == 0
    assert has(tmp_path, "loyalty_card=7770")
    # when
    revoked = kith(
        tmp_path, "revoke-source", "partner", "--from", "2020-01-01", "--reason", "wrong", *STORE, input="y\n"
    )
    # then
    assert revoked.returncode == 0, revoked.stderr
    assert "source 'partner', recorded from 2020-01-01T00:00:00Z to" in revoked.stdout
    assert "revoked, 2 observations" in revoked.stdout
    assert not has(tmp_path, "loyalty_card=7770")
    assert has(tmp_path, "email=ann@example.com")
    (id,) = set(re.findall(r"srv_\w+", revoked.stdout))
    # when
    listed = kith(tmp_path, "restore-source", *STORE)
    restored = kith(tmp_path, "restore-source", id, "--yes", *STORE)
    # then
    assert id in listed.stdout
    assert "restored, 2 observations" in restored.stdout
    assert has(tmp_path, "loyalty_card=7770")
    assert kith(tmp_path, "restore-source", *STORE).stdout == ""
    # when
    again = kith(tmp_path, "restore-source", id, "--yes", *STORE)
    # then
    assert again.returncode == 2
    assert "was restored already" in again.stderr


def test_an_unknown_source_and_a_time_that_cannot_be_read_are_errors(tmp_path: Path) -> None:
    # given
    filled(tmp_path)
    # when
    unknown = kith(tmp_path, "revoke-source", "nobody", "--yes", *STORE)
    unreadable = kith(tmp_path, "revoke-source", "partner", "--to", "yesterday", "--yes", *STORE)
    # then
    assert (unknown.returncode, unreadable.returncode) == (2, 2)
    assert "nothing is recorded from source 'nobody'" in unknown.stderr
    assert "--to: 'yesterday'" in unreadable.stderr
    assert "Traceback" not in unknown.stderr + unreadable.stderr
