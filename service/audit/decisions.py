"""Consent decisions in the audit log: a line for each decision that arrives, by which a stored one is verified.

A line has keyed hashes of the identifiers and of the content, and no value. It stays when other entries expire: a
consent is proved for as long as it is relied upon.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from graph.domain.access.decision_log import DecisionCheck, DecisionChecks, LogEntry, LoggedDecision, LogState
from graph.domain.model.errors import AuditUnavailable
from service.audit import files
from service.audit.key import AuditKey
from service.audit.log import AuditLog
from service.runtime.hash_chain import parse

KIND = "decision"
"""The kind of these lines."""
CHUNK_SIZE = 100
"""Decisions that are logged at a time, so that other requests are served in between."""


class Decisions:
    """Writes decisions to the log of this process, and compares stored ones with the log of all processes."""

    def __init__(self, log: AuditLog, key: AuditKey) -> None:
        self._log, self._key = log, key

    async def record(self, decisions: Sequence[LoggedDecision]) -> None:
        """Log decisions that are stored; raises `AuditUnavailable`."""
        for begin in range(0, len(decisions), CHUNK_SIZE):
            if begin:
                await asyncio.sleep(0)
            for decision in decisions[begin : begin + CHUNK_SIZE]:
                self._log.append(self._entry(decision))

    async def check(self, stored: Mapping[str, Sequence[LoggedDecision]]) -> Mapping[str, DecisionChecks]:
        """Compare all decisions that are stored of some identifiers with the log; raises `AuditUnavailable`."""
        try:
            return await asyncio.to_thread(self._check, stored)
        except OSError as error:
            raise AuditUnavailable(f"the audit log cannot be read: {(error.strerror or '').lower()}") from None

    def _entry(self, decision: LoggedDecision) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "t": self._log.now(),
            "kind": KIND,
            "caller": decision.received_from,
            "received": decision.received_at,
            "record": self._record(decision),
            "content": self._content(decision),
            "subjects": [self._subject(key) for key in decision.subjects],
            "sent": [self._sent(raw) for raw in decision.sent],
        }
        if decision.text:
            entry["text"] = decision.text
        return entry

    def _record(self, decision: LoggedDecision) -> str:
        return self._key.hash(f"record\0{decision.source}\0{decision.id}")

    def _content(self, decision: LoggedDecision) -> str:
        return self._key.hash(f"content\0{decision.content}")

    def _subject(self, key: str) -> str:
        return self._key.hash(f"subject\0{key}")

    def _sent(self, raw: str) -> str:
        return self._key.hash(f"sent\0{raw}")

    def _check(self, stored: Mapping[str, Sequence[LoggedDecision]]) -> dict[str, DecisionChecks]:
        needles = {self._subject(key) for key in stored}
        needles |= {self._record(decision) for decisions in stored.values() for decision in decisions}
        first: dict[str, tuple[LogEntry, dict[str, Any]]] = {}
        for entry, values in _logged(self._log.folder, needles):
            known = first.get(values["record"])
            # A decision that is sent again is logged again: the first entry is about what arrived first.
            if known is None or (entry.time, entry.place) < (known[0].time, known[0].place):
                first[values["record"]] = entry, values
        since = _kept_since(self._log.folder)
        return {key: self._checks(key, decisions, first, since) for key, decisions in stored.items()}

    def _checks(
        self,
        key: str,
        decisions: Sequence[LoggedDecision],
        first: Mapping[str, tuple[LogEntry, dict[str, Any]]],
        since: int | None,
    ) -> DecisionChecks:
        checks = tuple(self._compared(decision, first.get(self._record(decision)), since) for decision in decisions)
        present, subject = set(map(self._record, decisions)), self._subject(key)
        # What an erasure has left of a decision has another id, and the same time.
        parts = {decision.received_at for decision in decisions if decision.is_part}
        removed = [
            entry
            for record, (entry, values) in first.items()
            if record not in present and subject in values.get("subjects", ()) and entry.received_at not in parts
        ]
        return DecisionChecks(checks, tuple(sorted(removed, key=lambda entry: (entry.time, entry.place))))

    def _compared(
        self, decision: LoggedDecision, logged: tuple[LogEntry, dict[str, Any]] | None, since: int | None
    ) -> DecisionCheck:
        if decision.is_part:
            return DecisionCheck(LogState.PARTLY_ERASED)
        if logged is None:
            is_earlier = since is None or decision.received_at < since
            return DecisionCheck(LogState.EARLIER if is_earlier else LogState.UNKNOWN)
        entry, values = logged
        is_same = (
            values.get("content") == self._content(decision)
            # Identifiers may have been erased since; none can have been added or replaced.
            and set(values.get("sent", ())).issuperset(map(self._sent, decision.sent))
            # A text that nobody knew then may have been registered since.
            and entry.text in ("", decision.text)
        )
        return DecisionCheck(LogState.MATCHES if is_same else LogState.CHANGED, entry)


def _logged(folder: Path, hashes: set[str]) -> Iterator[tuple[LogEntry, dict[str, Any]]]:
    """Yield the lines about decisions that contain one of some hashes."""
    needles = tuple(b'"%b"' % text.encode() for text in sorted(hashes))
    if not needles:
        return
    for name in files.names(folder):
        for text in files.newest_lines(folder / name, needles):
            line = parse(text)
            values = None if line is None else files.entry(line)
            if line is None or values is None or values.get("kind") != KIND:
                continue
            if not isinstance(values.get("t"), int) or not isinstance(values.get("record"), str):
                continue
            yield (
                LogEntry(
                    f"{name}#{line.n}",
                    values["t"],
                    values.get("caller", ""),
                    values.get("received", 0),
                    values.get("text", ""),
                ),
                values,
            )


def _kept_since(folder: Path) -> int | None:
    """Return the time, in microseconds, from which decisions are logged: that of the first file of this format."""
    for name in files.names(folder):
        line = files.line_at(folder / name, 0)
        header = None if line is None else files.entry(line)
        if header is not None and header.get("version", 0) >= files.VERSION_WITH_DECISIONS:
            time = header.get("t")
            return time if isinstance(time, int) else None
    return None
