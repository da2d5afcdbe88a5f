"""Read the lines of NDJSON."""

from itertools import islice
from pathlib import Path

import orjson

from graph.domain.model.errors import InvalidInput
from service.ingest.raw_lines import Lines, RawLine
from service.ingest.table_rows import rejected
from service.ingest.text_encoding import Encoding
from service.ingest.text_lines import NOT_DECODED, TextLines, is_broken, shown


def read_lines(path: Path, encoding: Encoding) -> Lines:
    """Yield the lines of a file as UTF-8."""
    return _utf8_lines(path, encoding) if encoding.is_utf8 else _decoded_lines(path, encoding)


def _utf8_lines(path: Path, encoding: Encoding) -> Lines:
    read_bytes = encoding.mark
    with path.open("rb") as file:
        file.seek(encoding.mark)
        for number, line in enumerate(file, 1):
            read_bytes += len(line)
            # Most lines begin with their object, and are not blank.
            yield RawLine(number, read_bytes, line) if line[0] == 123 or line.strip() else None


def _decoded_lines(path: Path, encoding: Encoding) -> Lines:
    lines = TextLines(path, encoding)
    try:
        for line in lines:
            if not line.strip():
                yield None
            elif is_broken(line):
                yield rejected(lines.line, lines.read_bytes, NOT_DECODED, shown(line))
            else:
                yield RawLine(lines.line, lines.read_bytes, line.encode())
    finally:
        lines.close()


def check_lines(path: Path, encoding: Encoding) -> None:
    """Raise `InvalidInput` if a file is one JSON text over several lines, or a list in one line.

    A first line that is broken in another way costs itself alone.
    """
    found = (line.value for line in read_lines(path, encoding) if line is not None)
    first, second = (*(value for value in islice(found, 2) if isinstance(value, bytes)), b"", b"")[:2]
    first, second = first.strip(), second.strip()
    is_list = first.startswith(b"[") and (not second or not _is_json(first))
    if is_list or (first.startswith(b"{") and second and second[:1] != b"{" and not _is_json(first)):
        kind = "a list" if is_list else "an object over several lines"
        message = f"{path} is not one JSON object a line, but {kind}; jq -c '{'.[]' if is_list else '.'}' writes lines"
        raise InvalidInput("INVALID_FILE", message)


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True
