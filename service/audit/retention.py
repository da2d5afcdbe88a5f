"""Removes the content of old entries, but not of those that prove consents.

The leaves stay, so that the chain can still be verified.
"""

import os
from pathlib import Path

from service.audit import files
from service.audit.decisions import KIND
from service.runtime.hash_chain import Line, expired


def expire(folder: Path, before: int) -> int:
    """Remove the content of files that ended before a time (microseconds); return how many were changed.

    A file that cannot be read as a whole stays as it is: it is evidence. Raises `OSError`.
    """
    changed = 0
    for name in files.names(folder):
        if files.end_of_day(files.began(name) or 0) <= before and _expire(folder / name):
            changed += 1
    return changed


def _expires(line: Line | None) -> bool:
    """Return whether a line has content that is removed. Decisions, which have no values of people, are kept."""
    if line is None or line.e is None:
        return False
    entry = files.entry(line)
    return entry is None or entry.get("kind") != KIND


def _expire(path: Path) -> bool:
    if not any(complete and number and _expires(line) for number, (line, complete) in enumerate(files.lines(path))):
        return False
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file, path.open("rb") as source:
            for number, (line, complete) in enumerate(files.lines(path)):
                text = source.readline()
                if not complete:
                    continue
                if line is None or line.digest() is None:
                    return False
                file.write(expired(line) if number and _expires(line) else text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True
