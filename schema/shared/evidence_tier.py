"""How near a source is to the customer, in GraphQL: the party of a fact and the tier of a link's evidence."""

from graph.domain.model.observations import EvidenceTier, Party
from schema.shared.enums import describe_enum

__all__ = ["EvidenceTier", "Party"]

SOURCE_PARTY = "Whether the source is one of your own systems, a partner or a third party."
"""The description of every field that holds the party of a source."""

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
