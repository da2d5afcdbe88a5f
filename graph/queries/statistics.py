"""All customers together: counted in the background, kept for all processes, and what is held against them."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from graph.domain.model.dates import SECOND
from graph.domain.model.errors import TemporaryFailure
from graph.domain.model.order_totals import Figures
from graph.domain.profile.prediction import Model, Prediction, Table, predict
from graph.domain.profile.rfm import Count, Population, Standing, standing
from graph.ports import Clock, CustomerWriteStore

POPULATION = "population"
MODEL = "model"
PAGE = 5_000
CHECK_SECONDS = 60.0
"""How often it is looked whether all customers are to be counted again."""

Fit = Callable[[Table], Awaitable[Model | None]]


class Census:
    """Counts all customers, and answers what follows from the newest count, of whichever process.

    `fit` fits models of purchases, which may take minutes and goes on behind a count.
    """

    def __init__(self, store: CustomerWriteStore, clock: Clock, fit: Fit | None = None) -> None:
        self._store, self._clock, self._fit = store, clock, fit
        self._population: Population | None = None
        self._model: Model | None = None
        self._read_at = -CHECK_SECONDS
        self._fitting: asyncio.Task[None] | None = None

    async def count(self) -> Population:
        """Count all customers anew, and begin to fit the models to them."""
        now = self._clock.now()
        count, table = Count(), Table(now)
        after = ""
        while page := await self._store.figures(after, PAGE):
            for _, figures in page:
                count.take(figures)
                table.take(figures)
            after = page[-1][0]
        found = count.result(now)
        await self._store.keep(POPULATION, found.as_text())
        await self.refresh()
        if self._fit is not None and (self._fitting is None or self._fitting.done()):
            self._fitting = asyncio.create_task(self._fit_to(self._fit, table))
        return found

    async def _fit_to(self, fit: Fit, table: Table) -> None:
        model = await fit(table)
        if model is not None:
            with contextlib.suppress(TemporaryFailure):
                await self._store.keep(MODEL, model.as_text())
            self._model = model

    async def fitted(self) -> None:
        """Wait until the models of this process's last count are fitted."""
        if self._fitting is not None:
            await asyncio.wait([self._fitting])

    async def close(self) -> None:
        """Stop fitting."""
        if self._fitting is not None:
            self._fitting.cancel()
            await self.fitted()

    async def refresh(self) -> None:
        """Take over what was counted last."""
        text = await self._store.kept(POPULATION)
        self._population = None if text is None else Population.from_text(text)
        text = await self._store.kept(MODEL)
        self._model = None if text is None else Model.from_text(text)
        self._read_at = time.monotonic()

    async def now_and_then(self, seconds: float) -> None:
        """Count again whenever the last count, of whichever process, is older than this; never ends."""
        while True:
            # A database that is away is counted when it is back.
            with contextlib.suppress(TemporaryFailure):
                await self.refresh()
                age = self._clock.now() - (self._population.as_of if self._population else 0)
                if age >= seconds * SECOND:
                    await self.count()
            await asyncio.sleep(min(seconds, CHECK_SECONDS))

    async def latest(self) -> tuple[Population | None, Model | None]:
        """The newest count and models, but for those that another process made in the last minute."""
        if self._population is None or time.monotonic() - self._read_at >= CHECK_SECONDS:
            await self.refresh()
        return self._population, self._model

    async def standing(self, figures: Figures) -> Standing | None:
        """How figures compare with all; `None` without orders, or before anything was counted."""
        population, _ = await self.latest()
        return None if population is None else standing(figures, population)

    async def predict(self, figures: Figures, weeks: int) -> Prediction | None:
        """What a customer with these figures will probably buy; `None` without orders or models."""
        _, model = await self.latest()
        return None if model is None else predict(model, figures, weeks, self._clock.now())
