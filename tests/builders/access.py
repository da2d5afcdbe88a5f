"""What tests of keys share: a clock that they set, and a place for named values."""

import asyncio

from graph.domain.model.dates import DAY
from graph.domain.model.errors import StoreUnavailable

NOON = 20_000 * DAY + DAY // 2


class Clock:
    """A clock that a test sets. Times are microseconds since 1970."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def now(self) -> int:
        """The time."""
        return self.at


class Values:
    """The named values of a store, in memory."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.available = True
        self.reads = 0

    async def get_value(self, name: str) -> str | None:
        """The text under a name."""
        self._check()
        self.reads += 1
        await asyncio.sleep(0)
        return self.texts.get(name)

    async def replace_value(self, name: str, text: str, expected: str | None) -> bool:
        """Compare and set."""
        self._check()
        if self.texts.get(name) != expected:
            return False
        self.texts[name] = text
        return True

    def _check(self) -> None:
        if not self.available:
            raise StoreUnavailable("the database does not answer")
