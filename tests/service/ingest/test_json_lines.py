"""Lines of NDJSON in all encodings, and JSON that is not in lines."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from tests.builders.input_files import read_file

LINE = '{"source": "café", "identifiers": [{"namespace": "email", "value": "a@example.com"}]}\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_a_file_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    # when
    file = read_file(tmp_path / "f.ndjson", f"{LINE}\n{LINE}".encode(encoding))
    # then
    assert {line: statement.source for line, statement in file.accepted.items()} == {1: "café", 3: "café"}
    assert (file.rows, file.blank) == (3, 1)
    assert file.lines[-1].read_bytes == (tmp_path / "f.ndjson").stat().st_size


def test_a_line_that_is_not_in_the_encoding_of_the_file_costs_itself(tmp_path: Path) -> None:
    # when
    utf8 = read_file(tmp_path / "f.ndjson", LINE.encode() + LINE.encode("cp1252") + LINE.encode())
    given = read_file(tmp_path / "f.ndjson", LINE.encode() + b'{"source": "\x81"}\n' + LINE.encode(), encoding="cp1252")
    # then
    assert utf8.rejected == {2: "is not UTF-8"}
    assert given.rejected == {2: "has bytes that are not in the encoding of the file"}
    assert given.lines[1].text == '{"source": "\\x81"}'


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("[\n" + LINE.strip() + "\n]\n", "a list"),
        ("[" + LINE.strip() + "]\n\n", "a list"),
        ("[" + LINE.strip() + ",\n" + LINE.strip() + "]", "a list"),
        ('{\n  "source": "crm"\n}\n', "an object over several lines"),
        ('\n{"source": "crm",\n "id": "1"}\n', "an object over several lines"),
    ],
)
def test_json_that_is_not_in_lines_is_an_error_of_the_file(tmp_path: Path, content: str, kind: str) -> None:
    with pytest.raises(InvalidInput, match=rf"f\.ndjson is not one JSON object a line, but {kind}"):
        read_file(tmp_path / "f.ndjson", content)


@pytest.mark.parametrize("first", ["[1]", '{"source": "crm",', "nope", "{nope}"])
def test_a_first_line_that_is_broken_costs_itself(tmp_path: Path, first: str) -> None:
    # when
    file = read_file(tmp_path / "f.ndjson", f"{first}\n{LINE}")
    # then
    assert (list(file.rejected), list(file.accepted)) == ([1], [2])
