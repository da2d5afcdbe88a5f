"""Revoke and restore sources: a record takes effect at once for what arrives, and in the background for the rest.

Whether an observation counts follows from the records in effect when it is evaluated (`Intake`), and every write
evaluates under all of them. So one pass over the observations of a window is enough; it may be repeated, and run in
several processes and during a rollout of rules.
"""

import asyncio
import logging
from collections.abc import Generator, Sequence
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from graph.commands.group_commit import GroupCommit
from graph.commands.retries import with_retries
from graph.commands.write_gate import WriteGate
from graph.domain.access.decisions import MAX_ACTOR_LENGTH
from graph.domain.model.changes import Cause, CauseType
from graph.domain.model.errors import InvalidInput, KithError
from graph.domain.model.source_revocations import SourceRevocation, SourceWindow
from graph.domain.model.store_values import Writes
from graph.domain.model.times import iso
from graph.domain.model.validation import check_text
from graph.domain.resolution.preparation import Reevaluate
from graph.ports import Clock, Ids, ReadSourceRevocations, Request, SourceRevocationStore, Write, WriteStore

PAGE_SIZE = 200
"""Observations of one request to the writer, which stores them in smaller parts while others write."""

log = logging.getLogger("kith.source_revocations")


class RevokingStore(WriteStore, SourceRevocationStore, Protocol):
    """Writes, source revocations and the observations that they cover."""


class RevokedSource(Struct, frozen=True, gc=False):
    """A source revocation in effect; `created` is true if this request set it."""

    revocation: SourceRevocation
    created: bool


class SourceRevocationControl:
    """Sets and restores source revocations, and evaluates the observations that they cover in the background.

    What is left to do is in the records, so `open` continues where another process stopped.
    """

    def __init__(self, store: RevokingStore, writer: GroupCommit, clock: Clock, ids: Ids, gate: WriteGate) -> None:
        self._gate = gate
        self._store, self._writer, self._clock, self._ids = store, writer, clock, ids
        self._task: asyncio.Task[None] | None = None
        self._woken = False

    async def open(self) -> None:
        """Continue what another process has left to do."""
        if any(revocation.pending for revocation in await self.revocations()):
            self._start()

    async def revocations(self) -> list[SourceRevocation]:
        """Return all source revocations, oldest first, those that were restored too."""
        return await self._store.source_revocations()

    async def draft(self, window: SourceWindow, actor: str = "", reason: str = "") -> SourceRevocation:
        """Return the revocation of a window without setting it; without `recorded_to` the window ends now.

        Raises `InvalidInput` if the window is empty or ends in the future, or if nothing of the source is stored.
        """
        now, source, recorded_from = self._clock.now(), window.source, window.recorded_from
        for name, text, max_length in (
            ("source", source, 100),
            ("actor", actor, MAX_ACTOR_LENGTH),
            ("reason", reason, 1000),
        ):
            if (text or name == "source") and (problem := check_text(name, text, max_length)):
                raise InvalidInput(problem.code, problem.message, problem.path)
        end = now if window.recorded_to is None else window.recorded_to
        if end > now:
            message = f"recordedTo {iso(end)} is in the future; it is {iso(now)} now"
            raise InvalidInput("TIMESTAMP_IN_FUTURE", message, ("recordedTo",))
        if recorded_from is not None and recorded_from >= end:
            message = f"recordedFrom {iso(recorded_from)} is not before recordedTo {iso(end)}, so the window is empty"
            raise InvalidInput("EMPTY_WINDOW", message, ("recordedFrom",))
        if not await self._store.observations_of_source(source, None, now + 1, "", 1):
            raise InvalidInput("SOURCE_NOT_FOUND", f"nothing is recorded from source {source!r}", ("source",))
        id = self._ids.source_revocation()
        return SourceRevocation(id, source, recorded_from, end, window.include_refusals, actor, reason, now)

    async def revoke(self, draft: SourceRevocation) -> RevokedSource:
        """Set a revocation, unless the same is in effect already, and evaluate what it covers in the background.

        The same revocation until now is still the same later, as long as the source has sent nothing in between.
        """
        self._gate.check()
        repeated = [
            revocation.id for revocation in await self.revocations() if await self._is_repeated(revocation, draft)
        ]
        revoked = await self._store.write(lambda: _set(draft, repeated))
        self._start()
        return revoked

    async def _is_repeated(self, revocation: SourceRevocation, draft: SourceRevocation) -> bool:
        end = draft.recorded_to
        if not revocation.in_effect or replace(revocation, recorded_to=end).window != draft.window:
            return False
        if revocation.recorded_to == end:
            return True
        until_now = (revocation.recorded_to, end) == (revocation.at, draft.at)
        window = revocation.source, revocation.recorded_to, end
        return until_now and not await self._store.observations_of_source(*window, "", 1)

    async def restore(self, id: str, actor: str = "") -> SourceRevocation:
        """Restore a revoked source, and evaluate in the background what counts again.

        Raises `InvalidInput` if the revocation does not exist or was restored already.
        """
        self._gate.check()
        now = self._clock.now()
        revocation = await self._store.write(lambda: _restore(id, actor, now))
        self._start()
        return revocation

    async def in_effect(self, id: str) -> SourceRevocation:
        """Return a revocation in effect; raises `InvalidInput` if it does not exist or was restored."""
        return _find_in_effect(await self.revocations(), id)

    def _start(self) -> None:
        self._woken = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._woken:
                self._woken = False
                while (revocation := await with_retries(self._next)) is not None:
                    await with_retries(lambda revocation=revocation: self._evaluate_page(revocation))  # type: ignore[misc]
        except KithError as error:
            # The next start of a process continues.
            log.warning("observations of a revoked source could not be evaluated: %s", error.code)

    async def _next(self) -> SourceRevocation | None:
        return next((revocation for revocation in await self.revocations() if revocation.pending), None)

    async def _evaluate_page(self, revocation: SourceRevocation) -> None:
        window = revocation.source, revocation.recorded_from, revocation.recorded_to
        total = revocation.total
        if total is None:
            total = await self._store.count_observations_of_source(*window)
        ids = await self._store.observations_of_source(*window, revocation.processed_to, PAGE_SIZE)
        type = CauseType.SOURCE_REVOCATION if revocation.in_effect else CauseType.SOURCE_RESTORATION
        actor = revocation.actor if revocation.in_effect else revocation.restored_by
        cause = Cause(type, revocation.source, revocation.id, actor)
        rules = self._writer.rules.intake_rules
        await self._writer.run([Reevaluate(revocation.source, id, cause, rules) for id in ids])
        await self._store.write(lambda: _advance(revocation, ids, total))

    async def applied(self) -> None:
        """Wait until this process has evaluated everything."""
        if self._task is not None:
            await self._task

    @property
    def stopped(self) -> bool:
        """Whether this process evaluates nothing at the moment."""
        return self._task is None or self._task.done()

    def close(self) -> None:
        """Stop; the next process that opens the store continues."""
        if self._task is not None:
            self._task.cancel()


