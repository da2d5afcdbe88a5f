"""Files with records of other systems: tables and lines of any size, and documents of JSON or XML."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct

from graph.domain.model.errors import InvalidInput, Problem
from service.connectors.mapping import RecordMapping
from service.connectors.unpack import GZIP, unpack
from service.ingest.any_columns import AnyColumns
from service.ingest.file_formats import TEXT_TABLES, InputFile, open_with
from service.ingest.json_objects import parse_object
from service.ingest.raw_lines import RawLine, ReadOptions
from service.ingest.text_encoding import find_encoding
from service.ingest.xlsx_rows import SUFFIXES

MAX_DOCUMENT_BYTES = 256_000_000
"""Length of a file that is one document, which is held in memory as a whole."""
_FIRST_LINE_BYTES = 1_000_000
_LINES = frozenset({".ndjson", ".jsonl"})
_TABLES = TEXT_TABLES | SUFFIXES | {".parquet"}
_DOCUMENTS = {".json": "json", ".xml": "xml"}
_OF_FORMAT = {"csv": ".csv", "tsv": ".tsv", "ndjson": ".ndjson"}


class FileRecord(Struct, frozen=True):
    """A record of a file and what came beside it. If the line cannot be read, its value is the problem."""

    line: RawLine
    record: Any
    beside: Mapping[str, Any]


class RecordFile:
    """An open file. `findings` say what was found out about it; `blank` counts its blank lines as they are read."""

    def __init__(self, path: Path, mapping: RecordMapping, lines: InputFile | None, format: str) -> None:
        self._path, self._mapping, self._lines, self._format = path, mapping, lines, format
        self.findings = lines.findings if lines is not None else (f"one document of {format}",)

    @property
    def blank(self) -> int:
        """The number of its blank lines so far."""
        return 0 if self._lines is None else self._lines.blank

    def records(self) -> Iterator[FileRecord]:
        """Yield the records. Raises `InvalidInput` if a document cannot be read, before the first."""
        beside = {"file": self._path.name}
        if self._lines is None:
            yield from self._of_document(beside)
            return
        for line in self._lines.lines():
            content = parse_object(line.value) if isinstance(line.value, bytes) else line.value
            if isinstance(content, Problem):
                yield FileRecord(line, content, beside)
                continue
            records, came_with = self._mapping.split(content, beside)
            for record in records:
                yield FileRecord(line, record, came_with)

    def _of_document(self, beside: Mapping[str, Any]) -> Iterator[FileRecord]:
        size = self._path.stat().st_size
        if size > MAX_DOCUMENT_BYTES:
            message = (
                f"{self._path} is one document of {size} bytes, which is too large to be read as a whole: write a "
                "record a line (NDJSON), for example with jq -c '.[]'"
            )
            raise InvalidInput("INVALID_FILE", message)
        try:
            content = unpack(self._path.read_bytes(), self._format)
        except InvalidInput as error:
            raise InvalidInput("INVALID_FILE", f"{self._path}: {error.message}") from error
        records, came_with = self._mapping.split(content, beside)
        for number, record in enumerate(records, 1):
            yield FileRecord(RawLine(number, size * number // len(records), record), record, came_with)


def open_records(path: Path, mapping: RecordMapping, options: ReadOptions) -> RecordFile:
    """Find how a file is written: by its ending, else by the format of the mapping.

    Raises `InvalidInput` that names the file if it cannot be used as a whole, and `FileNotFoundError` if it is gone.
    """
    try:
        _check_is_not_compressed(path)
        suffix = _suffix(path, mapping.format)
        if suffix in _DOCUMENTS or suffix == "":
            return RecordFile(path, mapping, None, _DOCUMENTS.get(suffix, mapping.format))
        return RecordFile(path, mapping, open_with(path, AnyColumns(), options, suffix), "")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InvalidInput("INVALID_FILE", f"{path} cannot be read: {error.strerror}") from error


def _suffix(path: Path, format: str) -> str:
    """The ending that says how a file is to be read; empty for a document of the format of the mapping."""
    suffix = path.suffix.lower()
    if suffix not in _TABLES | _LINES | _DOCUMENTS.keys():
        suffix = _OF_FORMAT.get(format, ".json" if format == "json" else "")
        if format == "feed":
            suffix = _suffix_of_feed(path)
    return ".ndjson" if suffix == ".json" and _is_lines(path) else suffix


def _check_is_not_compressed(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(2) == GZIP:
            raise InvalidInput("INVALID_FILE", f"{path} is compressed with gzip: decompress it first")


def _suffix_of_feed(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4096)
    return ".xml" if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else ".tsv"


def _is_lines(path: Path) -> bool:
    """Whether a file of JSON has a JSON text in its first line, and more lines behind it."""
    with path.open("rb") as file:
        file.seek(find_encoding(path).mark)
        first = file.readline(_FIRST_LINE_BYTES)
        if not first.endswith(b"\n") or not file.read(4096).strip():
            return False
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return True
