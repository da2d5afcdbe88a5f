"""Mutations on stewards' marks."""

import strawberry

from graph.domain.errors import InvalidInput
from graph.domain.marks import MarkKind
from graph.domain.views import ByKey
from schema.context import Info
from schema.customer.selection import selected
from schema.customer.types import Customer
from schema.mark.types import Mark, MarkInput, MarkPayload
from schema.problems import Problem


async def _mark(info: Info, kind: MarkKind, input: MarkInput) -> MarkPayload:
    graph = info.context.graph
    try:
        a = graph.key(input.a.namespace, input.a.value, ("a",))
        b = graph.key(input.b.namespace, input.b.value, ("b",))
        marking = await graph.mark(kind, a, b, input.actor or info.context.caller.name, input.reason)
    except InvalidInput as error:
        return MarkPayload(mark=None, created=False, customers=[], errors=[Problem.of(error.problem())])
    customers: dict[str, Customer] = {}
    selection = selected(info._raw_info, graph.rules, "customers")
    if selection is not None:
        for view in await graph.customers([ByKey(a), ByKey(b)], selection):
            if view is not None:
                customers[view.customer.id] = Customer.of(view)
    return MarkPayload(mark=Mark.of(marking.mark), created=marking.new, customers=list(customers.values()), errors=[])


@strawberry.type
class MarkMutations:
    """What stewards can do."""

    @strawberry.mutation(
        description="Say that two identifiers belong to one customer, whatever limits or sharing say. An apart mark "
        "beats it. It holds against any later data."
    )
    async def keep_together(self, info: Info, input: MarkInput) -> MarkPayload:
        """Set a together mark."""
        return await _mark(info, MarkKind.TOGETHER, input)

    @strawberry.mutation(
        description="Say that two identifiers belong to different customers: this beats everything else. It holds "
        "against any later data."
    )
    async def keep_apart(self, info: Info, input: MarkInput) -> MarkPayload:
        """Set an apart mark."""
        return await _mark(info, MarkKind.APART, input)
