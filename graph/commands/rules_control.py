"""The rules in effect: loaded from the store, replaced by new ones, and rolled out in the background."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from graph.commands.group_commit import GroupCommit
from graph.commands.rules_rollout import RolloutProgress, RolloutStore, RulesRollout, active_rules
from graph.domain.model import normalization
from graph.domain.model.errors import KithError, StoreUnavailable, VersionConflict
from graph.domain.model.rules import Rules, StoredRules
from graph.ports import LOADING, Clock, Ids

log = logging.getLogger("kith.rules")

NORMALIZATION_KEY = "normalization"
"""The name under which a store keeps the `VERSION` of the steps that its observations were normalized by."""


class RulesControl:
    """Keeps a writer at the newest rules of the store.

    `parse` parses their text; without it the writer keeps the rules it was created with. `check` raises `RulesError`
    for new rules that parse and cannot be used.
    """

    def __init__(
        self,
        store: RolloutStore,
        writer: GroupCommit,
        clock: Clock,
        ids: Ids,
        parse: Callable[[str], Rules] | None = None,
        check: Callable[[Rules], None] = lambda rules: None,
    ) -> None:
        self._store, self._writer, self._clock, self._ids = store, writer, clock, ids
        self._parse = parse
        self._check = check
        self._rollout: RulesRollout | None = None
        self._rollout_task: asyncio.Task[bool] | None = None
        self.failed = False
        """Whether the rollout ended with an error; the next start of a process continues it."""

    def parse(self, text: str) -> Rules:
        """Parse the text of new rules; raises `RulesError` if it is invalid."""
        if self._parse is None:
            raise KithError("this graph has no parser for rules")
        rules = self._parse(text)
        self._check(rules)
        return rules

    async def newest(self) -> StoredRules | None:
        """Return the newest version of the rules in the store."""
        versions = await self._store.rules()
        return versions[0] if versions else None

    async def refresh(self) -> StoredRules | None:
        """Make the newest rules of the store those in effect and return them, `None` if the store has no rules."""
        versions = await self._store.rules()
        if not versions or self._parse is None:
            return None
        newest, *older = versions
        old = self._parse(older[0].text) if newest.pending and older else None
        old_complete = bool(older) and not older[0].pending
        self._writer.rules = active_rules(self._parse(newest.text), old, newest.version, old_complete)
        return newest

    async def open(self, text: str) -> StoredRules:
        """Load the store's rules, or store `text` if it has none; continue a rollout that was interrupted.

        Observations that an earlier version of Kith normalized in another way are reprocessed under the same rules:
        otherwise they would not be found under the identifiers that requests are normalized to.
        """
        if await self._store.get_value(LOADING) is not None:
            raise StoreUnavailable.loading()
        if not await self._store.rules():
            # If another process is first, its rules are in effect.
            with contextlib.suppress(VersionConflict):
                await self._store.save_rules(text, 0, self._clock.now())
        newest = await self._with_current_normalization()
        if newest.pending:
            self._start(newest)
        return newest

    async def _with_current_normalization(self) -> StoredRules:
        newest = await self.refresh()
        if newest is None:
            raise KithError("the store has no rules")
        if await self._store.get_value(NORMALIZATION_KEY) == normalization.VERSION:
            return newest
        if await self._store.count_observations():
            with contextlib.suppress(VersionConflict):
                await self._store.save_rules(newest.text, newest.version, self._clock.now())
            newest = await self.refresh() or newest
        await self._store.put_value(NORMALIZATION_KEY, normalization.VERSION)
        return newest

    async def apply(self, text: str, expected_version: int) -> RolloutProgress:
        """Replace the rules by `text`; raises `VersionConflict` if `expected_version` is not their current version.

        Stored observations are reprocessed in the background. A repeated request has the effect of a single one.
        """
        self.parse(text)
        try:
            await self._store.save_rules(text, expected_version, self._clock.now())
        except VersionConflict:
            newest = await self.newest()
            if newest is None or (newest.version, newest.text) != (expected_version + 1, text):
                raise
            return await self.progress()
        stored = await self.refresh()
        if stored is not None and stored.pending:
            self._start(stored)
        return await self.progress()

    def _start(self, stored: StoredRules) -> None:
        if self._rollout_task is not None:
            self._rollout_task.cancel()
        self.failed = False
        self._rollout = RulesRollout(self._store, self._clock, self._ids, self._writer.rules, stored)
        self._rollout_task = asyncio.create_task(self._run_rollout(self._rollout))

    async def _run_rollout(self, rollout: RulesRollout) -> bool:
        try:
            completed = await rollout.run()
            await self.refresh()
        except Exception as error:
            # The message may hold personal values.
            log.warning("stored observations could not be reprocessed: %s", type(error).__name__)
            self.failed = True
            return False
        return completed

    async def progress(self) -> RolloutProgress:
        """Return the progress of the newest rules."""
        newest = await self.newest()
        if newest is None:
            return RolloutProgress(0, 0, 0, False)
        if self._rollout is not None and self._rollout.progress.version == newest.version:
            return self._rollout.progress
        total = await self._store.count_observations()
        return RolloutProgress(newest.version, 0 if newest.pending else total, total, newest.pending)

    async def applied(self) -> None:
        """Wait until the rollout that this process runs is complete."""
        if self._rollout_task is not None:
            await self._rollout_task

    def close(self) -> None:
        """Stop the rollout; the next process that opens the store continues it."""
        if self._rollout_task is not None:
            self._rollout_task.cancel()
