"""Rollout of new rules: they take effect at once, and stored observations are reprocessed in the background."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from graph.commands.reprocess import renormalized, reprocess, reprocess_override, with_old_namespaces
from graph.commands.retries import with_retries
from graph.domain.model.errors import RulesChanged
from graph.domain.model.overrides import Override
from graph.domain.model.rules import Rules, StoredRules
from graph.domain.model.store_values import ReprocessingProgress, Writes
from graph.ports import Clock, HistoryStore, Ids, RulesStore, T, Work, Write, WriteStore

PAGE_SIZE = 200
"""Overrides of one read."""
STEP_SIZE = 50
"""Observations of one transaction, which also holds up to `MAX_RELATED` of the same customers; few, so that concurrent
writes do not wait long."""
MAX_RELATED = 400


class RolloutStore(WriteStore, HistoryStore, RulesStore, Protocol):
    """Writes, rules with the observations processed under them, and overrides."""


class ActiveRules(Struct, frozen=True, gc=False):
    """The rules in effect: `intake_rules` normalize observations, `resolution_rules` resolve.

    They differ during a rollout (see `reprocess.with_old_namespaces`). `recount_neighbors` is true if stored neighbor
    counts may have been made under another `min_confidence`, `restate` if stored guarded values may have been made
    under other guards.
    """

    intake_rules: Rules
    resolution_rules: Rules
    version: int = 0
    recount_neighbors: bool = True
    restate: bool = True


def active_rules(new: Rules, old: Rules | None, version: int, old_complete: bool = False) -> ActiveRules:
    """Return the rules in effect while `new` replaces `old`; `old` is `None` once the rollout is complete.

    `old_complete` is true if the rollout of the old rules was complete.
    """
    if old is None:
        return ActiveRules(new, new, version)
    recount_neighbors = not old_complete or old.min_confidence != new.min_confidence
    restate = not old_complete or old.guards != new.guards
    return ActiveRules(new, with_old_namespaces(new, old), version, recount_neighbors, restate)


class RolloutProgress(Struct, frozen=True, gc=False):
    """The progress of a version of the rules, in observations."""

    version: int
    processed: int
    total: int
    running: bool


class RulesRollout:
    """Reprocesses all observations under a version of the rules; continues at its last position after a restart."""

    def __init__(self, store: RolloutStore, clock: Clock, ids: Ids, rules: ActiveRules, stored: StoredRules) -> None:
        self._store, self._clock, self._ids, self._rules = store, clock, ids, rules
        self._processed_to = stored.processed_to
        self.progress = RolloutProgress(stored.version, 0, 0, True)

    async def run(self) -> bool:
        """Reprocess all observations; return false if it stopped early because a newer version was stored."""
        try:
            return await self._reprocess_all()
        except RulesChanged:
            return False

    async def _reprocess_all(self) -> bool:
        self.progress = replace(self.progress, total=await self._store.count_observations())
        version = self._rules.version
        while keys := await self._with_retries(
            lambda: self._store.observations(self._processed_to, version, STEP_SIZE)
        ):
            if await self._outdated():
                return False
            processed_to = keys[-1]
            # Together with related observations, so that each customer is resolved once and not for each observation.
            related = await self._with_retries(
                lambda keys=keys: self._store.related_observations(keys, version, MAX_RELATED)  # type: ignore[misc]
            )
            batch = list(dict.fromkeys((*keys, *related)))
            await self._write(
                lambda batch=batch, processed_to=processed_to: reprocess(  # type: ignore[misc]
                    batch,
                    self._rules.resolution_rules,
                    self._rules.intake_rules,
                    self._clock.now(),
                    self._ids,
                    ReprocessingProgress(version, processed_to),
                    self._rules.recount_neighbors,
                    self._rules.restate,
                )
            )
            self._processed_to = processed_to
            processed = min(self.progress.processed + len(batch), self.progress.total)
            self.progress = replace(self.progress, processed=processed)
        await self._reprocess_overrides()
        await self._write(lambda: _mark_complete(version))
        self.progress = replace(self.progress, processed=self.progress.total, running=False)
        return True

    async def _outdated(self) -> bool:
        newest = await self._with_retries(self._store.rules)
        return not newest or newest[0].version != self._rules.version

    async def _reprocess_overrides(self) -> None:
        """Reprocess all overrides: they name identifiers by normalized keys, which the new rules may change."""
        after: tuple[int, str] | None = None
        overrides: list[Override] = []
        while page := await self._with_retries(lambda after=after: self._store.overrides(None, after, PAGE_SIZE)):  # type: ignore[misc]
            overrides += page
            after = page[-1].at, page[-1].id
        existing = {(override.kind, override.pair) for override in overrides}
        for override in overrides:
            replacement = renormalized(override, self._rules.intake_rules, self._ids.override())
            if replacement is not None and (replacement.kind, replacement.pair) in existing:
                replacement = None
            await self._write(
                lambda override=override, replacement=replacement: reprocess_override(  # type: ignore[misc]
                    override, replacement, self._rules.resolution_rules, self._clock.now(), self._ids
                )
            )

    async def _write(self, work: Callable[[], Work[None]]) -> None:
        await self._with_retries(lambda: self._store.write(work))

    async def _with_retries(self, operation: Callable[[], Awaitable[T]]) -> T:
        return await with_retries(operation, stops_if_rules_change=True)


def _mark_complete(version: int) -> Work[None]:
    yield Write(Writes(reprocessing=ReprocessingProgress(version, None)))
