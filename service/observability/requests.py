"""Follows each request and operation to its end: one line in the log `kith.requests`, and the metrics.

No line contains what a caller sent, except the name of an operation, which the document defines as a GraphQL name, and
a request id in the form that `request_ids` allows.
"""

import ipaddress
import logging
from collections.abc import Iterable
from time import perf_counter
from typing import Any, Literal, Protocol

from starlette.types import Message, Scope, Send

from graph.domain.access.viewer import Viewer
from graph.runtime import measurements
from schema.execution.documents import Operation
from schema.execution.runner import ExecutionAnswer
from service.observability.error_codes import error_code
from service.observability.logs import REQUESTS, RequestLine
from service.observability.metrics import ROUTE, Metrics, method_label
from service.observability.request_ids import HEADER

log = logging.getLogger(REQUESTS)

Transport = Literal["http", "sse", "websocket"]
MAX_NAME_LENGTH = 64
"""Longer names of operations are not logged."""
REQUEST_ID = "kith.request_id"
"""The key of the request's id in the scope of a WebSocket."""
UNAUTHENTICATED = "UNAUTHENTICATED"
_NO_KEY = frozenset({UNAUTHENTICATED, "TOO_MANY_INVALID_KEYS"})
SERVER_ERROR = 500
"""From this status on, an error is the server's."""
DISCONNECTED = 499
"""The status logged for a client that disconnected before its answer, as nginx logs it."""


class RequestSpan(measurements.Span, Protocol):
    """The span of a request or an operation that is traced."""

    @property
    def trace_id(self) -> str:
        """The id of its trace."""
        ...

    def set(self, attributes: measurements.Attributes) -> None:
        """Add attributes."""
        ...


class Traces(Protocol):
    """Begins spans of requests; implemented by `traces`, which requires the extra `otel`."""

    def request(
        self, name: str, traceparent: str, tracestate: str, attributes: measurements.Attributes
    ) -> RequestSpan | None:
        """Begin the span of a request, with the values of two of its headers; `None` if it is not traced."""
        ...

    def close(self) -> None:
        """Send what was recorded, for a limited time."""
        ...


class OperationRecord(measurements.OperationTimes):
    """What is known of one operation."""

    __slots__ = (
        "began",
        "caller",
        "codes",
        "cost",
        "events",
        "operation",
        "request_id",
        "role",
        "seconds",
        "transport",
    )

    def __init__(self, transport: Transport, request_id: str, viewer: Viewer, began: float) -> None:
        super().__init__()
        self.span: RequestSpan | None = None
        self.transport, self.request_id, self.began = transport, request_id, began
        self.caller, self.role = viewer.caller, viewer.role
        self.operation: Operation | None = None
        self.cost = 0
        self.codes: tuple[str, ...] = ()
        self.events = 0
        self.seconds: float | None = None
        measurements.current.set(self)

    def prepared(self, operation: Operation, cost: int) -> None:
        """Keep the operation that was requested, and its cost."""
        self.operation, self.cost = operation, cost

    def answered(self, answer: ExecutionAnswer) -> None:
        """Keep the codes of an answer's errors."""
        self.events += 1
        if answer.errors:
            self.failed(map(error_code, answer.errors))

    def streamed(self, count: int, failed: Iterable[ExecutionAnswer]) -> None:
        """Count the answers of a stream that are sent at once, and keep the codes of those that failed."""
        self.events += count
        for answer in failed:
            self.failed(map(error_code, answer.errors or ()))

    def failed(self, codes: Iterable[str]) -> None:
        """Keep codes of errors."""
        self.codes = tuple(dict.fromkeys((*self.codes, *codes)))

    def end(self) -> None:
        """The operation has ended."""
        self.seconds = perf_counter() - self.began

    @property
    def kind(self) -> str:
        """The type of the operation; `none` if the document could not be used."""
        return "none" if self.operation is None else self.operation.node.operation.value

    @property
    def name(self) -> str | None:
        """The name of the operation in its document, if it has one."""
        name = None if self.operation is None else self.operation.node.name
        return name.value if name is not None and len(name.value) <= MAX_NAME_LENGTH else None


