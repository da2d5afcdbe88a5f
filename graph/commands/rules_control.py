"""Which rules are in force: taken over from the store, put in place of others, read through in the background."""

import asyncio
import contextlib
from collections.abc import Callable

from graph.commands.group_commit import GroupCommit
from graph.commands.rules_rollout import Progress, RolloutStore, RulesRun, current
from graph.domain.model.errors import Conflict, KithError, StoreUnavailable
from graph.domain.model.rules import KeptRules, Rules
from graph.ports import LOADING, Clock, Ids


class RulesControl:
    """Keeps a writer at the newest rules of the store. `parse` reads their text; without it the writer's own hold."""

    def __init__(
        self,
        store: RolloutStore,
        writer: GroupCommit,
        clock: Clock,
        ids: Ids,
        parse: Callable[[str], Rules] | None = None,
    ) -> None:
        self._store, self._writer, self._clock, self._ids = store, writer, clock, ids
        self._parse = parse
        self._run: RulesRun | None = None
        self._running: asyncio.Task[bool] | None = None

    def parse(self, text: str) -> Rules:
        """The rules in a text; raises `RulesError` with what is wrong."""
        if self._parse is None:
            raise KithError("this graph reads no rules")
        return self._parse(text)

    async def newest(self) -> KeptRules | None:
        """The newest version of the rules in the store."""
        kept = await self._store.rules()
        return kept[0] if kept else None

    async def refresh(self) -> KeptRules | None:
        """Take over the newest rules of the store; answers which, `None` where there are none yet."""
        kept = await self._store.rules()
        if not kept or self._parse is None:
            return None
        old = self._parse(kept[1].text) if kept[0].pending and len(kept) > 1 else None
        settled = len(kept) > 1 and not kept[1].pending
        self._writer.rules = current(self._parse(kept[0].text), old, kept[0].version, settled)
        return kept[0]

    async def open(self, text: str) -> KeptRules:
        """Take over the store's rules, or give it these if it has none; go on with a change of rules cut off before."""
        if await self._store.kept(LOADING) is not None:
            raise StoreUnavailable.loading()
        if not await self._store.rules():
            # Another process may be first: then its rules hold.
            with contextlib.suppress(Conflict):
                await self._store.adopt_rules(text, 0, self._clock.now())
        kept = await self.refresh()
        if kept is None:
            raise KithError("the store keeps no rules")
        if kept.pending:
            self._start(kept)
        return kept

    async def apply(self, text: str, expected: int) -> Progress:
        """Make a text the rules, if `expected` is their version now; what is stored is read anew in the background.

        The same request again is answered as if it had come once.
        """
        self.parse(text)
        try:
            await self._store.adopt_rules(text, expected, self._clock.now())
        except Conflict:
            newest = await self.newest()
            if newest is None or (newest.version, newest.text) != (expected + 1, text):
                raise
            return await self.progress()
        kept = await self.refresh()
        if kept is not None and kept.pending:
            self._start(kept)
        return await self.progress()

    def _start(self, kept: KeptRules) -> None:
        if self._running is not None:
            self._running.cancel()
        self._run = RulesRun(self._store, self._clock, self._ids, self._writer.rules, kept)
        self._running = asyncio.create_task(self._to_the_end(self._run))

    async def _to_the_end(self, run: RulesRun) -> bool:
        done = await run.run()
        await self.refresh()
        return done

    async def progress(self) -> Progress:
        """How far the newest rules have got."""
        kept = await self.newest()
        if kept is None:
            return Progress(0, 0, 0, False)
        if self._run is not None and self._run.progress.version == kept.version:
            return self._run.progress
        total = await self._store.count_observations()
        return Progress(kept.version, 0 if kept.pending else total, total, kept.pending)

    async def applied(self) -> None:
        """Wait until the rules of this process's own change have been read through."""
        if self._running is not None:
            await self._running

    def close(self) -> None:
        """Read no further; whoever opens the store next goes on."""
        if self._running is not None:
            self._running.cancel()
