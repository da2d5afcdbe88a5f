"""Folders of exports: on this machine and at URLs; a file has its name once it is complete."""

import hashlib
import uuid
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from service.export.folders import Folder, open_folder


@pytest.fixture(params=["path", "memory", "file"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """A folder of each kind, which does not exist yet."""
    name = {
        "path": str(tmp_path / "out"),
        "memory": f"memory://{uuid.uuid4()}/out",
        "file": f"{(tmp_path / 'out').as_uri()}/",
    }[request.param]
    return open_folder(name)


def test_a_file_is_hashed_and_has_its_name_at_the_end(folder: Folder) -> None:
    # given
    assert (folder.names(), folder.read("a.csv"), folder.size("a.csv")) == ([], None, None)
    # when
    with folder.write("a.csv") as file:
        file.write(b"one,")
        file.write(memoryview(b"two"))
        assert folder.read("a.csv") is None
    # then
    assert (folder.names(), folder.read("a.csv"), folder.size("a.csv")) == (["a.csv"], b"one,two", 7)
    assert (file.bytes, file.sha256) == (7, hashlib.sha256(b"one,two").hexdigest())


def test_what_was_cut_off_is_written_again(folder: Folder) -> None:
    # given
    with pytest.raises(TypeError), folder.write("a.csv") as file:
        file.write(None)
    assert folder.read("a.csv") is None
    # when
    with folder.write("a.csv") as file:
        file.write(b"all")
    # then
    assert (folder.names(), folder.read("a.csv")) == (["a.csv"], b"all")


def test_files_are_copied_in_and_out_and_removed(folder: Folder, tmp_path: Path) -> None:
    # given
    (tmp_path / "here").write_bytes(b"states")
    # when
    folder.copy_in(tmp_path / "here", "_states/a.sqlite")
    folder.copy_out("_states/a.sqlite", tmp_path / "there")
    # then
    assert (tmp_path / "there").read_bytes() == b"states"
    assert folder.names() == ["_states"]
    folder.remove("_states/a.sqlite")
    folder.remove("_states/a.sqlite")
    assert folder.read("_states/a.sqlite") is None


def test_nobody_else_reads_what_is_on_this_machine(tmp_path: Path) -> None:
    with open_folder(str(tmp_path / "out")).write("a.csv") as file:
        file.write(b"ann")
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / "out", tmp_path / "out" / "a.csv")] == [0, 0]


def test_a_url_of_no_file_system_is_named() -> None:
    with pytest.raises(InvalidInput, match="fax://"):
        open_folder("fax://1")
