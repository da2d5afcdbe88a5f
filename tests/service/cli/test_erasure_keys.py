"""`kith erasure-keys`, run as a process."""

import re
from pathlib import Path

import pytest

from service.privacy.keys import KeyFile
from service.privacy.public_keys import thumbprint
from tests.builders.services import kith


def rows(folder: Path) -> list[list[str]]:
    """What `kith erasure-keys list` prints, without the heading."""
    done = kith(folder, "erasure-keys", "list")
    return [re.split(r"  +", line) for line in done.stdout.splitlines()[1:]]


def test_keys_are_made_rotated_and_listed_without_secrets(tmp_path: Path) -> None:
    # when
    made = kith(tmp_path, "erasure-keys", "create")
    # then
    path = tmp_path / "kith.db-erasure-keys"
    assert made.stdout == "made kith.db-erasure-keys: back it up, apart from backups of the store\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [(row[0], row[3]) for row in rows(tmp_path)] == [("1", "current")]
    # when
    later = kith(tmp_path, "erasure-keys", "rotate")
    # then
    assert later.stdout.startswith("version 2 is used from ")
    assert [(row[0], row[3]) for row in rows(tmp_path)] == [("1", "current"), ("2", "later")]
    # when
    refused = kith(tmp_path, "erasure-keys", "rotate", "--after-minutes", "0")
    again = kith(tmp_path, "erasure-keys", "create")
    # then
    assert (refused.returncode, again.returncode) == (2, 2)
    assert "version 2, which is not in use yet" in refused.stderr
    assert "exists already" in again.stderr
    keys = KeyFile(path).keys()
    assert keys is not None
    assert [row[4] for row in rows(tmp_path)] == [thumbprint(one.signing_key.public_key()) for one in keys.versions]


def test_a_new_version_may_be_used_at_once(tmp_path: Path) -> None:
    kith(tmp_path, "erasure-keys", "create")
    kith(tmp_path, "erasure-keys", "rotate", "--after-minutes", "0")
    assert [(row[0], row[3]) for row in rows(tmp_path)] == [("1", "earlier"), ("2", "current")]


def test_the_setting_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere"
    (tmp_path / ".env").write_text(f"KITH_ERASURE_KEYS={path}\n")
    kith(tmp_path, "erasure-keys", "create")
    assert KeyFile(path).keys() is not None


@pytest.mark.parametrize("command", ["rotate", "list"])
def test_without_a_file_the_command_that_makes_it_is_named(tmp_path: Path, command: str) -> None:
    done = kith(tmp_path, "erasure-keys", command)
    assert done.returncode == 2
    assert "KITH_ERASURE_KEYS: kith.db-erasure-keys does not exist: make it with" in done.stderr
    assert len(done.stderr.splitlines()) == 1
