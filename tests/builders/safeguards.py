"""Safeguards of erasures in memory: keys that everybody knows, and a ledger that is a list."""

from collections.abc import Awaitable, Callable

from graph.domain.model.erasures import Erasure
from graph.domain.model.tombstones import TombstoneKeys
from graph.ports import T


class ListSafeguards:
    """Keys and a ledger, which outlive the stores that they are used with."""

    def __init__(self, keys: TombstoneKeys | None = None) -> None:
        self.tombstone_keys = keys or TombstoneKeys({1: b"a secret of the tests, of 32 byte"}, 1)
        self.ledger: list[bytes] = []

    def keys(self) -> TombstoneKeys:
        return self.tombstone_keys

    def check_available(self) -> None:
        pass

    def receipt(self, erasure: Erasure) -> str:
        return f"receipt of {erasure.id}"

    async def carry_out(self, content: bytes, commit: Callable[[], Awaitable[T]]) -> T:
        result = await commit()
        self.ledger.append(content)
        return result
