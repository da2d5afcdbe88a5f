"""The categories and brands that a customer buys most."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from graph.domain.model.categories import with_ancestors
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.model.products import Product


class Favorite(Struct, frozen=True, gc=False):
    """A category or brand, with the number of orders that contain it and the time of the latest (microseconds)."""

    name: str
    order_count: int
    last_ordered_at: int


def purchased_skus(orders: Iterable[Order]) -> set[str]:
    """Return the purchased SKUs of orders that were not canceled or returned."""
    excluded = (OrderStatus.CANCELLED, OrderStatus.RETURNED)
    return {sku for order in orders if order.status not in excluded for sku in order.purchased_skus}


def favorites(orders: Sequence[Order], products: Mapping[str, Product]) -> tuple[list[Favorite], list[Favorite]]:
    """Return the categories and the brands of purchased products, those of most orders first, then the latest.

    An order of a category is one of each category above it too.
    """
    categories: dict[str, tuple[int, int]] = {}
    brands: dict[str, tuple[int, int]] = {}
    for order in orders:
        purchased = [products[sku] for sku in purchased_skus([order]) if sku in products]
        for totals, names in (
            (categories, with_ancestors(name for product in purchased for name in product.categories)),
            (brands, {product.brand for product in purchased if product.brand}),
        ):
            for name in names:
                count, last = totals.get(name, (0, order.placed_at))
                totals[name] = (count + 1, max(last, order.placed_at))
    return _ranked(categories), _ranked(brands)


def _ranked(totals: Mapping[str, tuple[int, int]]) -> list[Favorite]:
    favorites = [Favorite(name, count, last) for name, (count, last) in totals.items()]
    return sorted(favorites, key=lambda favorite: (-favorite.order_count, -favorite.last_ordered_at, favorite.name))
