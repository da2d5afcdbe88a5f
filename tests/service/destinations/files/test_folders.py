"""A folder of this machine: whole files or none, for their owner and group."""

from pathlib import Path

import pytest

from service.destinations.files.folders import FolderError, LocalFolder


def test_a_file_is_whole_and_for_its_owner_and_group(tmp_path: Path) -> None:
    # given
    folder = LocalFolder(tmp_path)
    # when
    folder.write("a.csv", b"x" * 100_000)
    # then
    assert folder.names() == ["a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == b"x" * 100_000
    assert (tmp_path / "a.csv").stat().st_mode & 0o137 == 0


def test_what_is_deleted_may_be_gone(tmp_path: Path) -> None:
    # given
    folder = LocalFolder(tmp_path)
    folder.write("a.csv", b"x")
    (tmp_path / "sub").mkdir()
    # when
    folder.delete(["a.csv", "b.csv"])
    # then
    assert folder.names() == []
    folder.close()


def test_a_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    # given
    folder = LocalFolder(tmp_path / "mount")
    # then
    for what in (lambda: folder.write("a.csv", b"x"), folder.names):
        with pytest.raises(FolderError, match="No such file or directory"):
            what()
    assert not (tmp_path / "mount").exists()


def test_nothing_is_left_of_a_file_that_cannot_be_named(tmp_path: Path) -> None:
    # given
    (tmp_path / "a.csv" / "full").mkdir(parents=True)
    # when
    with pytest.raises(FolderError, match="cannot be written"):
        LocalFolder(tmp_path).write("a.csv", b"x")
    # then
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
