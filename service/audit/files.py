"""The files of an audit log: their names, and reading them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from graph.domain.model.dates import DAY, SECOND
from service.runtime.hash_chain import HashChain, Line, parse

CHAIN = HashChain("kith-audit-1")
"""What links the lines of each file."""
SUFFIX = ".jsonl"
CHECKPOINTS = "checkpoints"
"""The name of the file with the checkpoints, if they are not kept elsewhere."""
_NAME = re.compile(r"(\d{8}T\d{6})-.+\.jsonl")
_TIME = "%Y%m%dT%H%M%S"
VERSION = 2
"""The version of the format, which the first line of a file states."""
VERSION_WITH_DECISIONS = 2
"""The version from which on consent decisions are logged."""
CHUNK = 1 << 18
"""Bytes that are read at once: between two reads, other threads have their turn."""


def name(host: str, process: int, began: int, number: int) -> str:
    """Return the name of a file that a process of a host began at a time (microseconds); `number` makes it unique."""
    time = datetime.fromtimestamp(began // SECOND, UTC).strftime(_TIME)
    return f"{time}-{re.sub(r'[^A-Za-z0-9._]', '_', host)[:60]}-{process}-{number}{SUFFIX}"


def began(name: str) -> int | None:
    """Return when a file was begun, in microseconds, from its name; `None` for a file that is not part of a log."""
    found = _NAME.fullmatch(name)
    try:
        return found and int(datetime.strptime(found[1], _TIME).replace(tzinfo=UTC).timestamp()) * SECOND
    except ValueError:
        return None


def end_of_day(time: int) -> int:
    """Return the first microsecond of the next day in UTC."""
    return (time // DAY + 1) * DAY


def names(folder: Path) -> list[str]:
    """Return the names of the files of a log, oldest first."""
    return sorted(path.name for path in folder.glob(f"*{SUFFIX}") if began(path.name) is not None)


def lines(path: Path) -> Iterator[tuple[Line | None, bool]]:
    """Yield the lines of a file from its beginning, `None` for one that cannot be read, and whether each is complete.

    A process that is killed may leave half a line at the end.
    """
    with path.open("rb") as file:
        for text in file:
            yield parse(text), text.endswith(b"\n")


def entry(line: Line) -> dict[str, Any] | None:
    """Return the entry of a line; `None` if it has expired or is not an object."""
    if line.e is None:
        return None
    try:
        value = orjson.loads(line.e)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def newest_lines(path: Path, needles: tuple[bytes, ...]) -> Iterator[bytes]:
    """Yield the complete lines of a file that contain one of some texts, last line first; all lines without texts."""
    with path.open("rb") as file:
        position = file.seek(0, 2)
        # What follows the last line break is half a line, or nothing.
        rest, is_end = b"", True
        while position:
            size = min(CHUNK, position)
            position -= size
            file.seek(position)
            chunk = file.read(size) + rest
            begin = 0 if position == 0 else chunk.find(b"\n") + 1
            if begin == 0 and position:
                rest = chunk
                continue
            end = chunk.rfind(b"\n") + 1 if is_end else len(chunk)
            rest, is_end = chunk[:begin], False
            yield from _matching(chunk, begin, end, needles)


def _matching(chunk: bytes, begin: int, end: int, needles: tuple[bytes, ...]) -> Iterator[bytes]:
    """Yield the lines of a part of a chunk, last first, that contain one of some texts."""
    if not needles:
        # Every line of the part ends with a line break, so what follows the last one is empty.
        yield from reversed(chunk[begin:end].split(b"\n")[:-1])
        return
    starts: set[int] = set()
    for needle in needles:
        found = chunk.find(needle, begin, end)
        while found >= 0:
            starts.add(chunk.rfind(b"\n", begin, found) + 1 or begin)
            after = chunk.find(b"\n", found, end)
            found = -1 if after < 0 else chunk.find(needle, after, end)
    for start in sorted(starts, reverse=True):
        stop = chunk.find(b"\n", start, end)
        yield chunk[start : stop if stop >= 0 else end]


def line_at(path: Path, offset: int) -> Line | None:
    """Return the line that begins at an offset."""
    with path.open("rb") as file:
        file.seek(offset)
        return parse(file.readline())