class RequestRecord:
    """What is known of one HTTP request, and of its operations."""

    __slots__ = (
        "began",
        "body",
        "client",
        "codes",
        "failed_before",
        "id",
        "method",
        "observer",
        "operations",
        "span",
        "status",
    )

    def __init__(self, observer: "RequestObserver", scope: Scope, id: str, span: RequestSpan | None) -> None:
        self.observer, self.id, self.span, self.began = observer, id, span, perf_counter()
        self.method: str = scope["method"]
        self.client = scope.get("client")
        self.operations: list[OperationRecord] = []
        self.codes: tuple[str, ...] = ()
        self.status = DISCONNECTED
        self.failed_before = False
        """Whether the client could not sign in a moment ago either, so that its address is in the log."""
        self.body = measurements.Stopwatch()

    def operation(self, viewer: Viewer, transport: Transport = "http") -> OperationRecord:
        """Begin an operation of the request. The first began with the request."""
        began = perf_counter() if self.operations else self.began
        record = OperationRecord(transport, self.id, viewer, began)
        record.span = self.span
        self.operations.append(record)
        return record

    def sending(self, send: Send) -> Send:
        """Return a `send` that adds the request's id to the response and keeps its status."""

        def send_with_id(message: Message) -> Any:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, self.id.encode())]
            return send(message)

        return send_with_id

    def end(self) -> None:
        """The response was sent, or the client disconnected."""
        seconds = perf_counter() - self.began
        self.observer.request_ended(self, seconds)


def with_request_id(send: Send, id: str) -> Send:
    """Return a `send` that adds a request id to the response that opens a WebSocket."""

    def send_with_id(message: Message) -> Any:
        if message["type"] == "websocket.accept":
            message["headers"] = [*message.get("headers", ()), (HEADER, id.encode())]
        return send(message)

    return send_with_id


