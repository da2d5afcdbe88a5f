"""Source revocations: what a source sent in a window of time does not count, until the source is restored.

Whether an observation is covered follows from the revocations in effect alone. So windows may overlap, and restoring
one of two leaves what the other covers revoked.
"""

import json
from collections.abc import Iterable

from msgspec import Struct

from graph.domain.model.facts import FactKind
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import Receipt

REFUSALS = frozenset({"refused", "withdrawn"})
"""The consent decisions by which a person says no, as they are stored."""


class SourceWindow(Struct, frozen=True, gc=False):
    """What of a source is to be revoked, as a request says: without a time, from the beginning or until now."""

    source: str
    recorded_from: int | None = None
    recorded_to: int | None = None
    include_refusals: bool = False


class SourceRevocation(Struct, frozen=True, gc=False):
    """The revocation of what a source sent from `recorded_from` to before `recorded_to`, by the time of receipt.

    Without `recorded_from` it covers everything before `recorded_to`. Consent decisions that say no stay in effect
    unless it has `include_refusals`. `actor` set it at the time `at`; it is in effect until `restored_at`. Times are in
    microseconds.

    `pending` means that observations are still to be evaluated again, since it was set or since it was restored: those
    with ids up to `processed_to` have been, which are `processed` of `total` (`None` until they have been counted).
    """

    id: str
    source: str
    recorded_from: int | None
    recorded_to: int
    include_refusals: bool
    actor: str
    reason: str
    at: int
    restored_at: int | None = None
    restored_by: str = ""
    pending: bool = True
    processed_to: str = ""
    processed: int = 0
    total: int | None = None

    @property
    def in_effect(self) -> bool:
        """Whether it has not been restored."""
        return self.restored_at is None

    @property
    def window(self) -> tuple[str, int | None, int, bool]:
        """What it covers; two revocations of the same window are the same."""
        return self.source, self.recorded_from, self.recorded_to, self.include_refusals

    def covers(self, receipt: Receipt) -> bool:
        """Whether it revokes an observation while it is in effect."""
        return (
            receipt.source == self.source
            and receipt.received_at < self.recorded_to
            and (self.recorded_from is None or receipt.received_at >= self.recorded_from)
            and (self.include_refusals or not is_refusal(receipt))
        )


def is_refusal(receipt: Receipt) -> bool:
    """Whether an observation is a consent decision that says no."""
    if receipt.kind != FactKind.CONSENT.value or not receipt.sent:
        return False
    _, _, decision, *_ = json.loads(Observation.from_sent(*receipt.key, receipt.sent).facts)
    return decision in REFUSALS


def is_covered(receipt: Receipt, revocations: Iterable[SourceRevocation]) -> bool:
    """Whether any of some revocations, which are in effect, covers an observation that has arrived."""
    return receipt.digest != "" and any(revocation.covers(receipt) for revocation in revocations)
