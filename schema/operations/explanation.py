"""The query why."""

from typing import Annotated

import strawberry

from schema.operations.identifier_input import IdentifierInput
from schema.shared.context import Info
from schema.types.explanation import Why


@strawberry.type
class WhyQueries:
    """What can be asked of evidence."""

    @strawberry.field(description="Why two identifiers are one customer, or what keeps them apart.")
    async def why(
        self,
        info: Info,
        a: Annotated[IdentifierInput, strawberry.argument(description="One identifier.")],
        b: Annotated[IdentifierInput, strawberry.argument(description="The other one.")],
    ) -> Why:
        """Why."""
        graph = info.context.graph
        key_a, key_b = graph.key(a.namespace, a.value, ("a",)), graph.key(b.namespace, b.value, ("b",))
        return Why.of(await graph.why(key_a, key_b))
