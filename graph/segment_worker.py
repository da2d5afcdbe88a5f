"""Keeps segment memberships up to date in the background.

Every change of a customer makes it due for segmentation in the same transaction; time makes it due at the moment that
its last evaluation returned. Inputs that concern all customers (segment rules, statistics, products, attributes) form
the *basis*: if it differs from the basis of the last pass over all customers, another pass begins.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Sequence

from graph.commands.products import PRODUCTS_KEY
from graph.commands.segments import EVALUATED_KEY, PAGE_SIZE, SegmentationStore, Segments
from graph.domain.model.errors import KithError
from graph.domain.model.segments import Segment
from graph.domain.segments.conditions import leaf_conditions
from graph.ports import Clock
from graph.runtime.counters import WorkerCounters

BASIS_KEY = "segments_basis"
MAX_PAUSE_SECONDS = 0.1
"""Maximum pause between two rounds. The worker pauses for as long as it worked, so it uses at most half of the time."""

log = logging.getLogger("kith.segments")


class SegmentWorker:
    """Evaluates customers that are due, and records their memberships and the addresses that audiences should have."""

    def __init__(self, store: SegmentationStore, clock: Clock, segments: Segments) -> None:
        self._store, self._clock, self._segments = store, clock, segments
        self._wake = asyncio.Event()
        self._evaluated = ""
        self.counters = WorkerCounters()

    def wake(self) -> None:
        """Look for work now: something was written in this process."""
        self._wake.set()

    async def run(self, seconds: float = 1.0) -> None:
        """Keep memberships up to date; never ends. Looks for writes of other processes every `seconds`."""
        while True:
            self._wake.clear()
            try:
                more = True
                while more:
                    began = time.monotonic()
                    more = await self.run_once()
                    self.counters.ended(self._clock.now(), time.monotonic() - began)
                    await asyncio.sleep(min(MAX_PAUSE_SECONDS, time.monotonic() - began))
            except KithError:
                # An unavailable database is tried again in the next round.
                self.counters.failures += 1
            except Exception as error:
                self.counters.failures += 1
                # A customer that cannot be evaluated must not stop the worker. The message may hold personal values.
                log.warning("segments could not be evaluated: %s", type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            await asyncio.sleep(MAX_PAUSE_SECONDS)

    async def catch_up(self) -> None:
        """Bring all memberships up to date."""
        while await self.run_once():
            pass

    async def ready(self) -> bool:
        """Return whether all customers were evaluated since the basis changed last."""
        segments = await self._store.segments()
        basis, after = await self._pass_progress()
        return after is None and basis == await self._basis(segments)

    async def run_once(self) -> bool:
        """Evaluate a page of the pass over all customers and a page of due ones; return whether more may follow."""
        segments = await self._store.segments()
        if not segments:
            return False
        basis = await self._basis(segments)
        pass_basis, after = await self._pass_progress()
        pass_running = pass_basis != basis or after is not None
        if pass_running:
            ids = await self._store.customer_ids(after or "" if pass_basis == basis else "", PAGE_SIZE)
            if not await self._save(ids, segments):
                return True
            after = ids[-1] if len(ids) == PAGE_SIZE else None
            await self._store.put_value(BASIS_KEY, json.dumps([basis, after]))
        if after is None:
            await self._note_evaluated(segments)
        ids = await self._store.due_for_segmentation(self._clock.now(), PAGE_SIZE)
        await self._save(ids, segments)
        return pass_running or len(ids) == PAGE_SIZE

    async def _save(self, ids: Sequence[str], segments: Sequence[Segment]) -> bool:
        if not ids:
            return True
        saved = await self._segments.refresh(ids, segments)
        self.counters.items += len(ids)
        return saved is not None

    async def _note_evaluated(self, segments: Sequence[Segment]) -> None:
        """Store of which versions of the segments the recorded members are."""
        versions = json.dumps({segment.id: segment.version for segment in segments})
        if versions != self._evaluated and versions != await self._store.get_value(EVALUATED_KEY):
            await self._store.put_value(EVALUATED_KEY, versions)
        self._evaluated = versions

    async def _pass_progress(self) -> tuple[str, str | None]:
        """Return the basis of the last pass and the last customer id it has evaluated, `None` if it is complete."""
        text = await self._store.get_value(BASIS_KEY)
        basis, after = json.loads(text) if text else ("", None)
        return basis, after

    async def _basis(self, segments: Sequence[Segment]) -> str:
        """Return a digest of the inputs that concern all customers."""
        conditions = [self._segments.condition_of(segment) for segment in segments]
        leaves = [leaf for condition in conditions if condition is not None for leaf in leaf_conditions(condition)]
        parts: list[object] = [[[segment.id, segment.version] for segment in segments]]
        parts += [repr(self._segments.catalog), sorted(self._segments.rules().known_namespaces)]
        if any(leaf.needs_statistics for leaf in leaves):
            population, model = await self._segments.latest()
            parts += [population.calculated_at if population else 0, model.fitted_at if model else 0]
        if any(leaf.needs_products for leaf in leaves):
            parts.append(await self._store.get_value(PRODUCTS_KEY))
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
