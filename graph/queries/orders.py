"""Orders by their numbers."""

from collections.abc import Sequence

from graph.domain.model.errors import InvalidInput
from graph.domain.model.orders import Order
from graph.domain.model.rules import ORDER_NAMESPACE, Rules
from graph.ports import CustomerStore


async def orders_by_number(
    store: CustomerStore, rules: Rules, numbers: Sequence[str]
) -> list[tuple[str, Order] | None]:
    """Return orders with their keys, in the order of their numbers; `None` for an order that is not stored."""
    keys = [_order_key(rules, number) for number in numbers]
    valid_keys = list(dict.fromkeys(key for key in keys if key is not None))
    orders = dict(zip(valid_keys, await store.orders(valid_keys), strict=True)) if valid_keys else {}
    return [None if key is None or (order := orders[key]) is None else (key, order) for key in keys]


def _order_key(rules: Rules, number: str) -> str | None:
    try:
        return rules.key(ORDER_NAMESPACE, number)
    except InvalidInput:
        return None
