"""Sets up logging: text or JSON on standard error, without values that callers sent.

Messages of Kith (`kith.*`) are written so that they contain no such value. Other libraries do not: at debug,
`websockets` logs frames with keys, and at info, `uvicorn` logs addresses with queries. So their messages are logged
from warning on only, as templates without arguments; exceptions are logged by type and location, never with their text.
"""

import asyncio
import contextlib
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal, TextIO

import orjson

from graph.runtime import measurements

Format = Literal["text", "json"]

REQUESTS = "kith.requests"
"""The logger of requests."""
SERVER = "uvicorn.error"
"""The logger of uvicorn itself, which logs its start and its end at info."""
SERVER_MESSAGES = (
    "Started server",
    "Uvicorn running on",
    "Application ",
    "Shutting down",
    "Waiting for",
    "Finished server",
)
"""The beginnings of these messages. Their arguments, process ids and addresses to listen on, are not from callers."""
CONSTANT_TEXTS = ("uvicorn", "neo4j", "websockets", "opentelemetry")
"""Libraries that pass values as arguments, so that a message without arguments contains none."""
_LOCATIONS = re.compile(
    r'^\s*File "[^"]+", line \d+|^(?:\w+\.)*\w*(?:Error|Exception|Failure|Unavailable)(?=:|$)', re.MULTILINE
)
"""The frames of a formatted traceback, and the types of its exceptions."""
MAX_FRAMES = 30
"""Number of frames logged of one exception: the innermost."""


