"""Finds whose orders somebody asked for by number: the audit log has keyed hashes of the numbers only."""

from collections.abc import Callable, Collection

from graph.domain.model.identifiers import Identifier
from graph.domain.model.rules import ORDER_NAMESPACE
from graph.ports import Store

PAGE = 5_000
"""Identifiers that are read at once."""


async def holders_of_orders(store: Store, hash_of: Callable[[str], str], hashes: Collection[str]) -> dict[str, str]:
    """Return the ids of the customers whose orders have some hashes, by hash. Reads the identifiers of all orders."""
    beginning = Identifier(ORDER_NAMESPACE, "").key
    found: dict[str, str] = {}
    after, wanted = beginning, frozenset(hashes)
    while wanted and (page := await store.identifier_keys(after, PAGE)):
        orders = [key for key in page if key.startswith(beginning)]
        asked = {key: hash for key in orders if (hash := hash_of(key)) in wanted}
        holders = await store.customer_ids_of(list(asked)) if asked else []
        found |= {hash: id for hash, id in zip(asked.values(), holders, strict=True) if id}
        if len(orders) < len(page):
            break
        after = page[-1]
    return found
