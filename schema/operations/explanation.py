"""The query `why`."""

from typing import Annotated

import strawberry

from graph.domain.access.scopes import GRAPH_READ
from schema.operations.identifier_input import IdentifierInput
from schema.shared.context import Info
from schema.shared.required_scopes import requires
from schema.types.explanation import Explanation


@requires(why=GRAPH_READ)
@strawberry.type
class ExplanationQueries:
    """Queries of evidence."""

    @strawberry.field(description="Why two identifiers belong to the same customer, or why they do not.")
    async def why(
        self,
        info: Info,
        a: Annotated[IdentifierInput, strawberry.argument(description="The first identifier.")],
        b: Annotated[IdentifierInput, strawberry.argument(description="The second identifier.")],
    ) -> Explanation:
        """Explain the relation of two identifiers."""
        graph = info.context.graph
        key_a, key_b = graph.key(a.namespace, a.raw, ("a",)), graph.key(b.namespace, b.raw, ("b",))
        return Explanation.of(await graph.why(key_a, key_b))
