"""The folder that an export is written to: on this machine, or at any URL that fsspec knows, such as `s3://bucket/kith`.

A file has its name once it is complete: until then it is called `NAME.part`.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from graph.domain.model.errors import InvalidInput
from service.runtime.own_files import sync_folder

PART = ".part"
"""What the name of a file ends in while it is written."""
_CHUNK_BYTES = 1 << 20


class Folder(Protocol):
    """A folder with files that are written once."""

    name: str
    """How the operator called it."""

    def read(self, name: str) -> bytes | None:
        """Return the content of a small file; `None` if there is none."""
        ...

    def size(self, name: str) -> int | None:
        """Return the bytes of a file; `None` if there is none."""
        ...

    def names(self) -> list[str]:
        """Return the names of the files and folders in it; none if it does not exist."""
        ...

    def write(self, name: str) -> "AbstractContextManager[HashingFile]":
        """Open a file for writing; it has its name once the context is left without an error."""
        ...

    def copy_in(self, path: Path, name: str) -> None:
        """Copy a file of this machine to a name."""
        ...

    def copy_out(self, name: str, path: Path) -> None:
        """Copy a file to a path on this machine."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""
        ...


class HashingFile:
    """A file to write to, which counts and hashes what is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash = file, hashlib.sha256()
        self.bytes = 0
        self.closed = False

    @property
    def sha256(self) -> str:
        """The hash of what was written, in hexadecimal digits."""
        return self._hash.hexdigest()

    def write(self, data: Any) -> int:
        """Write bytes."""
        view = memoryview(data)
        self._hash.update(view)
        self._file.write(view)
        self.bytes += view.nbytes
        return view.nbytes

    def flush(self) -> None:
        """Write what is buffered."""
        self._file.flush()

    def writable(self) -> bool:
        """Return true."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.bytes

    def close(self) -> None:
        """Write nothing more. The file itself is closed by whoever opened it."""
        self.closed = True


def open_folder(name: str) -> Folder:
    """Return a folder by its path or URL. Raises `InvalidInput` if the URL cannot be used."""
    return RemoteFolder(name) if "://" in name else LocalFolder(Path(name))


@contextmanager
def usable(folder: str) -> Iterator[None]:
    """Turn errors of a file system into `InvalidInput` that names the folder."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        message = f"{folder} cannot be used: {reason}; run the same command again to continue"
        raise InvalidInput("INVALID_FILE", message, ("folder",)) from error


class LocalFolder:
    """A folder on this machine. Nobody else may read what is written: it is about people."""

    def __init__(self, path: Path) -> None:
        self.name, self._path = str(path), path

    def read(self, name: str) -> bytes | None:
        """As `Folder.read`."""
        path = self._path / name
        return path.read_bytes() if path.is_file() else None

    def size(self, name: str) -> int | None:
        """As `Folder.size`."""
        path = self._path / name
        return path.stat().st_size if path.is_file() else None

    def names(self) -> list[str]:
        """As `Folder.names`."""
        return sorted(os.listdir(self._path)) if self._path.is_dir() else []

    @contextmanager
    def write(self, name: str) -> Iterator[HashingFile]:
        """As `Folder.write`."""
        path = self._path / name
        part = path.with_name(path.name + PART)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            yield HashingFile(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_folder(path.parent)

    def copy_in(self, path: Path, name: str) -> None:
        """As `Folder.copy_in`."""
        with path.open("rb") as source, self.write(name) as file:
            shutil.copyfileobj(source, cast("BinaryIO", file), _CHUNK_BYTES)

    def copy_out(self, name: str, path: Path) -> None:
        """As `Folder.copy_out`."""
        shutil.copyfile(self._path / name, path)

    def remove(self, name: str) -> None:
        """As `Folder.remove`."""
        (self._path / name).unlink(missing_ok=True)


class RemoteFolder:
    """A folder at a URL. Credentials are what fsspec finds in the environment or in its own configuration."""

    def __init__(self, url: str) -> None:
        protocol = url.partition("://")[0]
        try:
            import fsspec

            self._files, self._path = fsspec.core.url_to_fs(url)
        except ImportError as error:
            message = f"{protocol}:// requires the extra `export`, and what fsspec needs for {protocol}"
            raise InvalidInput("MISSING_EXTRA", f"{message}: {error}", ("folder",)) from error
        except ValueError as error:
            raise InvalidInput("INVALID_VALUE", f"{protocol}:// is no file system: {error}", ("folder",)) from error
        self.name = url
        self._path = self._path.rstrip("/")

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def read(self, name: str) -> bytes | None:
        """As `Folder.read`."""
        return bytes(self._files.cat_file(self._at(name))) if self._files.isfile(self._at(name)) else None

    def size(self, name: str) -> int | None:
        """As `Folder.size`."""
        return int(self._files.size(self._at(name))) if self._files.isfile(self._at(name)) else None

    def names(self) -> list[str]:
        """As `Folder.names`."""
        if not self._files.isdir(self._path):
            return []
        return sorted(path.rstrip("/").rpartition("/")[2] for path in self._files.ls(self._path, detail=False))

    @contextmanager
    def write(self, name: str) -> Iterator[HashingFile]:
        """As `Folder.write`."""
        path = self._at(name)
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self._files.open(path + PART, "wb") as file:
            yield HashingFile(file)
        self._files.mv(path + PART, path)

    def copy_in(self, path: Path, name: str) -> None:
        """As `Folder.copy_in`."""
        with path.open("rb") as source, self.write(name) as file:
            shutil.copyfileobj(source, cast("BinaryIO", file), _CHUNK_BYTES)

    def copy_out(self, name: str, path: Path) -> None:
        """As `Folder.copy_out`."""
        self._files.get_file(self._at(name), str(path))

    def remove(self, name: str) -> None:
        """As `Folder.remove`."""
        if self._files.isfile(self._at(name)):
            self._files.rm_file(self._at(name))
