"""Find the cells of an Excel file that the library that reads the others leaves out.

These are errors such as `#N/A`, and formulas without a result: the program that wrote the file did not compute them.
"""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from zipfile import BadZipFile, ZipFile

CHUNK_BYTES = 1 << 20
MAX_CELL_BYTES = 50_000
"""Bytes of the XML of a cell with a formula, which has up to 8,192 characters."""

_SHEET = re.compile(r'<(?:\w+:)?sheet [^>]*?name="(?P<name>[^"]*)"[^>]*?r:id="(?P<id>[^"]*)"')
_RELATION = re.compile(r"<Relationship [^>]*>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_CELL = re.compile(
    rb"<(?:\w+:)?c (?P<attributes>[^>]*[^/>])>\s*"
    rb"(?P<formula><(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*)?"
    rb"(?:<(?:\w+:)?v(?:\s[^>]*)?(?:/>|>(?P<value>[^<]*)</(?:\w+:)?v>)\s*)?"
    rb"</(?:\w+:)?c>"
)
"""A cell with a formula, a value or both, as a whole."""
_PLACE = re.compile(rb'\br="(?P<column>[A-Z]{1,3})(?P<row>[0-9]+)"')
_TYPE = re.compile(rb'\bt="(\w+)"')
NO_RESULT = ""
"""In place of the code of an error: the cell is a formula without a result."""


def special_cells(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """Return the errors of a sheet, and `NO_RESULT`, by the index of their row and column.

    The result is empty if the file is not of Excel's format.
    """
    try:
        with ZipFile(path) as archive:
            name = _part(archive, sheet)
            return {place: error for chunk in _chunks(archive, name) for place, error in _special(chunk)}
    except (BadZipFile, KeyError, OSError, UnicodeDecodeError):
        return {}


def _part(archive: ZipFile, sheet: str) -> str:
    """Return the name of the part of the archive that holds a sheet; raises `KeyError`."""
    ids = {unescape(m["name"]): m["id"] for m in _SHEET.finditer(archive.read("xl/workbook.xml").decode())}
    relations = _RELATION.findall(archive.read("xl/_rels/workbook.xml.rels").decode())
    targets = {found["Id"]: found["Target"] for found in (dict(_ATTRIBUTE.findall(text)) for text in relations)}
    target = targets[ids[sheet]]
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _chunks(archive: ZipFile, name: str) -> Iterator[bytes]:
    """Yield parts of a sheet that overlap, so that each cell is in one of them as a whole."""
    with archive.open(name) as file:
        tail = b""
        while chunk := file.read(CHUNK_BYTES):
            yield tail + chunk
            tail = (tail + chunk)[-MAX_CELL_BYTES:]


def _special(xml: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    if b't="e"' not in xml and b"<f" not in xml and b":f" not in xml:
        return
    for match in _CELL.finditer(xml):
        attributes, value = match["attributes"], match["value"]
        kind = _TYPE.search(attributes)
        if kind is not None and kind[1] == b"e" and value:
            error = value.decode("utf-8", "replace")
        elif match["formula"] is not None and not value and not _is_empty_text(kind, value):
            error = NO_RESULT
        else:
            continue
        place = _PLACE.search(attributes)
        if place is None:
            continue
        column = 0
        for letter in place["column"]:
            column = column * 26 + letter - 64
        yield (int(place["row"]) - 1, column - 1), error


def _is_empty_text(kind: re.Match[bytes] | None, value: bytes | None) -> bool:
    """Whether a formula has the result "", which Excel stores as an empty value of a text."""
    return kind is not None and kind[1] == b"str" and value is not None
