"""Links in GraphQL."""

from typing import cast

import strawberry

from graph.domain.access.scopes import GRAPH_READ
from graph.domain.model.links import Link as DomainLink
from graph.domain.model.links import LinkReason as DomainLinkReason
from graph.domain.model.links import LinkState
from schema.shared.derived_fields import Derived
from schema.shared.enums import describe_enum
from schema.shared.evidence_tier import EvidenceTier
from schema.shared.link_reason_code import LinkReasonCode
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierRef
from schema.types.message import PARTS, MessageParts

describe_enum(
    LinkState,
    "LinkState",
    "Whether a link connects its two identifiers.",
    ACTIVE="The link keeps its two identifiers in one customer.",
    SUSPENDED="A stronger link, an override or a guard conflicts with the link. It becomes active again when the "
    "conflict ends.",
    EXCLUDED="The link connects nothing: its confidence is below the threshold, or one of its identifiers is shared or "
    "blocked.",
)
_of = Derived[DomainLink]()


@requires(GRAPH_READ)
@strawberry.type(description="Why a link is not active.")
class LinkReason:
    """A reason; at run time the domain's value."""

    code: LinkReasonCode = strawberry.field(description="The reason, for programs.")
    message: str = strawberry.field(
        description="The reason, for people. E.g. `merging would give one customer 2 values of crm_id; the rules "
        "allow 1`. Values that the caller may not read are masked."
    )
    message_parts: MessageParts = Derived[DomainLinkReason]()(
        lambda reason: MessageParts.of(reason.message), f"The reason. {PARTS}"
    )


@requires(GRAPH_READ)
@strawberry.type(description="Evidence from observations that two identifiers belong to the same customer.")
class Link:
    """A link; at run time the domain's value."""

    a: IdentifierRef = _of(lambda link: IdentifierRef.of(link.a), "The first identifier.")
    b: IdentifierRef = _of(lambda link: IdentifierRef.of(link.b), "The second identifier.")
    state: LinkState = strawberry.field(description="Whether the link connects its two identifiers.")
    reason: LinkReason | None = strawberry.field(description="Why the link is not active. Null if it is active.")
    tier: EvidenceTier = strawberry.field(description="The best evidence tier among the observations of the link.")
    first_seen_at: Timestamp | None = strawberry.field(
        description="The time of the earliest observation of that tier. Null if all observations are below the "
        "confidence threshold."
    )
    last_seen_at: Timestamp | None = strawberry.field(
        description="The time of the latest observation of that tier. Null if all observations are below the "
        "confidence threshold."
    )
    observation_count: int = strawberry.field(
        description="The number of observations that support the link, without those below the confidence threshold."
    )
    sources: list[str] = strawberry.field(description="The sources of these observations. E.g. `web-shop`.")
    confidence: float | None = strawberry.field(
        description="The highest confidence among the probabilistic observations, 0 to 1. Null if there are none."
    )

    @classmethod
    def of(cls, link: DomainLink) -> "Link":
        """Return the domain's value as its GraphQL type."""
        return cast("Link", link)
