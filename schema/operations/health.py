"""The query `graphHealth`."""

from typing import Annotated

import strawberry

from graph.domain.access.scopes import GRAPH_READ
from graph.domain.resolution.health import Finding, FindingKind
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode_hidden, encode_hidden, page_size
from schema.shared.enums import describe_enum
from schema.shared.required_scopes import requires
from schema.types.identifier import IdentifierRef
from schema.types.link import Link
from schema.types.message import PARTS, MessageParts

describe_enum(
    FindingKind,
    "FindingKind",
    "The kind of a health finding.",
    SHARED_IDENTIFIER="An identifier was seen with several customers and is neither shared nor blocked.",
    OVERSIZED_CUSTOMER="A customer has an unusually large number of identifiers.",
    NAMESPACE_RULES="The rules of a namespace do not fit its data. E.g. customers have very many values of it.",
    WEAK_BRIDGE="A single weak link connects two groups of identifiers that each belong to a known person.",
    CONTRADICTING_CLAIMS="Customers whose values contradict each other were seen with the identifier. E.g. a family "
    "shares an email address.",
    CONTRADICTING_VALUES="A customer has values that cannot be those of one person, although a steward or a namespace "
    "without guards joined them. E.g. two different birth dates.",
    SUSPENSION_SPIKE="Many more links than usual were suspended recently.",
)


@requires(GRAPH_READ)
@strawberry.type(description="A sign that the data or the rules have a problem, with a suggestion.")
class HealthFinding:
    """A finding in GraphQL."""

    kind: FindingKind = strawberry.field(description="The kind of the finding.")
    message: str = strawberry.field(
        description="The finding in one sentence. E.g. `phone=+491701 was seen with 7 customers`. Values that the "
        "caller may not read are masked."
    )
    message_parts: MessageParts = strawberry.field(description=f"The finding. {PARTS}")
    suggestion: str = strawberry.field(description="How to fix it. E.g. a change to the rules.")
    suggestion_parts: MessageParts = strawberry.field(description=f"How to fix it. {PARTS}")
    count: int = strawberry.field(
        description="The size of the problem: a number of customers, identifiers, values or links, by the kind."
    )
    identifier: IdentifierRef | None = strawberry.field(
        description="The identifier concerned. Null if the finding is not about one identifier."
    )
    customer_id: strawberry.ID | None = strawberry.field(
        description="The id of the customer concerned. Null if the finding is not about one customer."
    )
    namespace: str | None = strawberry.field(
        description="The namespace concerned. Null if the finding is not about one namespace."
    )
    link: Link | None = strawberry.field(description="For `WEAK_BRIDGE`, the weak link; otherwise null.")
    suggested_apart: list[IdentifierRef] = strawberry.field(
        description="For `WEAK_BRIDGE` and `CONTRADICTING_VALUES`, the two identifiers to pass to `keepApart` if they "
        "are two people; otherwise empty."
    )

    @classmethod
    def of(cls, finding: Finding) -> "HealthFinding":
        """Convert the domain's value."""
        return cls(
            kind=finding.kind,
            message=str(finding.message),
            message_parts=MessageParts.of(finding.message),
            suggestion=str(finding.suggestion),
            suggestion_parts=MessageParts.of(finding.suggestion),
            count=finding.count,
            identifier=IdentifierRef.of(finding.key) if finding.key else None,
            customer_id=strawberry.ID(finding.customer) if finding.customer else None,
            namespace=finding.namespace or None,
            link=None if finding.link is None else Link.of(finding.link),
            suggested_apart=[IdentifierRef.of(key) for key in finding.suggested_apart],
        )


@requires(graph_health=GRAPH_READ)
@strawberry.type
class HealthQueries:
    """Queries of the graph's health."""

    @strawberry.field(
        description="Signs of problems in the data and the rules, the most severe first. This query reads all links "
        "and is slow; do not use it for interactive requests."
    )
    async def graph_health(
        self,
        info: Info,
        first: First = 10,
        after: After = None,
        kinds: Annotated[
            list[FindingKind] | None, strawberry.argument(description="Return only findings of these kinds.")
        ] = None,
    ) -> Connection[HealthFinding]:
        """Return a page of findings."""
        references = info.context.graph.references
        position = None if after is None else decode_hidden(references, after, int, str, str)
        page = await info.context.graph.health(
            frozenset(FindingKind if kinds is None else kinds),
            position and (position[0], position[1], position[2]),
            page_size(first),
        )
        result: Connection[HealthFinding] = connection(
            page, HealthFinding.of, lambda finding: encode_hidden(references, *finding.position), after
        )
        return result