def _set(draft: SourceRevocation, repeated: Sequence[str]) -> Generator[Request, Any, RevokedSource]:
    stored: list[SourceRevocation] = yield ReadSourceRevocations()
    for revocation in stored:
        if revocation.in_effect and (revocation.id in repeated or revocation.window == draft.window):
            return RevokedSource(revocation, created=False)
    yield Write(Writes(source_revocations=[draft]))
    return RevokedSource(draft, created=True)


def _restore(id: str, actor: str, now: int) -> Generator[Request, Any, SourceRevocation]:
    stored: list[SourceRevocation] = yield ReadSourceRevocations()
    restored = replace(
        _find_in_effect(stored, id),
        restored_at=now,
        restored_by=actor,
        pending=True,
        processed_to="",
        processed=0,
        total=None,
    )
    yield Write(Writes(source_revocations=[restored]))
    return restored


def _find_in_effect(revocations: Sequence[SourceRevocation], id: str) -> SourceRevocation:
    revocation = next((revocation for revocation in revocations if revocation.id == id), None)
    if revocation is None:
        raise InvalidInput("SOURCE_REVOCATION_NOT_FOUND", f"source revocation {id[:60]!r} does not exist", ("id",))
    if revocation.restored_at is not None:
        message = f"source revocation {id!r} was restored already, at {iso(revocation.restored_at)}"
        raise InvalidInput("ALREADY_RESTORED", message, ("id",))
    return revocation


def _advance(revocation: SourceRevocation, ids: Sequence[str], total: int) -> Generator[Request, Any, None]:
    """Store that a page was evaluated, unless the record has changed: it was restored, or another process is ahead."""
    stored: list[SourceRevocation] = yield ReadSourceRevocations()
    if revocation in stored:
        processed = revocation.processed + len(ids)
        processed_to = ids[-1] if ids else revocation.processed_to
        advanced = replace(
            revocation, pending=len(ids) == PAGE_SIZE, processed_to=processed_to, processed=processed, total=total
        )
        yield Write(Writes(source_revocations=[advanced]))
