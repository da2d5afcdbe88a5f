"""All customers counted together, in the background, and kept for all processes."""

from collections.abc import AsyncIterator

from graph.domain.orders import Figures
from graph.domain.population import Population, population
from graph.ports import Store

NAME = "population"
PAGE = 5_000


async def count(store: Store, now: int) -> Population:
    """Count all customers anew and keep what came out; `now` in microseconds."""
    found: list[Figures] = [figures async for figures in _all(store)]
    result = population(found, now)
    await store.keep(NAME, result.as_text())
    return result


async def _all(store: Store) -> AsyncIterator[Figures]:
    after = ""
    while page := await store.figures(after, PAGE):
        for _, figures in page:
            yield figures
        after = page[-1][0]


async def kept(store: Store) -> Population | None:
    """What was counted last, by whichever process; `None` where nothing was."""
    text = await store.kept(NAME)
    return None if text is None else Population.from_text(text)
