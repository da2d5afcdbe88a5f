"""The messages of a broker's client library, which repeats them several times a second while a broker is away."""

import logging
import time

SECONDS = 60.0
"""Each message is logged once in this time."""

log = logging.getLogger("kith.brokers")


class ClientLog(logging.Handler):
    """Logs warnings of a library, each no more than once a minute, with exceptions by their types only."""

    def __init__(self, library: str) -> None:
        super().__init__(logging.WARNING)
        self._library = library
        self._logged: dict[object, float] = {}

    @classmethod
    def attach(cls, library: str) -> None:
        """Let all messages of a library come here, and only here."""
        logger = logging.getLogger(library)
        logger.propagate = False
        logger.handlers = [cls(library)]

    def emit(self, record: logging.LogRecord) -> None:
        """Log a message unless it was logged shortly before."""
        now = time.monotonic()
        if now - self._logged.get(record.msg, -SECONDS) < SECONDS:
            return
        self._logged[record.msg] = now
        arguments = record.args if isinstance(record.args, tuple) else ()
        shown = tuple(type(value).__name__ if isinstance(value, BaseException) else value for value in arguments)
        try:
            text = str(record.msg) % shown
        except (TypeError, ValueError):
            text = str(record.msg)
        log.warning("%s: %s", self._library, " ".join(text.split()))
