"""Statistics over all customers: calculated in the background, stored for all processes, compared with customers."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

from graph.domain.model.dates import SECOND
from graph.domain.model.errors import TemporaryFailure
from graph.domain.model.order_totals import OrderTotals
from graph.domain.profile.prediction import Model, Prediction, PredictionStatus, TrainingData, predict
from graph.domain.profile.rfm import RfmCounter, RfmPopulation, RfmScores, rfm_scores
from graph.ports import Clock, CustomerWriteStore
from graph.runtime.counters import WorkerCounters

log = logging.getLogger("kith.statistics")

POPULATION_KEY = "population"
MODEL_KEY = "model"
PAGE_SIZE = 5_000
CHECK_SECONDS = 60.0
"""Seconds between checks for newer statistics."""

FitModels = Callable[[TrainingData], Awaitable[Model | None]]


class StatisticsService:
    """Calculates statistics over all customers, and uses the newest ones of any process.

    `fit` fits purchase models, which may take minutes and runs in the background after a calculation. It is `None` if
    the library for it is not installed.
    """

    def __init__(self, store: CustomerWriteStore, clock: Clock, fit: FitModels | None = None) -> None:
        self._store, self._clock, self._fit = store, clock, fit
        self._population: RfmPopulation | None = None
        self._model: Model | None = None
        self._read_at = -CHECK_SECONDS
        self._fitting: asyncio.Task[None] | None = None
        self.counters = WorkerCounters()

    @property
    def calculated_at(self) -> int | None:
        """When the newest statistics that this process knows were calculated, in microseconds since 1970."""
        return None if self._population is None else self._population.calculated_at

    @property
    def fitted_at(self) -> int | None:
        """When the newest models that this process knows were fitted, in microseconds since 1970."""
        return None if self._model is None else self._model.fitted_at

    async def recalculate(self) -> RfmPopulation:
        """Calculate the statistics over all customers again, and start fitting the models to them."""
        now, began = self._clock.now(), time.monotonic()
        counter, training_data = RfmCounter(), TrainingData(now)
        after = ""
        while page := await self._store.order_totals(after, PAGE_SIZE):
            for _, order_totals in page:
                counter.add(order_totals)
                self.counters.items += 1
                training_data.add(order_totals)
            after = page[-1][0]
        population = counter.result(now)
        await self._store.put_value(POPULATION_KEY, population.as_text())
        await self.refresh()
        self.counters.ended(self._clock.now(), time.monotonic() - began)
        if self._fit is not None and (self._fitting is None or self._fitting.done()):
            self._fitting = asyncio.create_task(self._fit_to(self._fit, training_data))
        return population

    async def _fit_to(self, fit: FitModels, training_data: TrainingData) -> None:
        model = await fit(training_data)
        if model is not None:
            with contextlib.suppress(TemporaryFailure):
                await self._store.put_value(MODEL_KEY, model.as_text())
            self._model = model

    async def wait_until_fitted(self) -> None:
        """Wait until the models of this process's last calculation are fitted."""
        if self._fitting is not None:
            await asyncio.wait([self._fitting])

    async def close(self) -> None:
        """Stop fitting."""
        if self._fitting is not None:
            self._fitting.cancel()
            await self.wait_until_fitted()

    async def refresh(self) -> None:
        """Load the newest statistics and models."""
        text = await self._store.get_value(POPULATION_KEY)
        self._population = None if text is None else RfmPopulation.from_text(text)
        text = await self._store.get_value(MODEL_KEY)
        self._model = None if text is None else Model.from_text(text)
        self._read_at = time.monotonic()

    async def run_periodically(self, seconds: float) -> None:
        """Recalculate whenever the newest statistics of any process are older than `seconds`; never ends."""
        while True:
            try:
                await self.refresh()
                age = self._clock.now() - (self._population.calculated_at if self._population else 0)
                if age >= seconds * SECOND:
                    await self.recalculate()
            except TemporaryFailure:
                self.counters.failures += 1  # The next check tries again.
            except Exception as error:
                # The next check tries this again, too. The message may hold personal values.
                self.counters.failures += 1
                log.warning("statistics could not be calculated: %s", type(error).__name__)
            await asyncio.sleep(min(seconds, CHECK_SECONDS))

    async def latest(self) -> tuple[RfmPopulation | None, Model | None]:
        """Return the newest statistics and models; those of other processes are seen after at most `CHECK_SECONDS`."""
        if self._population is None or time.monotonic() - self._read_at >= CHECK_SECONDS:
            await self.refresh()
        return self._population, self._model

    async def rfm_scores(self, order_totals: OrderTotals) -> RfmScores | None:
        """Return the RFM scores of order totals; `None` without orders, or before the first calculation."""
        population, _ = await self.latest()
        return None if population is None else rfm_scores(order_totals, population)

    async def predict(self, order_totals: OrderTotals, weeks: int) -> Prediction | None:
        """Return the predicted purchases of a customer with these order totals; `None` without orders or models."""
        _, model = await self.latest()
        return None if model is None else predict(model, order_totals, weeks, self._clock.now())

    async def prediction_status(self, order_totals: OrderTotals) -> PredictionStatus:
        """Return whether `predict` has a result for a customer with these order totals, and if not, why."""
        if not order_totals:
            return PredictionStatus.NO_ORDERS
        _, model = await self.latest()
        if model is not None:
            return PredictionStatus.AVAILABLE
        return PredictionStatus.NOT_INSTALLED if self._fit is None else PredictionStatus.NOT_FITTED_YET
