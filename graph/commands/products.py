"""Take in what is said of articles."""

from collections.abc import Sequence

from graph.commands.batch import check_count
from graph.domain.model.errors import Problem
from graph.domain.model.products import Product, check_product
from graph.ports import CustomerWriteStore

PRODUCTS = "products_changed"
"""The name under which a store keeps when articles changed last: segments may ask what articles are."""


async def record_products(
    store: CustomerWriteStore, products: Sequence[Product | Problem], now: int
) -> list[bool | Problem]:
    """Take in 1 to 1,000 products; answers for each whether it is what counts now, or what is wrong with it."""
    check_count("products", products)
    drafts = [one if isinstance(one, Problem) else check_product(one, now) or one for one in products]
    # Of what one call says of an article the newest counts, as if each had come by itself.
    best: dict[str, Product] = {}
    for one in drafts:
        if isinstance(one, Product) and ((known := best.get(one.sku)) is None or one.beats(known)):
            best[one.sku] = one
    chosen = list(best.values())
    stored = await store.put_products(chosen) if chosen else []
    if any(stored):
        await store.keep(PRODUCTS, str(now))
    counts = {id(one): newer for one, newer in zip(chosen, stored, strict=True)}
    return [one if isinstance(one, Problem) else counts.get(id(one), False) for one in drafts]
