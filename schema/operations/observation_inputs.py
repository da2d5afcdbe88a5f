"""Observations as callers send them."""

from collections.abc import Iterable
from enum import Enum

import strawberry

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.observations import Observation, Tier
from schema.operations.identifier_input import IdentifierInput
from schema.shared.enums import described
from schema.shared.scalars import Timestamp, readable


class Party(Enum):
    """A party; the three nearest tiers."""

    FIRST = "FIRST"
    SECOND = "SECOND"
    THIRD = "THIRD"

    @property
    def tier(self) -> Tier:
        """The tier of an undoubted statement of this party."""
        return Tier[self.value]


described(
    Party,
    "Party",
    "How near the source of a statement is.",
    FIRST="One of our own systems.",
    SECOND="A partner, with its own customers.",
    THIRD="Anyone else: bought data.",
)


def own_id(id: str | None) -> str:
    """The source's own id for what it sends, empty where it gives none; raises `InvalidInput` for one without text."""
    if id == "":
        raise InvalidInput("BAD_LENGTH", "id has 0 characters; 1 to 200 are allowed, or leave it out", ("id",))
    return id or ""


def pairs(identifiers: Iterable[IdentifierInput]) -> tuple[tuple[str, str], ...]:
    """Identifiers as the domain takes them: namespace and raw value."""
    return tuple((one.namespace, one.value) for one in identifiers)


@strawberry.input(description="One source's statement that identifiers were seen together at a time.")
class ObservationInput:
    """An observation on the way in."""

    source: str = strawberry.field(description="Who says so: 1 to 100 characters.")
    identifiers: list[IdentifierInput] = strawberry.field(description="1 to 20 identifiers that were seen together.")
    id: str | None = strawberry.field(
        default=None,
        description="The source's id for it, 1 to 200 characters: the same one again changes nothing, with other "
        "content it is an error. Without it the digest of all fields sent is the id.",
    )
    party: Party = strawberry.field(default=Party.FIRST, description="How near the source is.")
    seen_at: Timestamp | None = strawberry.field(
        default=None,
        description="When they were seen, at most 5 minutes ahead. Without it the time of first receipt counts.",
    )
    confidence: float | None = strawberry.field(
        default=None, description="0 to 1: makes the statement a statistical one, whatever its party."
    )
    evidence: str | None = strawberry.field(
        default=None, description="What the source bases it on, up to 1,000 characters; kept for the record."
    )

    def read(self) -> Observation | Problem:
        """As the domain's value, or what cannot be read in it."""
        try:
            seen_at, id = readable(self.seen_at, "seenAt"), own_id(self.id)
        except InvalidInput as error:
            return error.problem()
        identifiers = pairs(self.identifiers)
        return Observation(self.source, identifiers, id, self.party.tier, seen_at, self.confidence, self.evidence or "")


@strawberry.input(description="Observations to take in.")
class LinkIdentifiersInput:
    """The input of `linkIdentifiers`."""

    observations: list[ObservationInput] = strawberry.field(description="1 to 1,000 observations.")


@strawberry.input(description="An observation by what it is known by.")
class ObservationKeyInput:
    """Source and id."""

    source: str = strawberry.field(description="Who sent it.")
    id: str = strawberry.field(description="Its id; for one sent without an id, the one that was answered.")


@strawberry.input(description="Observations to withdraw.")
class RevokeObservationsInput:
    """The input of `revokeObservations`."""

    observations: list[ObservationKeyInput] = strawberry.field(description="1 to 1,000 observations.")
    actor: str | None = strawberry.field(default=None, description="Who withdraws them; the caller if left out.")
