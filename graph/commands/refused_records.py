"""Keeps the records that were refused, for those who look after sources, and forgets them in time."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Protocol

from msgspec import structs

from graph.commands.batch import check_count
from graph.commands.retries import with_retries
from graph.commands.write_gate import WriteGate
from graph.domain.model.dates import DAY
from graph.domain.model.refused_records import (
    DEFAULT_REFUSED_DAYS,
    Position,
    RefusedCount,
    RefusedFilter,
    RefusedRecord,
    each_once,
)
from graph.domain.model.rules import Rules
from graph.domain.privacy.named_in_text import keys_in_text, keys_of_word, words_of
from graph.domain.profile.pages import Page
from graph.domain.resolution.erased import TombstoneRules
from graph.ports import Clock, CustomerStore, ErasureStore, RefusedRecordStore
from graph.runtime.scheduling import map_cooperatively

MOST_OF_SOURCE = 10_000
"""Refused records of one source that are kept: the newest."""
PAGE_SIZE = 500
"""Records that are read, compared or deleted at a time."""
AT_ONCE = 5_000
"""Hashes or identifiers that are looked up at a time."""
EXPIRY_SECONDS = 3_600
NO_FILTER = RefusedFilter()


class RefusingStore(RefusedRecordStore, ErasureStore, CustomerStore, Protocol):
    """Refused records, tombstones, and customers."""


class RefusedRecordControl:
    """Keeps and shows refused records; nothing is kept if `days` is 0.

    `rules` and `tombstone_rules` are those of now: a record that names an identifier which was erased is not kept.
    """

    def __init__(
        self,
        store: RefusingStore,
        clock: Clock,
        gate: WriteGate,
        rules: Callable[[], Rules],
        tombstone_rules: Callable[[], TombstoneRules],
        days: int = DEFAULT_REFUSED_DAYS,
        most: int = MOST_OF_SOURCE,
    ) -> None:
        self._store, self._clock, self._gate = store, clock, gate
        self._rules, self._tombstone_rules = rules, tombstone_rules
        self._days, self._most = days, most
        self._waiting: list[RefusedRecord] = []
        self._next: asyncio.Task[None] | None = None
        """The task that stores what is waiting; it has not begun."""
        self._storing = asyncio.Lock()
        self.deliveries: Counter[tuple[str, str]] = Counter()
        """How many deliveries this process refused, by source and code, kept or not."""
        self.displaced = 0
        """How many records went before their time, because their source had newer ones."""

    # --- keeping

    async def keep(self, records: Sequence[RefusedRecord]) -> None:
        """Count records that were refused, and return when they are stored.

        Records of several callers that wait share a transaction. Raises `TemporaryFailure` if they cannot be stored
        now: then the source has to send them again.
        """
        self._gate.check()
        if self._days and records:
            self._waiting.extend(records)
            if self._next is None:
                self._next = asyncio.create_task(self._store_waiting())
                # Callers that were canceled do not ask for its error.
                self._next.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.shield(self._next)
        self.deliveries.update((record.source, record.code) for record in records)

    async def _store_waiting(self) -> None:
        async with self._storing:
            records, self._waiting, self._next = each_once(self._waiting), [], None
            for start in range(0, len(records), PAGE_SIZE):
                await self._save(records[start : start + PAGE_SIZE])

    async def _save(self, records: Sequence[RefusedRecord]) -> None:
        erased = await self._naming_erased(records)
        kept = [record for record in records if record.id not in erased]
        if kept:
            self.displaced += await self._store.save_refused_records(kept, self._most)
            # Who was erased meanwhile may have been looked for before these were stored.
            if erased := await self._naming_erased(kept):
                await self._store.delete_refused_records(sorted(erased))

    async def replace(self, old: RefusedRecord, new: RefusedRecord | None) -> None:
        """Keep a record as it was refused when it was taken in again, or `None` of it; this counts as no delivery."""
        self._gate.check()
        if new is not None:
            await self._save([structs.replace(new, count=0) if new.id == old.id else new])
        if new is None or new.id != old.id:
            await self._store.delete_refused_records([old.id])

    async def _naming_erased(self, records: Sequence[RefusedRecord]) -> set[str]:
        """Return the ids of the records that name an identifier which must not be stored."""
        tombstone_rules, rules = self._tombstone_rules(), self._rules()
        if not records or not tombstone_rules.keys or not await self._store.all_tombstones("", 1):
            return set()

        # Records of a source have most of their words in common.
        known: dict[tuple[str, str], tuple[str, ...]] = {}

        def hashes_of_word(source: str, word: str) -> tuple[str, ...]:
            if (source, word) not in known:
                hashes = tombstone_rules.hashes_of_named(keys_of_word(word, rules, source), source)
                known[source, word] = tuple(chain.from_iterable(hashes.values()))
            return known[source, word]

        def hashes_of(record: RefusedRecord) -> set[str]:
            return {hash for word in words_of(_text_of(record)) for hash in hashes_of_word(record.source, word)}

        hashes = await map_cooperatively(records, hashes_of)
        found: set[str] = set()
        looked_up = sorted(set().union(*hashes))
        for start in range(0, len(looked_up), AT_ONCE):
            tombstones = await self._store.tombstones(looked_up[start : start + AT_ONCE])
            found.update(tombstone.hash for tombstone in tombstones if tombstone.lifted_at is None)
        if found:
            # Looking for them has put them into caches again.
            for version in (rules, *tombstone_rules.former):
                version.forget_values()
        return {record.id for record, named in zip(records, hashes, strict=True) if not found.isdisjoint(named)}

    # --- showing

    async def page(
        self, filter: RefusedFilter, after: Position | None, first: int, with_content: bool = True
    ) -> Page[RefusedRecord]:
        """Return refused records, those that were delivered last first."""
        found = await self._store.refused_records(filter, after, first + 1, with_content)
        return Page(found[:first], len(found) > first)

    async def get(self, ids: Sequence[str]) -> list[RefusedRecord]:
        """Return the refused records with some ids, by id; unknown ids are left out."""
        return await self._store.refused_records_with(list(dict.fromkeys(ids)))

    async def customers_named(self, records: Sequence[RefusedRecord]) -> list[dict[str, str]]:
        """Return for each record the stored identifiers that it names, with the ids of their customers."""
        rules = self._rules()
        named = await map_cooperatively(records, lambda record: _named_by(record, rules))
        keys = sorted({key for keys in named for key in keys})
        customers: dict[str, str] = {}
        for start in range(0, len(keys), AT_ONCE):
            part = keys[start : start + AT_ONCE]
            customers.update(zip(part, await self._store.customer_ids_of(part), strict=True))
        return [{key: customers[key] for key in keys if customers[key]} for keys in named]

    async def counts(self) -> list[RefusedCount]:
        """Return how many refused records are kept, by source and code."""
        return await self._store.refused_counts()

    # --- forgetting

    async def delete(self, ids: Sequence[str]) -> int:
        """Delete 1 to 1,000 refused records by id, and return how many were kept; raises `InvalidInput`."""
        check_count("ids", ids)
        self._gate.check()
        return await self._store.delete_refused_records(list(dict.fromkeys(ids)))

    async def delete_all(self, filter: RefusedFilter) -> int:
        """Delete all refused records that meet a filter, and return how many there were."""
        self._gate.check()
        deleted = 0
        while page := await self._store.refused_records(filter, None, PAGE_SIZE, with_content=False):
            deleted += await self._store.delete_refused_records([record.id for record in page])
        return deleted

    async def remove_expired(self) -> int:
        """Delete what was kept for its time, and return how many records that were."""
        before, deleted = self._clock.now() - self._days * DAY, 0
        while removed := await self._store.delete_old_refused_records(before, PAGE_SIZE):
            deleted += removed
        return deleted

    async def run_periodically(self) -> None:
        """Delete what was kept for its time, once an hour; never ends."""
        while True:
            await with_retries(self.remove_expired)
            await asyncio.sleep(EXPIRY_SECONDS)

    async def remove_erased(self) -> None:
        """Delete all records that name an identifier which must not be stored; part of an erasure."""
        after: Position | None = None
        while True:
            after = await with_retries(partial(self._remove_erased, after))
            if after is None:
                return

    async def _remove_erased(self, after: Position | None) -> Position | None:
        """Delete what names an erased identifier on the page behind a position; return the last position on it."""
        page = await self._store.refused_records(NO_FILTER, after, PAGE_SIZE)
        if erased := await self._naming_erased(page):
            await self._store.delete_refused_records(sorted(erased))
        return page[-1].position if page else None

    async def close(self) -> None:
        """Finish storing what callers wait for."""
        async with self._storing:
            pass


def _named_by(record: RefusedRecord, rules: Rules) -> dict[str, tuple[str, str]]:
    """Return the identifiers that a record may name, as namespaces and values, by key."""
    return keys_in_text(_text_of(record), rules, record.source)


def _text_of(record: RefusedRecord) -> str:
    """Return all texts of a record that may name somebody."""
    return "\n".join((record.content, record.beside, record.record_id, record.message, *map(str, record.path)))
