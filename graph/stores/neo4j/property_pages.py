"""Pages of interactions by their properties, which Cypher cannot read: Neo4j stores what was sent as text.

The query returns blocks of interactions that meet the other conditions. Blocks follow until a page is full, and count
only if the customer is the same in all of them.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from graph.domain.model.facts import Fact
from graph.domain.profile.pages import ById, CustomerRef, CustomerView, Page, PageRequest, Selection, TimelinePage
from graph.domain.profile.property_filters import matches_all
from graph.domain.profile.timeline import TimelineEntry

FIRST_BLOCK, NEXT_BLOCK = 100, 1_000
"""Interactions in the block that is read with the rest of the view, and in each of those that follow."""
ReadView = Callable[[CustomerRef, Selection], Awaitable[CustomerView | None]]
"""Reads a customer once; `None` if it was changed meanwhile."""


def block_size(page: TimelinePage) -> int:
    """Return how many entries are read at once for a page."""
    return max(page.first, FIRST_BLOCK) if page.properties else page.first


async def with_properties(view: CustomerView, read: ReadView) -> CustomerView | None:
    """Return a view whose pages hold the interactions with the properties that they ask for.

    `None` if the customer changed before all blocks were read.
    """
    filtered = [page for page in view.pages if isinstance(page, TimelinePage) and page.properties]
    if not filtered:
        return view
    pages: dict[PageRequest, Page[Any]] = dict(view.pages)
    for page in filtered:
        block: Page[TimelineEntry] = pages[page]
        found = _matching(page, block)
        while block.has_more and len(found) <= page.first:
            following = replace(page, first=max(page.first, NEXT_BLOCK), after=block.items[-1].position)
            more = await read(ById(view.customer.id), Selection((following,)))
            if more is None or _moment(more) != _moment(view):
                return None
            block = more.pages[following]
            found += _matching(page, block)
        pages[page] = Page(found[: page.first], len(found) > page.first)
    return replace(view, pages=pages)


def _matching(page: TimelinePage, block: Page[TimelineEntry]) -> list[TimelineEntry]:
    return [
        entry
        for entry in block.items
        if not isinstance(entry.content, Fact) or matches_all(page.properties, entry.content.facts)
    ]


def _moment(view: CustomerView) -> tuple[str, int, bool]:
    return view.customer.id, view.customer.version, view.restricted
