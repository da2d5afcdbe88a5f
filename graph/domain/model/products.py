"""Products, as a PIM tells them: what the articles of order lines and interactions are."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from graph.domain.model.errors import Problem
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.model.validation import check_text, check_time

MOST_CATEGORIES = 20


class Product(Struct, frozen=True, gc=False):
    """What a source says of an article; the newest `stated_at` (microseconds) counts, then the smaller source."""

    sku: str
    name: str
    source: str
    stated_at: int
    brand: str = ""
    categories: tuple[str, ...] = ()

    def beats(self, other: "Product") -> bool:
        """Whether this statement counts against another one of the same article."""
        return (-self.stated_at, self.source) < (-other.stated_at, other.source)


def check_product(product: Product, now: int) -> Problem | None:
    """What is wrong with a product; `now` in microseconds."""
    if problem := (
        check_text("sku", product.sku, 100)
        or check_text("name", product.name, 500)
        or check_text("source", product.source, 100)
        or (check_text("brand", product.brand, 200) if product.brand else None)
    ):
        return problem
    if len(product.categories) > MOST_CATEGORIES:
        message = f"categories holds {len(product.categories)} entries; {MOST_CATEGORIES} are allowed"
        return Problem("BAD_COUNT", message, ("categories",))
    for place, category in enumerate(product.categories):
        if problem := check_text("categories", category, 200):
            return Problem(problem.code, problem.message, ("categories", place))
    return check_time("statedAt", product.stated_at, now)


class Favourite(Struct, frozen=True, gc=False):
    """A category or brand, with the orders that hold it and when it was bought last (microseconds)."""

    name: str
    orders: int
    last_at: int


def bought(orders: Iterable[Order]) -> set[str]:
    """The articles of orders that were not cancelled or returned."""
    gone = (OrderStatus.CANCELLED, OrderStatus.RETURNED)
    return {line.sku for order in orders if order.status not in gone for line in order.lines}


def favourites(orders: Sequence[Order], products: Mapping[str, Product]) -> tuple[list[Favourite], list[Favourite]]:
    """The categories and the brands of what was bought: those of most orders first, of these the latest."""
    categories: dict[str, tuple[int, int]] = {}
    brands: dict[str, tuple[int, int]] = {}
    for order in orders:
        known = [products[sku] for sku in bought([order]) if sku in products]
        for found, names in (
            (categories, {name for one in known for name in one.categories}),
            (brands, {one.brand for one in known if one.brand}),
        ):
            for name in names:
                count, last = found.get(name, (0, order.placed_at))
                found[name] = (count + 1, max(last, order.placed_at))
    return _ranked(categories), _ranked(brands)


def _ranked(found: Mapping[str, tuple[int, int]]) -> list[Favourite]:
    favourites = [Favourite(name, count, last) for name, (count, last) in found.items()]
    return sorted(favourites, key=lambda one: (-one.orders, -one.last_at, one.name))
