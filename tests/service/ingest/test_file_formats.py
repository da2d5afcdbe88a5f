"""Every data row of a file is accepted, rejected or blank, whatever is in the file."""

import csv
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from tests.builders.input_files import read_file
from tests.builders.repository import ROOT

FILES = Path(__file__).parent / "files"
EXAMPLES = ROOT / "examples"
HEADERS = {".csv": 1, ".ndjson": 0}
UNREADABLE = "05-two-phone-columns.csv"
"""The file whose header is rejected."""
PATHS = sorted(path for folder in (FILES, EXAMPLES / "shop") for path in folder.iterdir() if path.suffix in HEADERS)


@pytest.mark.parametrize("path", [path for path in PATHS if path.name != UNREADABLE], ids=lambda path: path.name)
def test_the_rows_that_are_read_are_the_rows_of_the_file(path: Path) -> None:
    # when
    file = read_file(path)
    # then: each line of the file is in exactly one line that was read
    lines = path.read_bytes().splitlines(keepends=True)
    in_cells_with_line_breaks = 1 if path.name.startswith("07-") else 0
    assert file.rows == len(lines) - HEADERS[path.suffix] - in_cells_with_line_breaks
    assert file.lines[-1].read_bytes == path.stat().st_size
    assert len({line.line for line in file.lines}) == len(file.lines)


@pytest.mark.parametrize(
    "path", [path for path in PATHS if path.suffix == ".csv" and "example" in str(path)], ids=lambda path: path.name
)
def test_the_examples_are_read_as_the_csv_module_reads_them(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as rows:
        assert read_file(path).rows == sum(1 for _ in csv.DictReader(rows))


def test_a_file_that_does_not_exist_is_invalid_input(tmp_path: Path) -> None:
    for name in ("f.csv", "f.ndjson", "f.xlsx", "f.parquet"):
        with pytest.raises(InvalidInput, match="cannot be read"):
            read_file(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("08-epoch-milliseconds.ndjson", 5),
        ("13-database-times.csv", 8),
        ("14-null-value.ndjson", 3),
        ("15-semicolon.csv", 2),
    ],
)
def test_files_as_offices_write_them(name: str, accepted: int) -> None:
    assert len(read_file(FILES / name).accepted) == accepted
