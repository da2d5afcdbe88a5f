"""Data loaders: reads that several fields of one response need, combined into one."""

from collections.abc import Sequence
from functools import cached_property, partial

from strawberry.dataloader import DataLoader

from graph.domain.access.audit import NO_AUDIT, AuditReader
from graph.domain.model.audiences import Audience
from graph.domain.model.orders import Order
from graph.domain.model.products import Product
from graph.domain.model.segments import Segment
from graph.domain.profile.pages import CustomerRef, CustomerView, Selection
from graph.queries.consent_proof import ConsentProof
from graph.viewer_audiences import AudienceNumbers
from graph.viewer_graph import MAX_CUSTOMERS, ViewerGraph

MAX_KEYS = 1_000
"""Identifiers whose proofs are read together."""
CustomerRequest = tuple[CustomerRef, Selection]


class Loaders:
    """The loaders of one request. They cache nothing, so that a read after a mutation returns what it changed.

    A loader holds the graph and not its owner: a reference cycle would keep all objects of a request in memory until
    Python's cycle collector runs, which stops all requests for milliseconds.
    """

    def __init__(self, graph: ViewerGraph, audit: AuditReader = NO_AUDIT) -> None:
        self._graph, self._audit = graph, audit

    @cached_property
    def customers(self) -> DataLoader[CustomerRequest, CustomerView | None]:
        """Customers by reference and selection, in one read per distinct selection; usually there is one."""
        return DataLoader(partial(_customers, self._graph), max_batch_size=MAX_CUSTOMERS, cache=False)

    @cached_property
    def consent_proofs(self) -> DataLoader[str, ConsentProof]:
        """The proofs of all decisions of an identifier, by its key."""
        return DataLoader(partial(_consent_proofs, self._graph, self._audit), max_batch_size=MAX_KEYS, cache=False)

    @cached_property
    def products(self) -> DataLoader[str, Product | None]:
        """Products by stock-keeping unit."""
        return DataLoader(partial(_products, self._graph), cache=False)

    @cached_property
    def orders(self) -> DataLoader[str, tuple[str, Order] | None]:
        """Orders with their keys, by order number."""
        return DataLoader(self._graph.orders, max_batch_size=MAX_CUSTOMERS, cache=False)

    @cached_property
    def member_counts(self) -> DataLoader[str, int | None]:
        """The numbers of members by segment id, `None` for one that is about too few customers."""
        return DataLoader(partial(_member_counts, self._graph), cache=False)

    @cached_property
    def audience_numbers(self) -> DataLoader[Audience, AudienceNumbers]:
        """The numbers of audiences."""
        return DataLoader(partial(_audience_numbers, self._graph), cache=False)

    @cached_property
    def segments(self) -> DataLoader[str, list[tuple[Segment, int | None]]]:
        """The segments of customers by customer id, and when the customers entered them (`None`: not recorded yet)."""
        return DataLoader(partial(_segments, self._graph), max_batch_size=MAX_CUSTOMERS, cache=False)


async def _member_counts(graph: ViewerGraph, ids: list[str]) -> Sequence[int | None]:
    counts = await graph.member_counts(list(dict.fromkeys(ids)))
    return [counts[id] for id in ids]


async def _audience_numbers(graph: ViewerGraph, audiences: list[Audience]) -> Sequence[AudienceNumbers]:
    numbers = await graph.audience_numbers(list({audience.id: audience for audience in audiences}.values()))
    return [numbers[audience.id] for audience in audiences]


async def _segments(graph: ViewerGraph, ids: list[str]) -> Sequence[list[tuple[Segment, int | None]]]:
    segments = await graph.segments_of(ids)
    return [segments.get(id, []) for id in ids]


async def _consent_proofs(graph: ViewerGraph, audit: AuditReader, keys: list[str]) -> Sequence[ConsentProof]:
    proofs = await graph.consent_proofs(list(dict.fromkeys(keys)), audit)
    return [proofs[key] for key in keys]


async def _customers(graph: ViewerGraph, requests: list[CustomerRequest]) -> Sequence[CustomerView | None]:
    views_by_request: dict[CustomerRequest, CustomerView | None] = {}
    for selection in dict.fromkeys(selection for _, selection in requests):
        refs = list(dict.fromkeys(ref for ref, chosen in requests if chosen == selection))
        views = await graph.customers(refs, selection)
        views_by_request.update(((ref, selection), view) for ref, view in zip(refs, views, strict=True))
    return [views_by_request[request] for request in requests]


async def _products(graph: ViewerGraph, skus: list[str]) -> Sequence[Product | None]:
    products = await graph.products(skus)
    return [products.get(sku) for sku in skus]
