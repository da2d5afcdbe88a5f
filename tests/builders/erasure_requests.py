"""Erasures of scenarios as they are applied again from a ledger: at the times that they say."""

from graph.commands.erase import ErasureRequest
from graph.domain.model.erasures import Erasure
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.tombstones import Tombstone, TombstoneMode
from tests.builders.graphs import TOMBSTONE_RULES


def erasure_request(keys: tuple[str, ...], at: int, mode: TombstoneMode, id: str) -> ErasureRequest:
    """The erasure of some identifiers at a time (microseconds)."""
    made = tuple(_tombstone(key, at, mode, id) for key in keys)
    return ErasureRequest(None, keys, mode, erasure=Erasure(id, id, mode, at, "privacy"), tombstones=made)


def _tombstone(key: str, at: int, mode: TombstoneMode, id: str) -> Tombstone:
    # An order never comes back.
    mode = TombstoneMode.SUPPRESSED if key.startswith("order=") else mode
    return Tombstone(TOMBSTONE_RULES.keys.hash(key), namespace_of(key), at, mode, 1, 0, id)
