"""The log of consent decisions that a command stores."""

import asyncio
from collections.abc import Sequence

from graph.domain.access.decision_log import LoggedDecision
from service.audit.audit import Audit
from service.bootstrap import open_audit
from service.cli.startup import as_service
from service.config.settings import Settings


class CommandDecisionLog:
    """Logs decisions as the service with these settings does; the log is opened at the first of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._audit: Audit | None = None

    async def record(self, decisions: Sequence[LoggedDecision]) -> None:
        """Log decisions that are stored. Raises `AuditUnavailable`, and `InvalidInput` without a folder."""
        if self._audit is None:
            # In a thread, because finding the keys of the store runs a loop of its own.
            self._audit = await asyncio.to_thread(lambda: open_audit(as_service(self._settings)))
        if self._audit is not None:
            await self._audit.decisions.record(decisions)

    def close(self) -> None:
        """End the log with a checkpoint."""
        if self._audit is not None:
            self._audit.close()
