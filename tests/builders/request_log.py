"""The log of requests, as a list of records."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class RequestLog(logging.Handler):
    """Keeps the fields of each record, with its level and its message."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append({"level": record.levelname, "message": record.getMessage(), **record.fields})

    @property
    def last(self) -> dict[str, Any]:
        return self.lines[-1]


@contextmanager
def request_log() -> Iterator[RequestLog]:
    """Collect what is logged of requests at info."""
    logger, handler = logging.getLogger("kith.requests"), RequestLog()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
