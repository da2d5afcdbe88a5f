"""Audit logs: viewers that write them, and what somebody does to them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from graph.domain.access.accessed import Accessed
from graph.domain.access.roles import ROLES
from graph.domain.access.viewer import Viewer
from service.access.authentication import viewer_of
from service.audit import checkpoints, files
from service.audit.audit import Audit
from service.audit.verification import Verified, verify

MONDAY = 1_767_600_000_000_000
"""2026-01-05T08:00:00Z in microseconds."""


class Clock:
    """A clock that goes on by a second with each look at it."""

    def __init__(self, time: int = MONDAY) -> None:
        self.time = time

    def __call__(self) -> int:
        self.time += 1_000_000
        return self.time


def viewer(caller: str = "desk-1", role: str = "desk", **more: Any) -> Viewer:
    """A viewer with a role."""
    made = viewer_of(caller, ROLES[role])
    return Viewer(made.caller, made.role, made.scopes, made.reach, **more)


def accessed(*customers: str, asked: Sequence[str] = ()) -> Accessed:
    """What an operation accessed."""
    return Accessed(customers=dict.fromkeys(customers), asked=dict.fromkeys(asked))


def written(folder: Path, count: int = 10, clock: Clock | None = None) -> Audit:
    """A log with some entries, still open."""
    audit = Audit(folder, clock or Clock())
    for number in range(count):
        audit.recorder.command(viewer(), "lookup", accessed(f"cus_{number}", asked=[f"email:{number}@example.com"]))
    return audit


def the_file(folder: Path) -> Path:
    """The only file of a log."""
    (name,) = files.names(folder)
    return folder / name


def change(path: Path, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of a file."""
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))


def entries(folder: Path) -> list[dict[str, Any]]:
    """All entries of a log about operations, file by file."""
    lines = [orjson.loads(text) for name in files.names(folder) for text in (folder / name).read_bytes().splitlines()]
    return [line["e"] for line in lines if line["e"]["kind"] not in ("file", "document", "ready")]


def verified(audit_folder: Path, key: Audit, checkpoint_file: Path | None = None) -> Verified:
    """The result of verifying a log with all its checkpoints."""
    path = checkpoint_file or audit_folder / files.CHECKPOINTS
    known = checkpoints.read(path) if path.exists() else []
    return verify(audit_folder, known, key.key.public)


def texts(result: Verified) -> list[str]:
    """What was found."""
    return [finding.text for finding in result.findings]
