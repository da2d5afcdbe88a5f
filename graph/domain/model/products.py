"""Products as a PIM reports them: details on the SKUs of order lines and interactions."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from graph.domain.model.errors import Problem
from graph.domain.model.observations import MAX_SOURCE_LENGTH
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.model.validation import check_text, check_time

MAX_CATEGORIES = 20


class Product(Struct, frozen=True, gc=False):
    """What a source reports of a product; the newest `reported_at` (microseconds) counts, then the smaller source."""

    sku: str
    name: str
    source: str
    reported_at: int
    brand: str = ""
    categories: tuple[str, ...] = ()

    def takes_precedence_over(self, other: "Product") -> bool:
        """Whether this report takes precedence over another one of the same product."""
        return (-self.reported_at, self.source) < (-other.reported_at, other.source)


def check_product(product: Product, now: int) -> Problem | None:
    """Return the problem of a product, if any; `now` in microseconds."""
    if problem := (
        check_text("sku", product.sku, 100)
        or check_text("name", product.name, 500)
        or check_text("source", product.source, MAX_SOURCE_LENGTH)
        or (check_text("brand", product.brand, 200) if product.brand else None)
    ):
        return problem
    if len(product.categories) > MAX_CATEGORIES:
        message = f"categories holds {len(product.categories)} entries; {MAX_CATEGORIES} are allowed"
        return Problem("INVALID_COUNT", message, ("categories",))
    for index, category in enumerate(product.categories):
        if problem := check_text("categories", category, 200):
            return Problem(problem.code, problem.message, ("categories", index))
    return check_time("reportedAt", product.reported_at, now)


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
    """Return the categories and the brands of purchased products, those of most orders first, then the latest."""
    categories: dict[str, tuple[int, int]] = {}
    brands: dict[str, tuple[int, int]] = {}
    for order in orders:
        purchased = [products[sku] for sku in purchased_skus([order]) if sku in products]
        for totals, names in (
            (categories, {name for product in purchased for name in product.categories}),
            (brands, {product.brand for product in purchased if product.brand}),
        ):
            for name in names:
                count, last = totals.get(name, (0, order.placed_at))
                totals[name] = (count + 1, max(last, order.placed_at))
    return _ranked(categories), _ranked(brands)


def _ranked(totals: Mapping[str, tuple[int, int]]) -> list[Favorite]:
    favorites = [Favorite(name, count, last) for name, (count, last) in totals.items()]
    return sorted(favorites, key=lambda favorite: (-favorite.order_count, -favorite.last_ordered_at, favorite.name))