class RequestObserver:
    """Logs and counts requests and operations. An operation of `slow_seconds` or more is logged at warning."""

    def __init__(self, slow_seconds: float, metrics: Metrics | None = None, traces: Traces | None = None) -> None:
        self._slow_seconds, self._metrics, self._traces = slow_seconds, metrics, traces

    def request(self, scope: Scope, id: str, traceparent: str, tracestate: str) -> RequestRecord:
        """Begin an HTTP request with an id, and with the values of two of its headers."""
        span = None
        if self._traces is not None:
            method = method_label(scope["method"])
            attributes = {"http.request.method": method, "http.route": ROUTE, "url.path": ROUTE, "kith.request_id": id}
            span = self._traces.request(f"{method} {ROUTE}", traceparent, tracestate, attributes)
        return RequestRecord(self, scope, id, span)

    def operation_on_socket(self, id: str, viewer: Viewer, traceparent: str, tracestate: str) -> OperationRecord:
        """Begin an operation on a WebSocket, with the id and two headers of the request that opened it."""
        record = OperationRecord("websocket", id, viewer, perf_counter())
        if self._traces is not None:
            name = "websocket operation"
            record.span = self._traces.request(name, traceparent, tracestate, {"kith.request_id": id})
        return record

    def request_ended(self, request: RequestRecord, seconds: float) -> None:
        """Log a request's operations, or the request itself if it ended before any."""
        if self._metrics is not None:
            self._metrics.request(request.method, request.status, seconds)
        for operation in request.operations:
            if operation.seconds is None:
                operation.seconds = seconds
            self.operation_ended(operation, request.status, request.body.seconds)
        if not request.operations:
            if self._metrics is not None:
                self._metrics.operation("none", request.codes, seconds)
            self._log_request(request, seconds)
        if request.span is not None:
            request.span.set({"http.response.status_code": request.status})
            codes = request.codes or tuple(code for operation in request.operations for code in operation.codes)
            # By the conventions an error of the client is not one of the server's span.
            request.span.end(next(iter(codes), str(request.status)) if request.status >= SERVER_ERROR else "")

    def _log_request(self, request: RequestRecord, seconds: float) -> None:
        rejected = not _NO_KEY.isdisjoint(request.codes)
        level = _rejection_level(request.failed_before) if rejected else logging.INFO
        if not log.isEnabledFor(level):
            return
        fields: dict[str, Any] = {
            "transport": "http",
            "status": request.status,
            "duration_ms": _milliseconds(seconds),
            "codes": request.codes,
            "request_id": request.id,
        }
        if rejected:
            fields |= _address(request.client)
        log.handle(
            RequestLine(
                level, "a request without a valid key" if rejected else "a request without an operation", fields
            )
        )

    def socket_rejected(self, scope: Scope, request_id: str, code: str, status: int, repeated: bool = False) -> None:
        """Log a WebSocket that was closed with a status (a WebSocket close code) before any operation.

        `repeated` is whether the client could not sign in a moment ago either.
        """
        if self._metrics is not None:
            self._metrics.operation("none", (code,), 0)
        rejected = code in _NO_KEY
        level = _rejection_level(repeated) if rejected else logging.WARNING
        if not log.isEnabledFor(level):
            return
        fields: dict[str, Any] = {"transport": "websocket", "status": status}
        fields |= {"codes": (code,), "request_id": request_id}
        if rejected:
            fields |= _address(scope.get("client"))
        log.handle(
            RequestLine(level, "a WebSocket without a valid key" if rejected else "a WebSocket was rejected", fields)
        )

    def operation_ended(self, operation: OperationRecord, status: int | None = None, body_seconds: float = 0) -> None:
        """Log one operation, with the HTTP status of its response."""
        seconds = operation.seconds or 0.0
        kind, name = operation.kind, operation.name
        if self._metrics is not None:
            self._metrics.operation(kind, operation.codes, seconds)
            self._metrics.refused(operation.role, operation.codes)
        span = operation.span
        if span is not None:
            span.set(_span_attributes(operation))
            if operation.transport == "websocket":
                span.end(next(iter(operation.codes), ""))
        slow = seconds >= self._slow_seconds and kind != "subscription"
        level = logging.WARNING if slow else logging.INFO
        if not log.isEnabledFor(level):
            return
        fields: dict[str, Any] = {"transport": operation.transport}
        if status is not None:
            fields["status"] = status
        fields["duration_ms"] = _milliseconds(seconds)
        fields["caller"] = operation.caller
        fields["operation_type"] = kind
        if name is not None:
            fields["operation_name"] = name
        if operation.operation is not None:
            fields["cost"] = operation.cost
            fields["document"] = operation.operation.digest
        if operation.codes:
            fields["codes"] = operation.codes
        if operation.transport != "http":
            fields["events"] = operation.events
        if slow:
            fields |= _parts(operation, seconds, body_seconds)
        if span is not None:
            fields["trace_id"] = span.trace_id
        fields["request_id"] = operation.request_id
        log.handle(RequestLine(level, "slow operation" if slow else "operation", fields))


def _rejection_level(repeated: bool) -> int:
    """Return the level for a client without a valid key: one line for each address and minute is enough."""
    return logging.DEBUG if repeated else logging.WARNING


def _address(client: tuple[str, int] | None) -> dict[str, str]:
    """Return the field of a client's address.

    With a proxy on this machine it is from `X-Forwarded-For`, which clients write as well: anything else than an
    address is left out.
    """
    if client is None:
        return {}
    try:
        return {"client": str(ipaddress.ip_address(client[0]))}
    except ValueError:
        return {}


def _span_attributes(operation: OperationRecord) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {"graphql.operation.type": operation.kind, "kith.caller": operation.caller}
    if operation.name is not None:
        attributes["graphql.operation.name"] = operation.name
    if operation.operation is not None:
        attributes |= {"kith.cost": operation.cost, "kith.document": operation.operation.digest}
    if operation.codes:
        attributes["kith.codes"] = ",".join(operation.codes)
    return attributes


def _parts(operation: OperationRecord, seconds: float, body_seconds: float) -> dict[str, Any]:
    """Return where the time of an operation went; the rest is `execution_ms`."""
    read, queue = operation.read.seconds, operation.queue_seconds
    write = max(operation.write.seconds - queue, 0.0)
    rest = max(seconds - read - queue - write - body_seconds, 0.0)
    parts = {"body": body_seconds, "queue": queue, "write": write, "read": read, "execution": rest}
    return {f"{part}_ms": _milliseconds(value) for part, value in parts.items()}


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
