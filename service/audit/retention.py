"""Removes the content of old entries. Their leaves stay, so that the chain can still be verified."""

import os
from itertools import islice
from pathlib import Path

from service.audit import files
from service.runtime.hash_chain import expired


def expire(folder: Path, before: int) -> int:
    """Remove the content of files that ended before a time (microseconds); return how many were changed.

    A file that cannot be read as a whole stays as it is: it is evidence. Raises `OSError`.
    """
    changed = 0
    for name in files.names(folder):
        if files.end_of_day(files.began(name) or 0) <= before and _expire(folder / name):
            changed += 1
    return changed


def _expire(path: Path) -> bool:
    # The first line has no content of operations, and links the files.
    found = [line for line, complete in islice(files.lines(path), 2) if complete]
    if len(found) < 2 or found[1] is None or found[1].e is None:
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
                file.write(text if number == 0 or line.e is None else expired(line))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True
