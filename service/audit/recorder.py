"""Makes entries of operations. No entry contains a value: what was asked for is hashed with the key of the log."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from graphql import OperationType
from msgspec import Struct

from graph.domain.access.accessed import Accessed
from graph.domain.access.scopes import SEGMENT_MEMBERS, SUBJECT_EXPORT
from graph.domain.access.viewer import Viewer
from graph.domain.model.dates import SECOND
from graph.domain.model.errors import AuditUnavailable, TooManyLookups
from schema.execution.documents import Operation
from schema.execution.runner import ExecutionAnswer, Stage, rejection
from schema.shared.context import Context
from service.audit.key import AuditKey
from service.audit.log import AuditLog
from service.observability.error_codes import error_code
from service.observability.requests import OperationRecord

STREAM_INTERVAL = 60 * SECOND
"""A stream has an entry for each customer in such a time."""
MAX_REASON = 200
"""Characters of a reason that are kept."""
MAX_OPERATIONS = 1_000
"""Number of operations whose coordinates are remembered."""
OK = "OK"
DENIED = frozenset({TooManyLookups.code})
"""Codes of errors by which what was asked for is denied."""
EXPORTS = frozenset({SEGMENT_MEMBERS, SUBJECT_EXPORT})
"""Scopes of what takes data out of the store."""
Kind = Literal["read", "write", "export", "stream", "denied"]
ReasonText = Literal["text", "hash"]


class _Document(Struct, frozen=True, cache_hash=True):
    """What one operation of a document is called and selects."""

    digest: str
    name: str
    fields: tuple[str, ...]

    def described(self) -> dict[str, Any]:
        return {"kind": "document", "digest": self.digest, "operation": self.name, "fields": self.fields}


class Recorder:
    """Writes entries to the log of this process."""

    def __init__(self, log: AuditLog, key: AuditKey, now: Callable[[], int], reasons: ReasonText = "text") -> None:
        self._log, self._key, self._now, self._reasons = log, key, now, reasons
        self._documents: dict[int, tuple[Operation, _Document]] = {}

    def operation(self, record: OperationRecord, context: Context, answer: ExecutionAnswer) -> ExecutionAnswer:
        """Record an operation that touched people or was denied, and return its answer.

        If it cannot be recorded, the answer is an error without data.
        """
        accessed = context.graph.take_accessed()
        codes = tuple(map(error_code, answer.errors)) if answer.errors else ()
        denied = answer.stage is Stage.ACCESS or not DENIED.isdisjoint(codes)
        if not (denied or accessed.touches_people):
            return answer
        kind: Kind = "denied" if denied else _kind(record.operation)
        try:
            self._write(kind, context.viewer, record.operation, accessed, codes[0] if codes else OK, record)
        except AuditUnavailable as error:
            return rejection(error)
        return answer

    def stream(self, record: OperationRecord, context: Context) -> "StreamRecorder":
        """Return what records the answers of an operation that may have several."""
        return StreamRecorder(self, record, context)

    def command(
        self,
        viewer: Viewer,
        name: str,
        accessed: Accessed,
        kind: Kind = "read",
        transport: str = "cli",
        request_id: str = "",
    ) -> None:
        """Record a command of the command line, or a request without a document; raises `AuditUnavailable`."""
        entry = self._of_viewer(kind, viewer)
        entry["command"] = name
        self._log.append(self._completed(entry, accessed, OK, request_id, transport))

    def event(self, context: Context, accessed: Accessed, outcome: str, record: OperationRecord, events: int) -> None:
        """Record events of a stream; raises `AuditUnavailable`."""
        kind: Kind = "stream" if outcome == OK else "denied"
        self._write(kind, context.viewer, record.operation, accessed, outcome, record, events)

    def now(self) -> int:
        """Return the time in microseconds."""
        return self._now()

    def _write(
        self,
        kind: Kind,
        viewer: Viewer,
        operation: Operation | None,
        accessed: Accessed,
        outcome: str,
        record: OperationRecord,
        events: int = 0,
    ) -> None:
        entry = self._of_viewer(kind, viewer)
        if events:
            entry["events"] = events
        self._completed(entry, accessed, outcome, record.request_id, record.transport)
        if operation is None:
            self._log.append(entry)
        else:
            document = self._document(operation)
            self._log.append(entry, document, document.described)

    def _of_viewer(self, kind: Kind, viewer: Viewer) -> dict[str, Any]:
        entry: dict[str, Any] = {"t": self._now(), "kind": kind, "caller": viewer.caller, "role": viewer.role}
        if viewer.subject is not None:
            entry["subject"] = self._key.hash(viewer.subject)
        if viewer.purpose:
            entry["purpose"] = viewer.purpose
        if viewer.reason:
            if self._reasons == "text":
                entry["reason"] = viewer.reason[:MAX_REASON]
            else:
                entry["reason_hash"] = self._key.hash(viewer.reason)
        return entry

    def _completed(
        self, entry: dict[str, Any], accessed: Accessed, outcome: str, request_id: str, transport: str
    ) -> dict[str, Any]:
        if accessed.customers:
            entry["customers"] = list(accessed.customers)
        if accessed.asked:
            hash = self._key.hash
            entry["asked"] = [hash(asked) for asked in accessed.asked]
        if accessed.refused:
            entry["refused"] = accessed.refused
        if accessed.statements:
            entry["statements"], entry["sources"] = accessed.statements, list(accessed.sources)
        if accessed.recipients:
            entry["recipients"] = list(accessed.recipients)
        entry["outcome"] = outcome
        if request_id:
            entry["request"] = request_id
        entry["transport"] = transport
        return entry

    def _document(self, operation: Operation) -> _Document:
        known = self._documents.get(id(operation))
        if known is not None and known[0] is operation:
            return known[1]
        name = operation.node.name.value if operation.node.name is not None else ""
        document = _Document(operation.digest, name, operation.access.coordinates(operation.node))
        if len(self._documents) >= MAX_OPERATIONS:
            self._documents.clear()
        self._documents[id(operation)] = operation, document
        return document


class StreamRecorder:
    """Records the answers of one operation on a stream: a customer that it shows has one entry a minute."""

    def __init__(self, recorder: Recorder, record: OperationRecord, context: Context) -> None:
        self._recorder, self._record, self._context = recorder, record, context
        self._shown: set[str] = set()
        self._since = self._events = 0

    def answered(self, answers: Sequence[ExecutionAnswer]) -> ExecutionAnswer | None:
        """Record answers before they are sent at once; return an error instead of them if they cannot be recorded."""
        operation = self._record.operation
        if operation is None or operation.node.operation is not OperationType.SUBSCRIPTION:
            (answer,) = answers
            recorded = self._recorder.operation(self._record, self._context, answer)
            return None if recorded is answer else recorded
        now = self._recorder.now()
        if now - self._since >= STREAM_INTERVAL:
            self._shown.clear()
            self._since = now
        try:
            self._record_events(answers)
        except AuditUnavailable as error:
            return rejection(error)
        return None

    def _record_events(self, answers: Sequence[ExecutionAnswer]) -> None:
        """Record those that show somebody who has no entry yet in one entry, and those that are denied in their own."""
        shown = Accessed()
        outcome = OK
        for answer in answers:
            self._events += 1
            accessed = self._context.graph.take_accessed() if answer.accessed is None else answer.accessed
            codes = tuple(map(error_code, answer.errors)) if answer.errors else ()
            subjects = _subjects(accessed)
            if answer.stage is Stage.ACCESS or not DENIED.isdisjoint(codes):
                self._event(accessed, codes[0] if codes else OK)
            elif not subjects <= self._shown:
                shown.customers.update(accessed.customers)
                shown.asked.update(accessed.asked)
                shown.refused += accessed.refused
                outcome = codes[0] if codes and outcome == OK else outcome
            else:
                continue
            self._shown |= subjects
        if shown.touches_people:
            self._event(shown, outcome)

    def _event(self, accessed: Accessed, outcome: str) -> None:
        self._recorder.event(self._context, accessed, outcome, self._record, self._events)
        self._events = 0


def _subjects(accessed: Accessed) -> set[str]:
    """Return what an event is about: the customers that it shows, or what was asked for if it shows none."""
    return set(accessed.customers or accessed.asked)


def _kind(operation: Operation | None) -> Kind:
    if operation is None:
        return "read"
    if operation.node.operation is OperationType.MUTATION:
        return "write"
    return "read" if EXPORTS.isdisjoint(operation.needs.scopes) else "export"
