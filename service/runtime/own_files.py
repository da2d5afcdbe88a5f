"""Files that belong to the service: who owns them, who may read them, and how they are made as a whole."""

import contextlib
import os
import secrets
import stat
from pathlib import Path


def hand_over(made: int | Path, folder: Path) -> None:
    """Give what the superuser made in a folder to the owner of the folder, as SQLite does with its files.

    So a command that an administrator runs as root leaves nothing that the user of the service cannot read.
    """
    if os.geteuid() == 0:
        owner = folder.stat()
        with contextlib.suppress(PermissionError):
            os.chown(made, owner.st_uid, owner.st_gid)


def create_secret(path: Path, content: bytes) -> bool:
    """Write a new file that only its owner may read; return whether it is new. A file that exists stays as it is.

    The file has its name once it is complete and on disk. Raises `OSError`.
    """
    temporary = _written(path, content)
    try:
        # Unlike a rename, a link never replaces the file that another process has just created.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    sync_folder(path.parent)
    return True


def replace_secret(path: Path, content: bytes) -> None:
    """Replace a file by another one that only its owner may read. A reader finds either one. Raises `OSError`."""
    # What a link refers to is replaced, not the link.
    path = path.resolve()
    temporary = _written(path, content)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink()
        raise
    sync_folder(path.parent)


def exposure(path: Path) -> str:
    """Return who else than the owner and the group of a file may read or change it; empty if nobody. Raises `OSError`.

    A group may read it, because Kubernetes hands secrets over in this way.
    """
    mode = path.stat().st_mode
    if mode & stat.S_IRWXO:
        return "every user of the machine"
    return "the group of the file" if mode & stat.S_IWGRP else ""


def sync_folder(folder: Path) -> None:
    """Write the names of a folder's files to the disk. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written(path: Path, content: bytes) -> Path:
    """Write content to a file beside a path, and return that file."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        hand_over(descriptor, path.parent)
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    except OSError:
        temporary.unlink()
        raise
    finally:
        os.close(descriptor)
    return temporary
