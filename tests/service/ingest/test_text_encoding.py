"""Encodings are found from the bytes of a file, and lines that cannot be decoded are marked."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from service.ingest.text_encoding import CHUNK_BYTES, Encoding, find_encoding
from service.ingest.text_lines import TextLines, is_broken, shown

TEXT = "name\nMüller\nGroß\n"


@pytest.mark.parametrize(
    ("content", "name", "mark"),
    [
        (b"", "utf-8", 0),
        (b"plain\n", "utf-8", 0),
        (TEXT.encode(), "utf-8", 0),
        (TEXT.encode("utf-8-sig"), "utf-8", 3),
        (TEXT.encode("utf-16"), "utf-16-le", 2),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16-be", 2),
        (TEXT.encode("utf-16-le"), "utf-16-le", 0),
        (TEXT.encode("utf-16-be"), "utf-16-be", 0),
        (TEXT.encode("utf-32"), "utf-32-le", 4),
        (TEXT.encode("cp1252"), "cp1252", 0),
        (TEXT.encode() + "Ärger\n".encode("cp1252"), "utf-8", 0),
        (b"a\n" * CHUNK_BYTES + TEXT.encode("cp1252"), "cp1252", 0),
        (TEXT.encode() * (CHUNK_BYTES // 8), "utf-8", 0),
    ],
)
def test_the_encoding_is_found_from_the_bytes(tmp_path: Path, content: bytes, name: str, mark: int) -> None:
    # given
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    # when
    encoding = find_encoding(path)
    # then
    assert (encoding.name, encoding.mark) == (name, mark)


def test_a_guess_is_said_with_the_option_that_decides_otherwise(tmp_path: Path) -> None:
    # given
    path = tmp_path / "f.csv"
    path.write_bytes(TEXT.encode("cp1252"))
    # then
    assert find_encoding(path).finding == (
        "encoding cp1252, because 2 lines are not UTF-8; --encoding chooses another one"
    )


@pytest.mark.parametrize(
    ("chosen", "name"), [("UTF8", "utf-8"), ("latin1", "iso8859-1"), ("utf-16", "utf-16-le"), ("utf-8-sig", "utf-8")]
)
def test_a_chosen_encoding_is_used(tmp_path: Path, chosen: str, name: str) -> None:
    # given
    path = tmp_path / "f.csv"
    path.write_bytes(TEXT.encode())
    # then
    assert find_encoding(path, chosen).name == name


@pytest.mark.parametrize(
    "chosen", ["klingon", "rot13", "base64", "undefined", "\0", "idna", "punycode", "unicode_escape"]
)
def test_an_unknown_encoding_is_invalid_input(tmp_path: Path, chosen: str) -> None:
    # given
    path = tmp_path / "f.csv"
    path.write_bytes(TEXT.encode())
    # then
    with pytest.raises(InvalidInput, match=r"encoding .* is not known"):
        find_encoding(path, chosen)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("utf-8", b"a\nb\xff\nc\n"),
        ("cp1252", b"a\nb\x81\nc\n"),
        ("utf-16-le", "a\nb".encode("utf-16-le") + b"\x00\xd8" + "\nc\n".encode("utf-16-le")),
    ],
)
def test_only_the_line_with_invalid_bytes_is_broken(tmp_path: Path, name: str, content: bytes) -> None:
    # given
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    # when
    lines = list(TextLines(path, Encoding(name, 0, "")))
    # then
    assert [is_broken(line) for line in lines] == [False, True, False]
    assert shown(lines[1]).startswith("b\\x")


def test_lines_that_are_pushed_back_are_read_again(tmp_path: Path) -> None:
    # given
    path = tmp_path / "f.csv"
    path.write_bytes("a\nä\r\nc\rd".encode())
    lines = TextLines(path, Encoding("utf-8", 0, ""))
    first, *others = lines
    assert (lines.line, lines.read_bytes) == (4, 9)
    # when
    lines.push_back(others)
    # then
    assert (first, lines.line, lines.read_bytes) == ("a\n", 1, 2)
    assert list(lines) == others == ["ä\r\n", "c\r", "d"]
    lines.close()
