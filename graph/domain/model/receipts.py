"""Receipts: the record of every observation in a store, so that deliveries may repeat and reorder (step 1)."""

from collections.abc import Container
from enum import Enum

from msgspec import Struct

from graph.domain.model.observations import ATTRIBUTES, EvidenceStatement, EvidenceTier

ObservationKey = tuple[str, str]
"""Source and id."""


class ObservationStatus(Enum):
    """Whether an observation counts."""

    VALID = "valid"
    INACTIVE = "inactive"
    """The rules reject it; other rules may accept it."""
    SUPERSEDED = "superseded"
    """The source reported the same order again."""
    SOURCE_REVOKED = "source_revoked"
    """A revocation of its source covers it."""
    REVOKED = "revoked"
    """It was revoked itself; that stays so if its source is restored."""


class Receipt(Struct, frozen=True, gc=False):
    """The stored record of one observation.

    `digest` is empty if only a revocation has arrived so far. `keys` are the identifiers that the observation names
    under the rules, `seen_at` the time that counts, `sent` all that was sent (`Observation.as_sent`). The report of an
    order has the order's key, the time of the report and the facts; one of another `kind` has its facts and
    `fact_holders`, the identifiers that they are attached to. `rules_version` is the version of the rules that it was
    last reprocessed under, 0 if it never was. `received_from` is the caller that sent it, empty if that is not known.
    Times are in microseconds.
    """

    source: str
    id: str
    digest: str
    status: ObservationStatus
    received_at: int
    seen_at: int = 0
    keys: tuple[str, ...] = ()
    tier: EvidenceTier = EvidenceTier.FIRST_PARTY
    confidence: float | None = None
    sent: str = ""
    order_key: str = ""
    reported_at: int = 0
    facts: str = ""
    kind: str = ""
    fact_holders: tuple[str, ...] = ()
    rules_version: int = 0
    received_from: str = ""

    @property
    def key(self) -> ObservationKey:
        """Source and id."""
        return self.source, self.id

    def is_indexed(self, stored: Container[str]) -> bool:
        """Whether each identifier that it names leads to it; `stored` are those that are stored.

        None does if the rules reject the observation as a whole. One that was never valid may name identifiers that
        are not stored.
        """
        for key in self.keys:
            if key not in stored:
                return not self.sent
        return bool(self.keys) or not self.sent

    @property
    def statement(self) -> EvidenceStatement:
        """The part that resolution needs."""
        attributes = holder = ""
        if self.fact_holders and self.kind == ATTRIBUTES:
            attributes, holder = self.facts, self.fact_holders[0]
        return EvidenceStatement(
            self.source, self.id, self.keys, self.tier, self.seen_at, self.confidence, attributes, holder
        )
