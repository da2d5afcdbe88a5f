"""A folder that files are written to, and the one on this machine."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from service.destinations.files.names import PART
from service.runtime.own_files import sync_folder


class FolderError(Exception):
    """The folder cannot be used now. The message has no secrets; with `login`, the credentials were refused."""

    def __init__(self, message: str, login: bool = False) -> None:
        super().__init__(message)
        self.message, self.login = message, login


class Folder(Protocol):
    """A folder. All methods block, for a bounded time each where a network is used, and raise `FolderError`.

    They are called by one thread at a time.
    """

    def write(self, name: str, content: bytes) -> None:
        """Write a new file. Under its name there is never less than the whole content."""
        ...

    def names(self) -> list[str]:
        """Return the names of the files in the folder, without those of folders in it where these can be told."""
        ...

    def check(self) -> None:
        """Look whether the folder is there, without a right to list it."""
        ...

    def delete(self, names: list[str]) -> None:
        """Delete files; those that are gone are no error."""
        ...

    def close(self) -> None:
        """Close connections. Raises nothing."""
        ...


class LocalFolder:
    """A folder of this machine, or one that is mounted. It has to exist: one that is not mounted is not made."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, name: str, content: bytes) -> None:
        """Write a file beside its name, to the disk, and rename it. Its owner and its group may read it."""
        part = self._path / f"{name}{PART}"
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(self._path / name)
            except OSError:
                with suppress(OSError):
                    part.unlink()
                raise
            sync_folder(self._path)
        except OSError as error:
            raise _failed("written", error) from error

    def names(self) -> list[str]:
        """Return the names of files."""
        try:
            with os.scandir(self._path) as entries:
                return [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
        except OSError as error:
            raise _failed("listed", error) from error

    def check(self) -> None:
        """Look whether the folder is there and may be written to."""
        try:
            mode = self._path.stat().st_mode
        except OSError as error:
            raise _failed("reached", error) from error
        if not stat.S_ISDIR(mode) or not os.access(self._path, os.W_OK | os.X_OK):
            raise FolderError("the folder cannot be written: it is no folder, or not writable")

    def delete(self, names: list[str]) -> None:
        """Delete files."""
        try:
            for name in names:
                (self._path / name).unlink(missing_ok=True)
        except OSError as error:
            raise _failed("cleaned", error) from error

    def close(self) -> None:
        """Nothing is open between calls."""


def _failed(what: str, error: OSError) -> FolderError:
    return FolderError(f"the folder cannot be {what}: {error.strerror or type(error).__name__}")
