"""Reads that many fields of one answer ask for, put together into one."""

from collections.abc import Sequence
from functools import cached_property, partial

from strawberry.dataloader import DataLoader

from graph.domain.model.orders import Order
from graph.domain.model.products import Product
from graph.domain.model.segments import Segment
from graph.domain.profile.pages import Asked, CustomerView, Selection
from graph.identity_graph import MOST_CUSTOMERS, IdentityGraph

Wanted = tuple[Asked, Selection]


class Loaders:
    """The loaders of one request. Nothing is kept: what a mutation changed in between must be seen.

    A loader knows the graph and not who holds it: in a circle with it, all that a request holds would stay in memory
    until Python looks for circles, which stops everybody for milliseconds.
    """

    def __init__(self, graph: IdentityGraph) -> None:
        self._graph = graph

    @cached_property
    def customers(self) -> DataLoader[Wanted, CustomerView | None]:
        """Customers by what is asked and selected, in one read for each selection: usually there is one."""
        return DataLoader(partial(_customers, self._graph), max_batch_size=MOST_CUSTOMERS, cache=False)

    @cached_property
    def products(self) -> DataLoader[str, Product | None]:
        """Products by stock-keeping unit."""
        return DataLoader(partial(_products, self._graph), cache=False)

    @cached_property
    def orders(self) -> DataLoader[str, tuple[str, Order] | None]:
        """Orders by number, with their keys."""
        return DataLoader(self._graph.orders, max_batch_size=MOST_CUSTOMERS, cache=False)

    @cached_property
    def segments(self) -> DataLoader[str, list[tuple[Segment, int | None]]]:
        """The segments of customers by id, and until when they are in them."""
        return DataLoader(partial(_segments, self._graph), max_batch_size=MOST_CUSTOMERS, cache=False)


async def _segments(graph: IdentityGraph, ids: list[str]) -> Sequence[list[tuple[Segment, int | None]]]:
    found = await graph.segments.of(ids)
    return [found.get(id, []) for id in ids]


async def _customers(graph: IdentityGraph, wanted: list[Wanted]) -> Sequence[CustomerView | None]:
    found: dict[Wanted, CustomerView | None] = {}
    for selection in dict.fromkeys(selection for _, selection in wanted):
        asked = list(dict.fromkeys(one for one, other in wanted if other == selection))
        views = await graph.customers(asked, selection)
        found.update(((one, selection), view) for one, view in zip(asked, views, strict=True))
    return [found[one] for one in wanted]


async def _products(graph: IdentityGraph, skus: list[str]) -> Sequence[Product | None]:
    found = await graph.products(skus)
    return [found.get(sku) for sku in skus]
