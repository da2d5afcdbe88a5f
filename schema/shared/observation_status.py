"""Whether an observation takes part in resolution, in GraphQL."""

from graph.domain.model.receipts import ObservationStatus
from schema.shared.enums import describe_enum

__all__ = ["ObservationStatus"]

describe_enum(
    ObservationStatus,
    "ObservationStatus",
    "Whether an observation takes part in resolution.",
    VALID="The observation takes part in resolution.",
    INACTIVE="The rules reject the observation. It is stored, and becomes valid if new rules accept it.",
    SUPERSEDED="A newer report of the same order by the source replaces this one.",
    SOURCE_REVOKED="The source was revoked for the time at which the observation arrived. See `revokeSource`.",
    REVOKED="The observation was revoked, possibly before it arrived.",
)
