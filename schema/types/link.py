"""Links in GraphQL."""

from typing import cast

import strawberry

from graph.domain.model.links import Link as DomainLink
from graph.domain.model.links import State
from schema.shared.derived_fields import Derived
from schema.shared.enums import described
from schema.shared.evidence_tier import Tier
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierName

described(
    State,
    "LinkState",
    "What resolution made of a link.",
    KEPT="It holds its two identifiers in one customer.",
    SUSPENDED="It lost to stronger links or a mark; it comes back by itself when what beat it goes away.",
    IDLE="It links nothing: below the threshold, or at a shared or blocked identifier.",
)


_of = Derived[DomainLink]()


@strawberry.type(description="Why a link is not kept.")
class LinkReason:
    """A reason in GraphQL, over the domain's value."""

    code: str = strawberry.field(description="`LIMIT`, `APART`, `BELOW_THRESHOLD`, `SHARED` or `BLOCKED`.")
    text: str = strawberry.field(description="The reason in words.")


@strawberry.type(description="The pair of two identifiers that observations support.")
class Link:
    """A link in GraphQL, over the domain's value."""

    a: IdentifierName = _of(lambda link: IdentifierName.of(link.a), "One end.")
    b: IdentifierName = _of(lambda link: IdentifierName.of(link.b), "The other end.")
    state: State = strawberry.field(description="What resolution made of it.")
    reason: LinkReason | None = strawberry.field(description="Why it is not kept.")
    tier: Tier = strawberry.field(description="The best of what supports it.")
    first_seen: Timestamp | None = strawberry.field(description="The earliest statement of that tier.")
    last_seen: Timestamp | None = strawberry.field(description="The latest statement of that tier.")
    count: int = strawberry.field(description="How many statements support it.")
    sources: list[str] = strawberry.field(description="Who made them.")
    confidence: float | None = strawberry.field(description="The highest confidence of its statistical statements.")

    @classmethod
    def of(cls, link: DomainLink) -> "Link":
        """The domain's value in GraphQL."""
        return cast("Link", link)
