"""The audit log of one process: what writes it, reads it and signs its checkpoints."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from graph.domain.access.audit import AccessQuery, AccessReport, AuditEntry, AuditQuery, Holders
from graph.domain.access.decision_log import DecisionChecks, LoggedDecision
from graph.domain.model.dates import DAY
from graph.domain.profile.pages import Page
from service.audit import accesses, checkpoints, reader, retention
from service.audit.decisions import Decisions
from service.audit.key import AuditKey
from service.audit.log import AuditLog, Head
from service.audit.recorder import ReasonText, Recorder

log = logging.getLogger("kith.audit")

MAX_UNSENT = 10_000
"""Number of checkpoints that are kept while their target does not accept them."""
MAX_REPORTS = 2
"""Number of reports that are kept for the pages that follow."""


class Audit:
    """The log in a folder. `now` returns microseconds since 1970; entries keep their content for `days`.

    `checkpoint_setting` is the value of `KITH_AUDIT_CHECKPOINTS`. Raises `InvalidInput` if the folder cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        now: Callable[[], int],
        checkpoint_setting: str = "",
        days: int = 730,
        reasons: ReasonText = "text",
    ) -> None:
        self.key = AuditKey.open(folder)
        self.log = AuditLog(folder, now)
        self.recorder = Recorder(self.log, self.key, now, reasons)
        self.decisions = Decisions(self.log, self.key)
        self._target = checkpoints.target(checkpoint_setting, folder)
        self._folder, self._now, self._days = folder, now, days
        self._unsent: list[checkpoints.Checkpoint] = []
        self._signed: Head | None = None
        self._expired_until = 0
        self._reports: dict[AccessQuery, AccessReport] = {}
        self.checkpoint_failures = 0
        """Number of times that checkpoints could not be sent or entries not be written to the disk."""

    async def entries(self, query: AuditQuery) -> Page[AuditEntry]:
        """Return the entries that meet a query, newest first."""
        return await asyncio.to_thread(reader.find, self._folder, self.key, query)

    async def check_decisions(self, stored: Mapping[str, Sequence[LoggedDecision]]) -> Mapping[str, DecisionChecks]:
        """Compare all consent decisions that are stored of some identifiers with the log."""
        return await self.decisions.check(stored)

    async def accesses(self, query: AccessQuery, holders: Holders) -> AccessReport:
        """Return whose data a caller accessed. A report of a time that is over is kept, for the pages that follow."""
        report = self._reports.get(query)
        if report is None:
            report = await asyncio.to_thread(accesses.find, self._folder, query)
            report = report.with_holders(await holders(self.key.hash, [asked.id for asked in report.unnamed]))
            if query.until is not None and query.until + reader.SLACK <= self._now():
                while len(self._reports) >= MAX_REPORTS:
                    self._reports.pop(next(iter(self._reports)))
                self._reports[query] = report
        return report

    def counts(self) -> dict[str, int]:
        """Return the counts for the metrics."""
        return {
            "entries": self.log.written,
            "failures": self.log.failures,
            "checkpoint_failures": self.checkpoint_failures,
        }

    def problem(self) -> str:
        """Return why people cannot be read: the log cannot be written; empty if it can."""
        return self.log.probe()

    async def run(self) -> None:
        """Write checkpoints each minute, and remove expired entries each day, until it is canceled."""
        while True:
            await self.checkpoint()
            await self._expire()
            await asyncio.sleep(checkpoints.SECONDS)

    async def checkpoint(self) -> None:
        """Write what was recorded to the disk, sign it and send the checkpoint."""
        lines = self._next()
        try:
            await asyncio.to_thread(self._send, lines, self.log.duplicate())
        except Exception as error:
            # Whatever it is, checkpoints are written on.
            self._failed(error)
        else:
            del self._unsent[: lines.count(b"\n")]

    def close(self) -> None:
        """End the log with a checkpoint."""
        try:
            with contextlib.suppress(OSError):
                self.log.close()
            if lines := self._next():
                self._send(lines, None)
        except OSError as error:
            self._failed(error)

    def _next(self) -> bytes:
        """Sign the ends of files that have grown, and return all checkpoints that are to be sent."""
        closed, self.log.closed = self.log.closed, []
        for head in (*closed, self.log.head):
            if head is not None and head != self._signed:
                self._signed = head
                self._unsent.append(checkpoints.checkpoint(head, self._now(), self.key))
        del self._unsent[:-MAX_UNSENT]
        return checkpoints.encoded(self._unsent)

    def _send(self, lines: bytes, descriptor: int | None) -> None:
        if descriptor is not None:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        if lines:
            self._target.send(lines)

    def _failed(self, error: Exception) -> None:
        self.checkpoint_failures += 1
        log.error("a checkpoint of the audit log was not written: %s", _reason(error))

    async def _expire(self) -> None:
        """Remove the content of entries that are too old, once a day."""
        before = self._now() - self._days * DAY
        if before < self._expired_until:
            return
        self._expired_until = before + DAY
        try:
            changed = await asyncio.to_thread(retention.expire, self._folder, before)
            self._reports.clear()
        except Exception as error:
            log.error("old entries of the audit log were not removed: %s", _reason(error))  # noqa: TRY400
        else:
            if changed:
                log.info("removed the content of %d files of the audit log, which have expired", changed)


def _reason(error: Exception) -> str:
    """Return why something failed: the reason of the system, or the kind of error, whose text may contain values."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
