"""How near a source is to the customer, in GraphQL: the party of a fact and the tier of a link's evidence."""

from graph.domain.model.observations import EvidenceTier, Party
from schema.shared.enums import describe_enum

__all__ = ["EvidenceTier", "Party"]

SOURCE_PARTY = "Whether the source is one of your own systems, a partner or a third party."
"""The description of every field that holds the party of a source."""
STATED_PARTY = (
    f"{SOURCE_PARTY} Without it, `FIRST_PARTY`, or the nearest party that the caller may state. A nearer one than that "
    "is `PARTY_NOT_ALLOWED`."
)
"""The description of every input field of a party."""
STATED_SOURCE = (
    "1 to 100 characters. A caller that is bound to sources must name one of them. A storefront may use 92 characters: "
    "what its token does not prove is recorded under the source with `:claimed` at its end, which no caller may send."
)
"""The part of the descriptions of input fields of a source that says which are allowed."""


def party_of(stated: Party | None, nearest: Party, usual: Party = Party.FIRST_PARTY) -> Party:
    """Return the party of a statement: without a stated one the usual one, but not nearer than `nearest`."""
    return max(usual, nearest) if stated is None else stated


describe_enum(
    Party,
    "Party",
    "Whether a source is one of your own systems, a partner or a third party. Links of an earlier value are stronger.",
    FIRST_PARTY="One of your own systems. E.g. the web shop.",
    SECOND_PARTY="A partner that shares data about its own customers.",
    THIRD_PARTY="Anyone else. E.g. a data vendor.",
)
describe_enum(
    EvidenceTier,
    "EvidenceTier",
    "How reliable the evidence of a link is, best first.",
    FIRST_PARTY="Seen together by one of your own systems.",
    SECOND_PARTY="Seen together by a partner.",
    THIRD_PARTY="Seen together by anyone else.",
    PROBABILISTIC="Estimated: the observation has a confidence, whatever its party.",
)
