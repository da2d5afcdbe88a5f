"""What other rules would make of what is stored: nothing is written."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from msgspec import Struct

from graph.domain.model.errors import KithError, Overloaded
from graph.domain.model.identifiers import Identifier
from graph.domain.model.observations import Observation, Statement, read
from graph.domain.model.overrides import Mark
from graph.domain.model.receipts import ObservationKey, Receipt, Standing
from graph.domain.model.rules import Dropped, Rules
from graph.domain.resolution.resolution import resolve
from graph.ports import CustomerHistoryStore, Ids, RulesStore

PAGE = 1_000
SAMPLES = 5
MOST_PREVIEWS = 3
"""Previews that a process keeps; the oldest that is done makes room."""


class PreviewStore(RulesStore, CustomerHistoryStore, Protocol):
    """All that is read under rules, the marks that stand, and who holds what now."""


class PreviewState(Enum):
    """How a preview stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Sample(Struct, frozen=True):
    """One customer, or several that become one: ids now, and the groups of identifiers that they come to."""

    ids: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]


class Difference(Struct, frozen=True):
    """What would change, in customers of now: how many go together with others, and how many fall apart."""

    customers_now: int
    customers_then: int
    merging: int
    splitting: int
    changed: int
    refused: int
    """Observations that count now and that the other rules refuse; they would stay stored."""
    accepted: int
    """Observations that are refused now and would count."""
    merges: tuple[Sample, ...]
    splits: tuple[Sample, ...]


@dataclass(slots=True)
class _Read:
    """What has been read so far."""

    statements: list[Statement] = field(default_factory=list)
    then_of: dict[str, str] = field(default_factory=dict)
    """A key of now to what the other rules make of the same raw value."""
    refused: int = 0
    accepted: int = 0


