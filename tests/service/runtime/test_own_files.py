"""Files of the service: made as a whole, and for their owner."""

from pathlib import Path

import pytest

from service.runtime.own_files import create_secret, exposure, replace_secret


def test_a_secret_is_made_once_and_is_for_its_owner(tmp_path: Path) -> None:
    # given
    path = tmp_path / "key"
    # when
    first, second = create_secret(path, b"one"), create_secret(path, b"two")
    # then
    assert (first, second) == (True, False)
    assert path.read_bytes() == b"one"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_link_refers_to_is_replaced(tmp_path: Path) -> None:
    # given
    path, link = tmp_path / "key", tmp_path / "link"
    create_secret(path, b"one")
    link.symlink_to(path)
    # when
    replace_secret(link, b"two")
    # then
    assert path.read_bytes() == b"two"
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert {*tmp_path.iterdir()} == {path, link}


@pytest.mark.parametrize(
    ("mode", "who"),
    [
        (0o400, ""),
        (0o600, ""),
        (0o640, ""),
        (0o660, "the group of the file"),
        (0o644, "every user of the machine"),
        (0o602, "every user of the machine"),
    ],
)
def test_who_else_may_read_or_change_a_file_is_named(tmp_path: Path, mode: int, who: str) -> None:
    path = tmp_path / "key"
    path.touch(mode)
    path.chmod(mode)
    assert exposure(path) == who
