"""Reads that many fields of one answer ask for, put together into one."""

from collections.abc import Sequence

from strawberry.dataloader import DataLoader

from graph.domain.orders import Order
from graph.domain.products import Product
from graph.domain.segments import Segment
from graph.domain.views import Asked, CustomerView, Selection
from graph.identity_graph import MOST_CUSTOMERS, IdentityGraph

Wanted = tuple[Asked, Selection]


class Loaders:
    """The loaders of one request. Nothing is kept: what a mutation changed in between must be seen."""

    def __init__(self, graph: IdentityGraph) -> None:
        self._graph = graph
        self.customers: DataLoader[Wanted, CustomerView | None] = DataLoader(
            self._customers, max_batch_size=MOST_CUSTOMERS, cache=False
        )
        self.products: DataLoader[str, Product | None] = DataLoader(self._products, cache=False)
        self.orders: DataLoader[str, tuple[str, Order] | None] = DataLoader(
            self._orders, max_batch_size=MOST_CUSTOMERS, cache=False
        )

        self.segments: DataLoader[str, list[tuple[Segment, int | None]]] = DataLoader(
            self._segments, max_batch_size=MOST_CUSTOMERS, cache=False
        )

    async def _segments(self, ids: list[str]) -> Sequence[list[tuple[Segment, int | None]]]:
        found = await self._graph.segments.of(ids)
        return [found.get(id, []) for id in ids]

    async def _customers(self, wanted: list[Wanted]) -> Sequence[CustomerView | None]:
        """The customers, in one read for each selection: usually there is one."""
        found: dict[Wanted, CustomerView | None] = {}
        for selection in dict.fromkeys(selection for _, selection in wanted):
            asked = list(dict.fromkeys(one for one, other in wanted if other == selection))
            views = await self._graph.customers(asked, selection)
            found.update(((one, selection), view) for one, view in zip(asked, views, strict=True))
        return [found[one] for one in wanted]

    async def _products(self, skus: list[str]) -> Sequence[Product | None]:
        found = await self._graph.products(skus)
        return [found.get(sku) for sku in skus]

    async def _orders(self, numbers: list[str]) -> Sequence[tuple[str, Order] | None]:
        return await self._graph.orders(numbers)
