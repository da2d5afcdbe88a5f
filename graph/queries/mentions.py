"""The customers in whose texts an erased person may be named: no program can decide that, so somebody should look."""

from collections.abc import Iterator

import msgspec

from graph.domain.model.facts import FactKind
from graph.domain.model.identifiers import Identifier
from graph.domain.model.rules import Rules
from graph.domain.privacy.erasure_plan import ErasurePlan
from graph.domain.profile.pages import ById, FactPage, Selection
from graph.domain.profile.search import SearchField, fold
from graph.ports import CustomerStore
from graph.queries.search import search

MAX_MENTIONS = 50
"""Customers that a plan names."""
ATTRIBUTES = FactPage(FactKind.ATTRIBUTES, 100)
MAX_WORDS = 6


async def mentions(store: CustomerStore, rules: Rules, plan: ErasurePlan) -> tuple[str, ...]:
    """Return the ids of other customers in whose texts the person may be named, by full name or by an identifier."""
    views = await store.customers([ById(id) for id in plan.customers[:1]], Selection.of([ATTRIBUTES]))
    texts = [Identifier.from_key(key).value for key in plan.identifiers]
    for view in views:
        texts += [
            text for fact in (() if view is None else view.pages[ATTRIBUTES].items) for text in _names(fact.facts)
        ]
    others: set[str] = set()
    for text in dict.fromkeys(texts):
        # One word finds too many: a first name, or the number of an order.
        if 1 < len(fold(text)) <= MAX_WORDS:
            found = await search(store, rules, text, [SearchField.INTERACTIONS], None, MAX_MENTIONS)
            others.update(result.customer for result in found.items)
    return tuple(sorted(others.difference(plan.customers)))[:MAX_MENTIONS]


def _names(facts: str) -> Iterator[str]:
    """Yield the full names that a statement of attributes says."""
    values = msgspec.json.decode(facts)
    parts = [values.get("given_name"), values.get("family_name")]
    if isinstance(values.get("name"), str):
        yield values["name"]
    if all(isinstance(part, str) for part in parts):
        yield " ".join(parts)
