"""Memberships kept up to date in the background.

Every change of a customer makes its segments due in the transaction that changed it; time makes them due at the moment
that their rules told. What changes for all (a rule, the figures that customers are compared with, what articles are,
attributes) is the *basis*: where it is another than that of the last pass over all customers, there is another pass.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence

from graph.commands.products import PRODUCTS
from graph.commands.segment_writes import settle
from graph.commands.segments import PAGE, SegmentationStore, Segments
from graph.domain.model.errors import KithError
from graph.domain.model.segments import Segment
from graph.domain.segments.conditions import leaves
from graph.ports import Clock

BASIS = "segments_basis"
PAUSE = 0.1
"""Most seconds between two rounds. It rests for as long as it worked, so that it takes half of the time at most."""

log = logging.getLogger("kith.segments")


class SegmentWorker:
    """Judges customers anew, and records it. `news` is told when entries of the history were written."""

    def __init__(self, store: SegmentationStore, clock: Clock, segments: Segments, news: Callable[[], None]) -> None:
        self._store, self._clock, self._segments, self._news = store, clock, segments, news
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was written in this process."""
        self._wake.set()

    async def run(self, seconds: float = 1.0) -> None:
        """Keep memberships up to date; `seconds` is how often it is looked for what other processes wrote."""
        while True:
            self._wake.clear()
            try:
                more = True
                while more:
                    began = time.monotonic()
                    more = await self.look()
                    await asyncio.sleep(min(PAUSE, time.monotonic() - began))
            except KithError:
                pass  # A database that is away is looked at again when it is back.
            except Exception as error:
                # One customer that cannot be judged must not end this for all; the message may hold personal values.
                log.warning("segments could not be looked at: %s", type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            await asyncio.sleep(PAUSE)

    async def caught_up(self) -> None:
        """Bring all memberships up to date."""
        while await self.look():
            pass

    async def filled(self) -> bool:
        """Whether all customers were looked at since segments changed last."""
        segments = await self._store.segments()
        basis, after = await self._passed()
        return after is None and basis == await self._basis(segments)

    async def look(self) -> bool:
        """Look at some of the pass over all customers, and at some that are due; whether there may be more."""
        segments = await self._store.segments()
        if not segments:
            return False
        basis = await self._basis(segments)
        before, after = await self._passed()
        passing = before != basis or after is not None
        if passing:
            ids = await self._store.customer_ids(after or "" if before == basis else "", PAGE)
            if not await self._settle(ids, segments):
                return True
            await self._store.keep(BASIS, json.dumps([basis, ids[-1] if len(ids) == PAGE else None]))
        ids = await self._store.due(self._clock.now(), PAGE)
        await self._settle(ids, segments)
        return passing or len(ids) == PAGE

    async def _settle(self, ids: Sequence[str], segments: Sequence[Segment]) -> bool:
        if not ids:
            return True
        judged = await self._segments.judge(ids, segments)
        now = self._clock.now()
        told = await self._store.write(lambda: settle(judged, segments, now))
        if told:
            self._news()
        return told is not None

    async def _passed(self) -> tuple[str, str | None]:
        """The basis of the last pass, and how far it has come; `None` for all the way."""
        text = await self._store.kept(BASIS)
        basis, after = json.loads(text) if text else ("", None)
        return basis, after

    async def _basis(self, segments: Sequence[Segment]) -> str:
        """What the memberships of all follow from."""
        asked = [
            leaf for one in segments if (found := self._segments.criterion(one)) is not None for leaf in leaves(found)
        ]
        parts: list[object] = [[[one.id, one.version] for one in segments]]
        parts += [repr(self._segments.catalogue), sorted(self._segments.rules().known)]
        if any(one.relative for one in asked):
            parts += [one.as_of if one else 0 for one in await self._segments.latest()]
        if any(one.by_product for one in asked):
            parts.append(await self._store.kept(PRODUCTS))
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
