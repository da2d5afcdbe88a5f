"""Receipts: what a store remembers of every observation, so that deliveries may repeat and reorder (step 1)."""

from enum import Enum

from msgspec import Struct

from graph.domain.model.observations import Statement, Tier

ObservationKey = tuple[str, str]
"""Source and id."""


class Standing(Enum):
    """Whether an observation counts."""

    VALID = "valid"
    INACTIVE = "inactive"
    """The rules refuse it; other rules may take it up."""
    SUPERSEDED = "superseded"
    """The source stated the same order anew."""
    REVOKED = "revoked"


class Receipt(Struct, frozen=True, gc=False):
    """One observation as it is remembered.

    `digest` is empty where only a revocation has come so far. `keys` are the identifiers it names under the rules,
    `seen_at` the time that counts, `sent` all that was sent (`Observation.as_sent`). An order's statement carries the
    order's key, when it was stated and the facts; one of another `kind` its facts and, `told_at`, the identifiers on
    which they hang. `read_under` is the version of the rules that it was read anew under, 0 where it never was. Times
    in microseconds.
    """

    source: str
    id: str
    digest: str
    standing: Standing
    received_at: int
    seen_at: int = 0
    keys: tuple[str, ...] = ()
    tier: Tier = Tier.FIRST
    confidence: float | None = None
    sent: str = ""
    order_key: str = ""
    stated_at: int = 0
    facts: str = ""
    kind: str = ""
    told_at: tuple[str, ...] = ()
    read_under: int = 0

    @property
    def key(self) -> ObservationKey:
        """Source and id."""
        return self.source, self.id

    @property
    def statement(self) -> Statement:
        """What resolution needs of it."""
        return Statement(self.source, self.id, self.keys, self.tier, self.seen_at, self.confidence)
