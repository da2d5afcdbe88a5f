"""Verifies an audit log: names each place at which entries were edited, deleted, swapped, cut off or rewritten."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from service.audit import files
from service.audit.checkpoints import Checkpoint
from service.audit.key import PublicKey
from service.runtime.hash_chain import GENESIS, Line

MAX_RANGE = 1_000_000
"""Number of missing entries that are remembered one by one."""
MAX_FINDINGS = 20
"""Findings of one kind that are reported for each file."""


class Finding(Struct, frozen=True):
    """Something that is not as the service wrote it. `entry` is the number of the entry, if there is one."""

    file: str
    text: str
    entry: int | None = None


class Verified(Struct):
    """The result. `notes` are what a killed process leaves, and are no sign that somebody changed the log."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    files: int = 0
    entries: int = 0
    expired: int = 0
    checkpoints: int = 0


def verify(
    folder: Path, checkpoints: Iterable[Checkpoint | str], key: PublicKey, oldest: int | None = None
) -> Verified:
    """Verify all files of a folder. Entries of files that ended before `oldest` (microseconds) may have expired."""
    result = Verified()
    by_file: dict[str, list[Checkpoint]] = defaultdict(list)
    for one in checkpoints:
        if isinstance(one, str) or not one.is_signed_by(key):
            place = one if isinstance(one, str) else f"of {one.file}, entry {one.entries}"
            result.findings.append(Finding(files.CHECKPOINTS, f"the checkpoint {place} has no valid signature"))
        else:
            by_file[one.file].append(one)
            result.checkpoints += 1
    present = files.names(folder)
    named: dict[str, str] = dict.fromkeys(by_file, "a checkpoint")
    heads: dict[str, tuple[int, str]] = {}
    claims: list[tuple[str, dict[str, Any]]] = []
    for name in present:
        may_expire = oldest is None or files.end_of_day(files.began(name) or 0) <= oldest
        checked = _File(name, {one.entries: one.leaf for one in by_file[name]}, may_expire)
        checked.read(folder / name, result)
        heads[name] = checked.last, checked.stored_leaf
        for other in checked.header.get("others", ()):
            named.setdefault(other, f"the file {name}")
        if isinstance(previous := checked.header.get("previous"), dict):
            claims.append((name, previous))
            named.setdefault(previous.get("file", ""), f"the file {name}")
    for name, witness in named.items():
        if name not in heads:
            result.findings.append(Finding(name, f"the file is missing; {witness} names it"))
    for name, previous in claims:
        head = heads.get(previous.get("file", ""))
        if head is not None and head != (previous.get("entries"), previous.get("leaf")):
            text = f"the end is not the one that {name} names: entry {previous.get('entries')}"
            result.findings.append(Finding(str(previous.get("file")), text))
    result.files = len(present)
    return result


class _File:
    """Verifies one file. `signed` are the leaves of checkpoints by the number of their entry."""

    def __init__(self, name: str, signed: dict[int, str], may_expire: bool) -> None:
        self._name, self._signed, self._may_expire = name, signed, may_expire
        self.header: dict[str, Any] = {}
        self.last = -1
        self.stored_leaf = ""
        self._leaf: bytes | None = GENESIS
        self._skipped: set[int] = set()
        self._findings: list[Finding] = []
        self._rewritten = False
        self._confirmed = 0

    def read(self, path: Path, result: Verified) -> None:
        """Verify all lines and add what is found."""
        number = 0
        for number, (line, complete) in enumerate(files.lines(path), 1):
            if not complete:
                result.notes.append(Finding(self._name, f"line {number} is half written: the process was killed"))
            elif line is None:
                self._add(f"line {number} cannot be read, after entry {self.last}")
                self._leaf = None
            else:
                self._check(line, result)
        for missing in _ranges(self._skipped):
            self._add(f"{missing} deleted", min(self._skipped))
        signed = max(self._signed, default=-1)
        if signed > self.last:
            self._add(f"the end was cut off after entry {self.last}: a checkpoint names entry {signed}", self.last)
        if not number or (self.last >= 0 and self.header.get("name") != self._name):
            self._add(f"the file does not begin with its name: {self.header.get('name')}")
        result.findings += self._findings[:MAX_FINDINGS]
        if (more := len(self._findings) - MAX_FINDINGS) > 0:
            result.findings.append(Finding(self._name, f"and {more} more"))

    def _check(self, line: Line, result: Verified) -> None:
        result.entries += 1
        expected = self.last + 1
        digest = line.digest()
        if line.n != expected:
            self._add(f"entry {line.n} is at the place of entry {expected}", line.n)
            self._skipped.update(range(expected, min(line.n, expected + MAX_RANGE)))
            self._skipped.discard(line.n)
        elif self._leaf is not None and (
            digest is None or files.CHAIN.leaf(line.n, self._leaf, digest).hex() != line.h
        ):
            self._add(f"entry {line.n} was edited, or entry {line.n - 1} before it", line.n)
        if line.e is None:
            result.expired += 1
            if not self._may_expire:
                self._add(f"the content of entry {line.n} was removed before its time", line.n)
        elif line.n == 0:
            self.header = files.entry(line) or {}
        signed = self._signed.get(line.n)
        if signed == line.h:
            self._confirmed = line.n
        elif signed is not None and not self._rewritten:
            self._rewritten = True
            self._add(f"entries {self._confirmed + 1} to {line.n} were rewritten: a checkpoint names others", line.n)
        self.last = max(self.last, line.n)
        self.stored_leaf = line.h
        # What follows an entry at a wrong place is compared with what it says of itself only.
        self._leaf = _bytes(line.h) if line.n >= expected else None

    def _add(self, text: str, entry: int | None = None) -> None:
        self._findings.append(Finding(self._name, text, entry))


def _bytes(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _ranges(numbers: set[int]) -> list[str]:
    """Return numbers as words, those that follow one another together."""
    result: list[list[int]] = []
    for number in sorted(numbers):
        if result and result[-1][1] == number - 1:
            result[-1][1] = number
        else:
            result.append([number, number])
    return [f"entry {a} was" if a == b else f"entries {a} to {b} were" for a, b in result]
