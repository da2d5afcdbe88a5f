"""The statements behind identifiers."""

from collections.abc import Generator, Sequence
from typing import Any

from graph.domain.model.store_values import EvidenceByKey
from graph.ports import ReadEvidence, Request, WriteStore


def _evidence(keys: Sequence[str]) -> Generator[Request, Any, EvidenceByKey]:
    evidence: EvidenceByKey = yield ReadEvidence(keys)
    return evidence


async def evidence_of(store: WriteStore, keys: Sequence[str]) -> EvidenceByKey:
    """Return all valid statements that name some identifiers, by key. It runs as a write without writes."""
    return await store.write(lambda: _evidence(keys))
