"""Observations as clients send them."""

from collections.abc import Iterable

import strawberry

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.observations import Observation
from schema.operations.actors import ACTOR, REASON
from schema.operations.identifier_input import IdentifierInput
from schema.shared.evidence_tier import STATED_PARTY, STATED_SOURCE, Party, party_of
from schema.shared.scalars import Timestamp, require_valid


def checked_id(id: str | None) -> str:
    """Return the id from the source, empty if it sends none; raises `InvalidInput` if it is an empty text."""
    if id == "":
        raise InvalidInput("INVALID_LENGTH", "id has 0 characters; 1 to 200 are allowed, or omit it", ("id",))
    return id or ""


def pairs(identifiers: Iterable[IdentifierInput]) -> tuple[tuple[str, str], ...]:
    """Return identifiers as pairs of namespace and raw value."""
    return tuple((identifier.namespace, identifier.raw) for identifier in identifiers)


@strawberry.input(description="An observation: identifiers that a source saw together at a time.")
class ObservationInput:
    """An observation as a client sends it."""

    source: str = strawberry.field(description=f"The source of the observation, {STATED_SOURCE} E.g. `web-shop`.")
    identifiers: list[IdentifierInput] = strawberry.field(
        description="1 to 20 identifiers that were seen together. E.g. a device id and an email address."
    )
    id: str | None = strawberry.field(
        default=None,
        description="The id of the observation at its source, 1 to 200 characters. Sending the same observation again "
        "changes nothing; sending other content with the same id is an error. Without it, a hash of all fields is "
        "the id, so identical observations count as one.",
    )
    party: Party | None = strawberry.field(default=None, description=STATED_PARTY)
    seen_at: Timestamp | None = strawberry.field(
        default=None,
        description="When the identifiers were seen, at most 5 minutes in the future. Without it, the time of receipt.",
    )
    confidence: float | None = strawberry.field(
        default=None,
        description="The probability that the identifiers belong to the same person, 0 to 1. With it, the observation "
        "is probabilistic, whatever its party.",
    )
    evidence: str | None = strawberry.field(
        default=None,
        description="What the source bases the observation on, up to 1,000 characters. Stored, but not evaluated.",
    )

    def to_domain(self, nearest: Party) -> Observation | Problem:
        """Convert to the domain's value, or return the first problem; `nearest` is the nearest party of the caller."""
        try:
            seen_at, id = require_valid(self.seen_at, "seenAt"), checked_id(self.id)
        except InvalidInput as error:
            return error.problem()
        identifiers = pairs(self.identifiers)
        return Observation(
            self.source, identifiers, id, party_of(self.party, nearest), seen_at, self.confidence, self.evidence or ""
        )


@strawberry.input(description="The input of `linkIdentifiers`.")
class LinkIdentifiersInput:
    """The input of `linkIdentifiers`."""

    observations: list[ObservationInput] = strawberry.field(description="1 to 1,000 observations.")


@strawberry.input(description="The key of an observation: its source and id.")
class ObservationKeyInput:
    """Source and id."""

    source: str = strawberry.field(description="The source of the observation. E.g. `web-shop`.")
    id: str = strawberry.field(
        description="The id of the observation: the one that was sent, or the one in `ObservationAccepted.id`."
    )


@strawberry.input(description="The input of `revokeObservations`.")
class RevokeObservationsInput:
    """The input of `revokeObservations`."""

    observations: list[ObservationKeyInput] = strawberry.field(description="1 to 1,000 observations.")
    reason: str = strawberry.field(
        default="",
        description=f"{REASON}`wrong export`. It becomes part of the reasons of the changes that result.",
    )
    actor: str | None = strawberry.field(default=None, description=ACTOR)
