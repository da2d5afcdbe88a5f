"""Which files of a watched folder are whole, and where they go."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from service.connectors.folder import Folder


def watched(tmp_path: Path) -> Folder:
    return Folder(tmp_path, tmp_path / "done", tmp_path / "failed")


def test_a_file_is_whole_once_two_looks_find_it_the_same(tmp_path: Path) -> None:
    # given
    folder = watched(tmp_path)
    file = tmp_path / "a.csv"
    file.write_text("id\n")
    # then
    assert folder.look() == []
    assert folder.has_files()
    assert folder.look() == [file]
    # when: it grows
    file.write_text("id\n1\n")
    # then
    assert folder.look() == []
    assert folder.look() == [file]


def test_files_that_are_being_written_links_and_folders_are_left(tmp_path: Path) -> None:
    # given
    folder = watched(tmp_path)
    for name in ("a.csv.part", "b.TMP", ".c.csv", "~d.xlsx", "e.csv~", "f.csv.filepart"):
        (tmp_path / name).write_text("id\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "link.csv").symlink_to("/etc/passwd")
    # when
    folder.look()
    # then
    assert folder.look() == []
    assert not folder.has_files()


def test_a_file_that_was_read_moves_with_its_report_and_replaces_none(tmp_path: Path) -> None:
    # given
    folder = watched(tmp_path)
    places = []
    for number in range(3):
        file = tmp_path / "a.csv"
        file.write_text(str(number))
        folder.report_of(file).write_text(f"report {number}")
        places.append(folder.finish(file, has_failed=True))
    # then
    assert [place.name for place in places] == ["a.csv", "a.2.csv", "a.3.csv"]
    assert [place.read_text() for place in places] == ["0", "1", "2"]
    assert (tmp_path / "failed" / "a.2.csv-report.ndjson").read_text() == "report 1"
    assert not folder.has_files()


def test_one_process_at_a_time_watches_a_folder(tmp_path: Path) -> None:
    # given
    folder = watched(tmp_path)
    # when
    with pytest.raises(InvalidInput, match="is watched by another process"):
        watched(tmp_path)
    # then: others can be watched, and this one once it is closed
    (tmp_path / "other").mkdir()
    watched(tmp_path / "other").close()
    folder.close()
    watched(tmp_path).close()


@pytest.mark.parametrize(("done", "reason"), [(".", "is the watched folder itself"), ("/dev/shm/kith", "file system")])
def test_files_must_have_somewhere_to_go(tmp_path: Path, done: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        Folder(tmp_path, tmp_path / done, tmp_path / "failed")
