"""The query graphHealth."""

from typing import Annotated

import strawberry

from graph.domain.resolution.health import Finding, FindingKind
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.enums import described
from schema.types.identifier import IdentifierName
from schema.types.link import Link

described(
    FindingKind,
    "FindingKind",
    "What is suspicious.",
    SHARED_VALUE="An identifier that many customers were seen with.",
    LARGE_CUSTOMER="A customer with unusually many identifiers.",
    NAMESPACE="A namespace whose values per customer speak against its rules.",
    BRIDGE="A customer that one doubtful link holds together, with known identifiers on both sides.",
    SUSPENDED_GROWTH="Many more links than usual came to be suspended.",
)


@strawberry.type(description="One suspicious thing, and what would mend it.")
class HealthFinding:
    """A finding in GraphQL."""

    kind: FindingKind = strawberry.field(description="What it is.")
    text: str = strawberry.field(description="In words.")
    suggestion: str = strawberry.field(description="The rule or mark that would mend it.")
    number: int = strawberry.field(description="How much so: customers, identifiers, values or links.")
    identifier: IdentifierName | None = strawberry.field(description="The identifier that it is about.")
    customer_id: strawberry.ID | None = strawberry.field(description="The customer that it is about.")
    namespace: str | None = strawberry.field(description="The namespace that it is about.")
    link: Link | None = strawberry.field(description="The bridge.")
    apart: list[IdentifierName] = strawberry.field(description="The two identifiers that `keepApart` would part.")

    @classmethod
    def of(cls, one: Finding) -> "HealthFinding":
        """From the domain's value."""
        return cls(
            kind=one.kind,
            text=one.text,
            suggestion=one.suggestion,
            number=one.number,
            identifier=IdentifierName.of(one.key) if one.key else None,
            customer_id=strawberry.ID(one.customer) if one.customer else None,
            namespace=one.namespace or None,
            link=None if one.link is None else Link.of(one.link),
            apart=[IdentifierName.of(key) for key in one.apart],
        )


@strawberry.type
class HealthQueries:
    """What can be asked of the graph's health."""

    @strawberry.field(
        description="What is suspicious in the graph, the worst first. It reads all links: not for tills."
    )
    async def graph_health(
        self,
        info: Info,
        first: First = 10,
        after: After = None,
        kinds: Annotated[
            list[FindingKind] | None, strawberry.argument(description="Only findings of these kinds.")
        ] = None,
    ) -> Connection[HealthFinding]:
        """A page of findings."""
        place = None if after is None else decode(after, int, str, str)
        wanted = frozenset(FindingKind if kinds is None else kinds)
        page = await info.context.graph.health(wanted, place and (place[0], place[1], place[2]), page_size(first))
        result: Connection[HealthFinding] = connection(
            page, HealthFinding.of, lambda finding: encode(*finding.place), after
        )
        return result
