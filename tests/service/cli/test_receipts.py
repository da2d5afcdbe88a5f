"""`kith receipt verify`, run as a process."""

from pathlib import Path

import pytest

from service.privacy.keys import KeyFile
from service.privacy.receipts import signed
from tests.builders.audits import MONDAY
from tests.builders.erasures import MINUTE, RECEIPT, key_file
from tests.builders.services import kith


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a receipt, and the public keys of the service that signed it."""
    file, keys = key_file(tmp_path)
    (tmp_path / "receipt.json").write_text(signed(RECEIPT, keys.versions[0]))
    file.rotate(MONDAY, MONDAY + MINUTE)
    rotated = file.keys()
    assert rotated is not None
    (tmp_path / "public.json").write_bytes(rotated.public.encoded())
    return tmp_path


def test_a_receipt_is_verified_offline_with_saved_keys(folder: Path) -> None:
    # when
    done = kith(folder, "receipt", "verify", "receipt.json", "--keys", "public.json")
    # then
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("valid: signed with the key ")
    assert done.stdout.splitlines()[1:] == [
        "erasure era_1 (erased) of 2026-01-05T08:00:00Z, request ticket 4711",
        f"by officer, plan {'ab' * 32}",
        "customers: cus_1, cus_0",
        "erased: 1 held orders, 6 observations",
        "not to be stored again: 1 identifiers",
        "kept: 1 identifiers of device_id, because of SHARED",
        "kept: 1 orders, because of tax law, until 2026-01-06T08:00:00Z",
        "acknowledged by newsletter at 2026-01-05T08:01:00Z",
    ]
    assert not (folder / "kith.db").exists()


def test_a_changed_receipt_is_not_valid(folder: Path) -> None:
    # given
    text = (folder / "receipt.json").read_text()
    (folder / "receipt.json").write_text(text.replace('"observations":6', '"observations":7'))
    # when
    done = kith(folder, "receipt", "verify", "receipt.json", "--keys", "public.json")
    # then
    assert done.returncode == 1
    assert done.stdout.startswith("not valid: its content or its signature was changed")


def test_without_public_keys_those_of_the_setting_are_used(folder: Path) -> None:
    # given
    missing = kith(folder, "receipt", "verify", "receipt.json")
    assert missing.returncode == 2
    assert "pass --keys FILE" in missing.stderr
    # when
    (folder / ".env").write_text(f"KITH_ERASURE_KEYS={folder / 'erasure-keys'}\n")
    done = kith(folder, "receipt", "verify", "receipt.json")
    # then
    assert done.returncode == 0
    # when the keys are those of another service
    KeyFile(folder / "other").create(MONDAY)
    (folder / ".env").write_text(f"KITH_ERASURE_KEYS={folder / 'other'}\n")
    done = kith(folder, "receipt", "verify", "receipt.json")
    # then
    assert done.returncode == 1
    assert "not among the public keys" in done.stdout


def test_a_file_without_keys_is_a_mistake(folder: Path) -> None:
    done = kith(folder, "receipt", "verify", "receipt.json", "--keys", "receipt.json")
    assert done.returncode == 2
    assert "--keys: receipt.json: it is not a key set" in done.stderr