def configure(level: str, format: Format, worker: int = 0) -> None:
    """Log to standard error from a level on. Replaces all handlers. Messages have the number of a `worker`, from 1."""
    handler = LineHandler()
    handler.addFilter(is_logged)
    fields = {"worker": worker} if worker else {}
    handler.setFormatter(JsonFormatter(fields) if format == "json" else TextFormatter(fields))
    root = logging.getLogger()
    for existing in list(root.handlers):
        root.removeHandler(existing)
    root.addHandler(handler)
    chosen = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(chosen, logging.WARNING))
    logging.getLogger("kith").setLevel(chosen)
    # Not below info: uvicorn passes this logger to `websockets`, which logs frames at debug.
    logging.getLogger(SERVER).setLevel(max(chosen, logging.INFO))
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda failed: _log_uncaught(failed.exc_type, failed.exc_value, failed.exc_traceback)
    sys.unraisablehook = lambda failed: _log_uncaught(failed.exc_type, failed.exc_value, failed.exc_traceback)
    # Nothing below uses them, and each costs every message a call.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _log_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("kith").critical("uncaught exception", exc_info=(kind, error or kind(), trace))


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines. Those of requests that end in the same turn of the event loop are written together.

    Writing each would take a fifth of its cost. Any other message is written at once, after all that came before.
    Without a stream it writes to what standard error is at the time.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._given = stream
        self._lines: list[str] = []
        self._is_scheduled = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or soon."""
        try:
            self._lines.append(self.format(record))
        except Exception:
            self.handleError(record)
        if record.name == REQUESTS and record.levelno < logging.WARNING:
            if self._is_scheduled:
                return
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                pass  # No event loop runs here.
            else:
                self._is_scheduled = True
                return
        self.flush()

    def flush(self) -> None:
        """Write all lines."""
        with self.lock or contextlib.nullcontext():
            lines, self._lines, self._is_scheduled = self._lines, [], False
            # A stream that is closed, or a pipe that nobody reads, must not fail what is logged.
            stream = self._given or sys.stderr
            with contextlib.suppress(OSError, ValueError):
                if lines:
                    stream.write("\n".join(lines) + "\n")
                stream.flush()


class RequestLine(logging.LogRecord):
    """A record of `kith.requests`, without a place in the code, which takes half of its time to find."""

    def __init__(self, level: int, message: str, fields: Mapping[str, object]) -> None:
        self.__dict__.update(_TEMPLATE)
        self.levelno, self.levelname, self.msg = level, logging.getLevelName(level), message
        self.created = time.time()
        self.fields = fields


_TEMPLATE = logging.LogRecord(REQUESTS, logging.INFO, __file__, 0, "", None, None).__dict__


def is_logged(record: logging.LogRecord) -> bool:
    """Return whether a record may be logged: Kith's, the server's start and end, and warnings of other libraries."""
    if _is_ours(record.name) or record.levelno >= logging.WARNING:
        return True
    return record.name == SERVER and record.levelno >= logging.INFO and str(record.msg).startswith(SERVER_MESSAGES)


def _is_ours(name: str) -> bool:
    return name == "kith" or name.startswith("kith.")


def message_of(record: logging.LogRecord) -> str:
    """Return the message of a record without values that callers may have sent."""
    template = record.msg
    if _is_ours(record.name):
        return record.getMessage() if record.args else str(template)
    if isinstance(template, OSError):
        return f"{type(template).__name__}: {template.strerror}"
    if not isinstance(template, str):
        return type(template).__name__
    if record.name == SERVER and template.startswith(SERVER_MESSAGES):
        return record.getMessage()
    if record.name == "py.warnings":
        # Its argument is `FILE:LINE: CATEGORY: message`.
        return ": ".join(record.getMessage().split(": ")[:2])
    if record.args or record.name.startswith(CONSTANT_TEXTS):
        return _without_exceptions(template)
    return f"a message of {record.name} at {record.module}:{record.lineno}"


def _without_exceptions(text: str) -> str:
    """Return a text in one line; of a formatted traceback, the locations and the types of the exceptions only."""
    text = text.strip()
    if "Traceback (most recent call last)" not in text:
        return text.replace("\n", " ")
    return " < ".join(found.strip() for found in reversed(_LOCATIONS.findall(text)))


def stack_of(error: BaseException) -> str:
    """Return an exception and its causes by type and location, the innermost frame of each first."""
    seen: set[int] = set()
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        parts.append(" < ".join([type(current).__name__, *_frames(current)]))
        if isinstance(current, BaseExceptionGroup):
            parts += [f"(in a group) {stack_of(inner)}" for inner in current.exceptions]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "; from ".join(parts)


def _frames(error: BaseException) -> Iterator[str]:
    frames: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    yield from reversed(frames[-MAX_FRAMES:])


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of a record: its own (`extra={"fields": ...}`), and the request that it belongs to."""
    fields: dict[str, Any] = getattr(record, "fields", {})
    if "request_id" not in fields and _is_ours(record.name):
        request_id = getattr(measurements.current.get(), "request_id", None)
        if request_id is not None:
            fields = {**fields, "request_id": request_id}
    if record.exc_info and record.exc_info[1] is not None:
        fields = {**fields, "exception": stack_of(record.exc_info[1])}
    return fields


def timestamp(created: float) -> str:
    """Format the time of a record, in seconds since 1970."""
    second = int(created)
    return f"{_second(second)}.{int((created - second) * 1000):03}Z"


@lru_cache(2)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class TextFormatter(logging.Formatter):
    """One line a message: time, level, logger, message, and fields as NAME=VALUE, those of all messages first."""

    def __init__(self, fields: dict[str, int] | None = None) -> None:
        super().__init__()
        self._fields = fields or {}

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        fields = " ".join(
            [
                f"{name}={value if type(value) in _NUMBERS else _text(value)}"
                for name, value in (self._fields | fields_of(record)).items()
            ]
        )
        line = f"{timestamp(record.created)} {record.levelname} {record.name} {message_of(record)}"
        return f"{line} {fields}" if fields else line


_NUMBERS = frozenset({int, float})


def _text(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return f'"{text}"' if " " in text else text


class JsonFormatter(logging.Formatter):
    """One JSON object a line: timestamp, level, logger, message, and the fields, those of all messages first."""

    def __init__(self, fields: dict[str, int] | None = None) -> None:
        super().__init__()
        self._fields = fields or {}

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return orjson.dumps(
            {
                "timestamp": timestamp(record.created),
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": message_of(record),
                **self._fields,
                **fields_of(record),
            },
            default=str,
        ).decode()
