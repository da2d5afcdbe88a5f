"""A folder into which other systems put files: which of them are whole, and where they go once they are read."""

import fcntl
import os
from pathlib import Path

from graph.domain.model.errors import InvalidInput
from service.runtime.own_files import sync_folder

PARTIAL = frozenset({".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".swp", ".lock"})
"""Endings of files that are being written; they are renamed once they are whole."""

REPORT = "-report.ndjson"
"""The ending of reports, behind the name of a file."""

State = tuple[int, int]
"""Length and time of change of a file, which differ while it is written."""


class Folder:
    """A watched folder, which one process at a time may hold."""

    def __init__(self, path: Path, done: Path, failed: Path) -> None:
        """Lock the folder, and create the folders `done` and `failed`. Raises `InvalidInput`."""
        self.path, self._done, self._failed = path, done, failed
        self._seen: dict[str, State] = {}
        try:
            self._lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise InvalidInput("INVALID_FILE", f"{path} cannot be watched: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for folder in (done, failed):
                self._prepare(folder)
        except BlockingIOError:
            self.close()
            raise InvalidInput("INVALID_FILE", f"{path} is watched by another process") from None
        except (InvalidInput, OSError) as error:
            self.close()
            reason = error.message if isinstance(error, InvalidInput) else error.strerror
            raise InvalidInput("INVALID_FILE", f"{path} cannot be watched: {reason}") from error

    def close(self) -> None:
        """Let another process watch the folder."""
        os.close(self._lock)

    def look(self) -> list[Path]:
        """Return the files that are whole: those that are as they were at the last look. The oldest are first."""
        seen = {path.name: state for path in self.path.iterdir() if (state := _state(path)) is not None}
        same = [name for name, state in seen.items() if self._seen.get(name) == state]
        self._seen = seen
        return [self.path / name for name in sorted(same, key=lambda name: (seen[name][1], name))]

    def has_files(self) -> bool:
        """Whether files were there at the last look that may be whole at the next."""
        return bool(self._seen)

    def report_of(self, file: Path) -> Path:
        """Return where the report of a file is written while it is read; `finish` moves it beside the file."""
        return self._failed / f".{file.name}{REPORT}"

    def finish(self, file: Path, has_failed: bool) -> Path:
        """Move a file that was read away with its report, and return where it is now.

        A file of its name there stays: this one gets a number.
        """
        folder = self._failed if has_failed else self._done
        place, number = folder / file.name, 1
        while place.exists():
            number += 1
            place = folder / f"{file.stem}.{number}{file.suffix}"
        report = self.report_of(file)
        if report.exists():
            report.rename(place.with_name(f"{place.name}{REPORT}"))
        file.rename(place)
        sync_folder(folder)
        self._seen.pop(file.name, None)
        return place

    def fail(self, file: Path, reason: str) -> Path:
        """Move a file that cannot be read as a whole away, with the reason beside it, and return where it is now."""
        place = self.finish(file, has_failed=True)
        place.with_name(f"{place.name}-error.txt").write_text(f"{reason}\n", "utf-8")
        return place

    def _prepare(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if folder.resolve() == self.path.resolve():
            raise InvalidInput("INVALID_FILE", f"{folder} is the watched folder itself")
        if folder.stat().st_dev != os.fstat(self._lock).st_dev:
            raise InvalidInput("INVALID_FILE", f"{folder} is on another file system, where files cannot be moved to")
        if not os.access(folder, os.W_OK):
            raise InvalidInput("INVALID_FILE", f"{folder} cannot be written")


def _state(path: Path) -> State | None:
    """The state of a file that may be whole; `None` for what is not taken, or gone meanwhile."""
    if path.name.startswith((".", "~")) or path.name.endswith("~") or path.suffix.lower() in PARTIAL:
        return None
    try:
        # A link could lead to any file of the machine.
        if path.is_symlink() or not path.is_file():
            return None
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns
