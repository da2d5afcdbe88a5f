"""Record statements about products."""

from collections.abc import Container, Sequence

from graph.commands.batch import check_count
from graph.domain.model.errors import Problem
from graph.domain.model.products import Product, check_product
from graph.ports import CustomerWriteStore

PRODUCTS_KEY = "products_changed"
"""The name under which a store keeps the time of the last product change, on which segments may depend."""


async def record_products(
    store: CustomerWriteStore, products: Sequence[Product | Problem], currencies: Container[str], now: int
) -> list[bool | Problem]:
    """Store 1 to 1,000 products; return for each whether it is the current statement, or its problem.

    `currencies` are the ISO 4217 codes that prices may have; `now` is in microseconds.
    """
    check_count("products", products)
    drafts = [
        product if isinstance(product, Problem) else check_product(product, currencies, now) or product
        for product in products
    ]
    # Of several statements about a product in one request the newest counts, as if each had been sent by itself.
    newest: dict[str, Product] = {}
    for draft in drafts:
        if isinstance(draft, Product):
            previous = newest.get(draft.sku)
            if previous is None or draft.takes_precedence_over(previous):
                newest[draft.sku] = draft
    candidates = list(newest.values())
    stored = await store.save_products(candidates) if candidates else []
    if any(stored):
        await store.put_value(PRODUCTS_KEY, str(now))
    is_current = {id(product): current for product, current in zip(candidates, stored, strict=True)}
    return [draft if isinstance(draft, Problem) else is_current.get(id(draft), False) for draft in drafts]
