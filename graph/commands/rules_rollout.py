"""New rules for all that is stored: adopted at once, read through in the background while everything is served."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from graph.commands.reprocess import both, remark, renamed, reread
from graph.domain.model.errors import RulesMoved, TemporaryFailure
from graph.domain.model.overrides import Mark
from graph.domain.model.rules import KeptRules, Rules
from graph.domain.model.store_values import Reread, Writes
from graph.ports import Clock, HistoryStore, Ids, RulesStore, T, Work, Write, WriteStore

PAGE = 200
"""Marks that are looked for at once."""
STEP = 50
"""Observations of one step, with up to `MOST` of the same customers: few, so that writes beside it do not wait long."""
MOST = 400


class RolloutStore(WriteStore, HistoryStore, RulesStore, Protocol):
    """Writes, rules with all that is read under them, and marks."""


class Current(Struct, frozen=True, gc=False):
    """The rules in force: `reading` reads what comes in, `resolving` resolves (see `reread.both`).

    `recount` tells that neighbours may have been counted under another `accept`.
    """

    reading: Rules
    resolving: Rules
    version: int = 0
    recount: bool = True


def current(new: Rules, old: Rules | None, version: int, settled: bool = False) -> Current:
    """The rules in force while `old` are being replaced, or with `None` when they are.

    `settled` tells that everything was read under the old ones.
    """
    if old is None:
        return Current(new, new, version)
    return Current(new, both(new, old), version, not settled or old.accept != new.accept)


class Progress(Struct, frozen=True, gc=False):
    """How far a version of the rules has got, in observations."""

    version: int
    done: int
    total: int
    running: bool


class RulesRun:
    """Reads all observations anew under a version of the rules; goes on where it was after a restart."""

    def __init__(self, store: RolloutStore, clock: Clock, ids: Ids, rules: Current, kept: KeptRules) -> None:
        self._store, self._clock, self._ids, self._rules = store, clock, ids, rules
        self._upto = kept.upto
        self.progress = Progress(kept.version, 0, 0, True)

    async def run(self) -> bool:
        """Run to the end; answers whether it got there, or a newer version came in between."""
        try:
            return await self._through()
        except RulesMoved:
            return False

    async def _through(self) -> bool:
        self.progress = replace(self.progress, total=await self._store.count_observations())
        version = self._rules.version
        while keys := await self._patiently(lambda: self._store.observations(self._upto, version, STEP)):
            if await self._outdated():
                return False
            upto = keys[-1]
            # With what else is known of the same customers, so that each is resolved once and not for each observation.
            beside = await self._patiently(lambda keys=keys: self._store.beside(keys, version, MOST))  # type: ignore[misc]
            some = list(dict.fromkeys((*keys, *beside)))
            await self._write(
                lambda some=some, upto=upto: reread(  # type: ignore[misc]
                    some,
                    self._rules.resolving,
                    self._rules.reading,
                    self._clock.now(),
                    self._ids,
                    Reread(version, upto),
                    self._rules.recount,
                )
            )
            self._upto = upto
            done = min(self.progress.done + len(some), self.progress.total)
            self.progress = replace(self.progress, done=done)
        await self._marks()
        await self._write(lambda: _finished(version))
        self.progress = replace(self.progress, done=self.progress.total, running=False)
        return True

    async def _outdated(self) -> bool:
        newest = await self._patiently(self._store.rules)
        return not newest or newest[0].version != self._rules.version

    async def _marks(self) -> None:
        """Marks name identifiers by their normalised keys, which may be others now."""
        after: tuple[int, str] | None = None
        marks: list[Mark] = []
        while page := await self._patiently(lambda after=after: self._store.marks(None, after, PAGE)):  # type: ignore[misc]
            marks += page
            after = page[-1].at, page[-1].id
        places = {(mark.kind, mark.pair) for mark in marks}
        for mark in marks:
            other = renamed(mark, self._rules.reading, self._ids.mark())
            if other is not None and (other.kind, other.pair) in places:
                other = None
            await self._write(
                lambda mark=mark, other=other: remark(  # type: ignore[misc]
                    mark, other, self._rules.resolving, self._clock.now(), self._ids
                )
            )

    async def _write(self, work: Callable[[], Work[None]]) -> None:
        await self._patiently(lambda: self._store.write(work))

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the store, again and again while its database is away."""
        pause = 0.5
        while True:
            try:
                return await ask()
            except RulesMoved:
                raise
            except TemporaryFailure:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10)


def _finished(version: int) -> Work[None]:
    yield Write(Writes(reread=Reread(version, None)))
