"""Orders by their numbers."""

from collections.abc import Collection, Generator, Iterable, Sequence
from typing import Any

from graph.domain.model.errors import InvalidInput
from graph.domain.model.orders import Order
from graph.domain.model.receipts import Receipt
from graph.domain.model.rules import ORDER_NAMESPACE, Rules
from graph.domain.model.store_values import Neighborhood
from graph.domain.resolution.intake import order_in_effect, reports_by_source
from graph.ports import CustomerStore, ReadNeighborhood, Request, WriteStore


async def orders_by_number(
    store: CustomerStore, rules: Rules, numbers: Sequence[str]
) -> list[tuple[str, Order] | None]:
    """Return orders with their keys, in the order of their numbers; `None` for an order that is not stored."""
    keys = order_keys(rules, numbers)
    valid_keys = list(dict.fromkeys(key for key in keys if key is not None))
    orders = dict(zip(valid_keys, await store.orders(valid_keys), strict=True)) if valid_keys else {}
    return [None if key is None or (order := orders[key]) is None else (key, order) for key in keys]


async def orders_of_sources(store: WriteStore, keys: Sequence[str], sources: Collection[str]) -> dict[str, Order]:
    """Return by key what some sources report of orders, as if no other source did. It runs as a write without writes.

    The order that the store keeps is that of the source which takes precedence: it may be one of others.
    """
    reports: dict[str, list[Receipt]] = {}
    if keys:
        for receipt in await store.write(lambda: _reports(keys)):
            if receipt.source in sources:
                reports.setdefault(receipt.order_key, []).append(receipt)
    found = ((key, _order_of(reports.get(key, ()))) for key in keys)
    return {key: order for key, order in found if order is not None}


def _reports(keys: Sequence[str]) -> Generator[Request, Any, list[Receipt]]:
    stored: Neighborhood = yield ReadNeighborhood(orders=keys)
    return list(stored.receipts.values())


def _order_of(reports: Iterable[Receipt]) -> Order | None:
    return order_in_effect(reports_by_source(reports))


def order_keys(rules: Rules, numbers: Sequence[str]) -> list[str | None]:
    """Return the keys of orders by their numbers; `None` for what is no number of an order."""
    return [_order_key(rules, number) for number in numbers]


def _order_key(rules: Rules, number: str) -> str | None:
    try:
        return rules.key(ORDER_NAMESPACE, number)
    except InvalidInput:
        return None
