"""The file with the keys of erasure."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from service.privacy.keys import KeyFile
from tests.builders.audits import MONDAY
from tests.builders.erasures import MINUTE, key_file


def test_a_file_is_made_once(tmp_path: Path) -> None:
    # given
    file, keys = key_file(tmp_path)
    # when
    again = file.create(MONDAY + MINUTE)
    # then
    assert again == keys
    assert KeyFile(file.path).keys() == keys
    assert [version.version for version in keys.versions] == [1]
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_does_not_exist_has_no_keys(tmp_path: Path) -> None:
    assert KeyFile(tmp_path / "erasure-keys").keys() is None


def test_a_version_is_used_from_its_time_and_the_ones_before_stay(tmp_path: Path) -> None:
    # given
    file, before = key_file(tmp_path)
    other = KeyFile(file.path)
    other.keys()
    # when
    added = file.rotate(MONDAY + 1, MONDAY + MINUTE)
    # then: another process reads the file again
    keys = other.keys()
    assert keys is not None
    assert keys.versions == (*before.versions, added)
    assert keys.current(MONDAY + MINUTE - 1).version == 1
    assert keys.current(MONDAY + MINUTE) == added
    assert keys.find(2) == added
    assert keys.find(3) is None
    # and a second rotation waits until the first one is in use
    with pytest.raises(InvalidInput, match="version 2, which is not in use yet"):
        file.rotate(MONDAY + 2, MONDAY + MINUTE)
    assert file.rotate(MONDAY + MINUTE, MONDAY + MINUTE).version == 3


def test_rotating_requires_a_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="kith erasure-keys create"):
        KeyFile(tmp_path / "erasure-keys").rotate(MONDAY, MONDAY)


@pytest.mark.parametrize(("mode", "who"), [(0o644, "every user of the machine"), (0o660, "the group of the file")])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int, who: str) -> None:
    # given
    file, _ = key_file(tmp_path)
    # when
    file.path.chmod(mode)
    # then: also in a process that has read it before
    with pytest.raises(InvalidInput, match=f"KITH_ERASURE_KEYS: .* is open to {who}"):
        file.keys()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"{}",
        b'{"versions":[]}',
        b'{"versions":[{"version":1,"created":0,"used_from":0,"hashing":"c2hvcnQ=","signing":"c2hvcnQ="}]}',
    ],
)
def test_a_file_of_another_kind_is_refused_without_its_content(tmp_path: Path, content: bytes) -> None:
    # given
    file, _ = key_file(tmp_path)
    file.path.write_bytes(content)
    # when / then
    with pytest.raises(InvalidInput) as raised:
        KeyFile(file.path).keys()
    assert raised.value.message == f"KITH_ERASURE_KEYS: {file.path} is not a file of erasure keys"


def test_a_check_value_is_that_of_one_secret_and_nothing_prints_secrets(tmp_path: Path) -> None:
    # given
    file, _ = key_file(tmp_path)
    file.rotate(MONDAY, MONDAY)
    keys = file.keys()
    assert keys is not None
    first, second = keys.versions
    # then
    assert first.check_value != second.check_value
    assert repr(keys) == "ErasureKeys(versions=(KeyVersion(1), KeyVersion(2)))"