class Preview:
    """A preview that runs in the background."""

    def __init__(self, store: PreviewStore, id: str, now: Rules, then: Rules, masked: bool) -> None:
        self.id = id
        self._store, self._now, self._then, self._masked = store, now, then, masked
        self.state = PreviewState.RUNNING
        self.done = self.total = 0
        self.difference: Difference | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it has not come to an end."""
        return self.state is PreviewState.RUNNING

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    def cancel(self) -> None:
        """Stop; what was found is let go."""
        if self.running and self._task is not None:
            self.state = PreviewState.CANCELLED
            self._task.cancel()

    async def wait(self, seconds: float) -> None:
        """Wait for the end, but no longer than some seconds."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=seconds)

    async def _run(self) -> None:
        try:
            self.total = await self._store.count_observations()
            found = await self._read_all()
            marks = await self._marks()
            groups = await asyncio.to_thread(self._resolved, found.statements, marks)
            now = await self._holders(list(found.then_of))
            self.difference = await asyncio.to_thread(self._compare, found, groups, now)
            self.state = PreviewState.DONE
        except KithError:
            self.state = PreviewState.FAILED

    async def _read_all(self) -> _Read:
        found = _Read()
        after: ObservationKey | None = None
        while page := await self._store.receipts(after, PAGE):
            await asyncio.to_thread(self._read, page, found)
            after = page[-1].key
            self.done += len(page)
        return found

    def _read(self, page: Sequence[Receipt], found: _Read) -> None:
        for receipt in page:
            if not receipt.digest or receipt.standing in (Standing.REVOKED, Standing.SUPERSEDED):
                continue
            sent = Observation.from_sent(*receipt.key, receipt.sent)
            outcome = read(sent, self._then)
            counts = receipt.standing is Standing.VALID
            found.refused += counts and outcome.refused is not None
            found.accepted += not counts and outcome.refused is None
            if outcome.refused is None:
                found.statements.append(
                    Statement(*receipt.key, outcome.keys, sent.tier, receipt.seen_at, sent.confidence)
                )
            for namespace, raw in sent.identifiers if counts else ():
                now = _key(self._now, namespace, raw)
                then = _key(self._then, namespace, raw)
                if now is not None:
                    found.then_of[now] = then or ""

    async def _marks(self) -> list[Mark]:
        found: list[Mark] = []
        after: tuple[int, str] | None = None
        while page := await self._store.marks(None, after, PAGE):
            found += page
            after = page[-1].at, page[-1].id
        renamed: list[Mark] = []
        for mark in found:
            keys = sorted(filter(None, (_key(self._then, *Identifier.from_key(key)) for key in mark.keys)))
            if len(keys) == len(mark.keys):
                renamed.append(Mark(mark.id, mark.kind, keys[0], "".join(keys[1:]), mark.actor, mark.reason, mark.at))
        return renamed

    def _resolved(self, statements: Iterable[Statement], marks: Sequence[Mark]) -> Sequence[frozenset[str]]:
        return resolve(statements, marks, self._then).groups

    async def _holders(self, keys: Sequence[str]) -> dict[str, str]:
        holders: dict[str, str] = {}
        for start in range(0, len(keys), PAGE):
            page = keys[start : start + PAGE]
            holders.update(zip(page, await self._store.holders(page), strict=True))
        return {key: id for key, id in holders.items() if id}

    def _compare(self, found: _Read, groups: Sequence[frozenset[str]], now: dict[str, str]) -> Difference:
        group_of = {key: index for index, group in enumerate(groups) for key in group}
        groups_of: dict[str, set[int]] = {}
        ids_of: dict[int, set[str]] = {}
        lost: set[str] = set()
        for key, id in now.items():
            index = group_of.get(found.then_of[key])
            if index is None:
                lost.add(id)
                groups_of.setdefault(id, set())
                continue
            groups_of.setdefault(id, set()).add(index)
            ids_of.setdefault(index, set()).add(id)
        merging = {index: ids for index, ids in ids_of.items() if len(ids) > 1}
        splitting = {id: parts for id, parts in groups_of.items() if len(parts) > 1}
        merged = {id for ids in merging.values() for id in ids}
        return Difference(
            len(groups_of),
            len(groups),
            len(merged),
            len(splitting),
            len(merged | splitting.keys() | lost),
            found.refused,
            found.accepted,
            tuple(
                Sample(tuple(sorted(ids)), (self._shown(groups[index]),))
                for index, ids in sorted(merging.items())[:SAMPLES]
            ),
            tuple(
                Sample((id,), tuple(self._shown(groups[index]) for index in sorted(parts)))
                for id, parts in sorted(splitting.items())[:SAMPLES]
            ),
        )

    def _shown(self, keys: Iterable[str]) -> tuple[str, ...]:
        shown = sorted(keys)[:20]
        return tuple(mask(key) for key in shown) if self._masked else tuple(shown)


class RulesPreviews:
    """The previews of this process. `now` tells the rules in force, `parse` reads the text of others."""

    def __init__(self, store: PreviewStore, ids: Ids, now: Callable[[], Rules], parse: Callable[[str], Rules]) -> None:
        self._store, self._ids, self._now, self._parse = store, ids, now, parse
        self._previews: dict[str, Preview] = {}

    def begin(self, text: str, masked: bool = True) -> Preview:
        """Begin to find out what other rules would change; nothing is written."""
        if len(self._previews) >= MOST_PREVIEWS:
            done = [id for id, one in self._previews.items() if not one.running]
            if not done:
                raise Overloaded("too many previews are running; cancel one")
            del self._previews[done[0]]
        preview = Preview(self._store, self._ids.mark(), self._now(), self._parse(text), masked)
        self._previews[preview.id] = preview
        preview.start()
        return preview

    def get(self, id: str) -> Preview | None:
        """A preview that was begun in this process."""
        return self._previews.get(id)

    def close(self) -> None:
        """Stop all."""
        for preview in self._previews.values():
            preview.cancel()


def mask(key: str) -> str:
    """A key of which two characters of the value remain: enough to tell two apart, too few to know whose it is."""
    namespace, value = Identifier.from_key(key)
    return f"{namespace}={value[:2]}…" if len(value) > 4 else f"{namespace}=…"


def _key(rules: Rules, namespace: str, raw: str) -> str | None:
    if namespace not in rules.by_name:
        return None
    value = rules.clean(namespace, raw)
    return None if isinstance(value, Dropped) else Identifier(namespace, value).key
