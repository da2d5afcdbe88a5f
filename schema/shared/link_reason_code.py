"""Why a link is not active, in GraphQL."""

from graph.domain.model.links import LinkReasonCode
from schema.shared.enums import describe_enum

__all__ = ["LinkReasonCode"]

describe_enum(
    LinkReasonCode,
    "LinkReasonCode",
    "Why a link is not active.",
    LIMIT="The link would give one customer more values of a namespace than the rules allow.",
    APART="A data steward decided that the two sides are different people.",
    GUARD="The two sides have values that cannot be those of one person. E.g. two different birth dates.",
    BELOW_THRESHOLD="The confidence of the link is below the threshold of the rules.",
    SHARED="One of the identifiers is shared.",
    BLOCKED="One of the identifiers is blocked.",
)
