"""Repairs what a verification found, as far as it follows from observations and overrides.

Each write reads again what it replaces, and leaves it if it has changed since it was verified. Identifiers and links
are written as they were computed; which identifiers form a customer is resolved by the same code as with new rules, so
that the history records what moves.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from graph.commands.reprocess import reprocess, reprocess_override
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link
from graph.domain.model.overrides import Override
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.segments import Membership
from graph.domain.model.store_values import Neighborhood, Region, ReprocessingProgress, Writes
from graph.domain.model.stored_records import StoredCustomer, StoredIdentifier
from graph.ports import Clock, Ids, ReadNeighborhood, ReadRegion, Request, T, Write, WriteStore
from graph.verification.scratch import (
    Scratch,
    decode_customer,
    decode_identifier,
    decode_link,
    decode_statement,
)
from graph.verification.verify import Verification, VerifiedStore

BATCH_SIZE = 100
"""Identifiers, links or observations of one transaction."""
_decode_place = msgspec.msgpack.Decoder(tuple[str, ...]).decode


class RepairedStore(VerifiedStore, WriteStore, Protocol):
    """What is written."""


class Repairs:
    """Carries out the repairs that a verification has left in the temporary database."""

    def __init__(
        self, store: RepairedStore, scratch: Scratch, verification: Verification, clock: Clock, ids: Ids
    ) -> None:
        if verification.rules is None:
            raise ValueError("nothing was compared")
        self._store, self._db, self._clock, self._ids = store, scratch.db, clock, ids
        self._rules = verification.rules
        self._version, self._overrides = verification.rules_version, verification.overrides

    async def run(self) -> None:
        """Repair from the ground up. If observations were damaged, the rest was computed from damaged ones, so nothing
        else is repaired: verify again after that."""
        await self._store.repair_storage()
        for batch in _batches(self._repairs("index")):
            keys = [(source, id) for (source, id), _, _ in batch]
            await self._store.write(lambda keys=keys: _rewrite_observations(keys))  # type: ignore[misc]
        damaged = [(source, id) for (source, id), _, _ in self._repairs("observation")]
        if damaged:
            await self._reprocess(damaged)
        else:
            await self._repair_derived()

    async def _repair_derived(self) -> None:
        """Repair what is derived from observations: what is resolved again relies on what was repaired before."""
        for batch in _batches(self._repairs("identifier")):
            identifiers = [
                (None if found is None else decode_identifier(found), decode_identifier(expected))
                for _, found, expected in batch
            ]
            await self._store.write(lambda identifiers=identifiers: _rewrite_identifiers(identifiers))  # type: ignore[misc]
        for batch in _batches(self._repairs("words")):
            await self._store.rewrite_words([key for (key,), _, _ in batch])
        for batch in _batches(self._repairs("link")):
            links = [
                ((a, b), None if found is None else decode_link(found), expected and decode_link(expected))
                for (a, b), found, expected in batch
            ]
            await self._store.write(lambda links=links: _rewrite_links(links))  # type: ignore[misc]
        await self._reprocess(self._observations_of_misplaced())
        misplaced = {key for (key,), _, _ in self._repairs("membership")}
        for override in self._overrides:
            if not misplaced.isdisjoint(override.keys):
                await self._resolve_again(override)
        for (_,), found, expected in self._repairs("customer"):
            before, after = decode_customer(found), decode_customer(expected)
            await self._store.write(
                lambda before=before, after=after: _rewrite_customer(before, after, self._clock.now())  # type: ignore[misc]
            )
        for (segment, customer), _, _ in self._repairs("segment"):
            membership = Membership(segment, customer, None)
            await self._store.write(lambda membership=membership: _remove_membership(membership))  # type: ignore[misc]

    def _repairs(self, part: str) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
        """Yield where something is repaired, what was found there, and what is expected."""
        rows = self._db.execute("SELECT place, found, expected FROM repairs WHERE part = ?", (part,)).fetchall()
        return ((_decode_place(place), found, expected) for place, found, expected in rows)

    def _observations_of_misplaced(self) -> Iterator[ObservationKey]:
        """Yield the observations that name identifiers which belong to other customers."""
        for (key,), _, _ in self._repairs("membership"):
            for (record,) in self._db.execute(
                "SELECT s.record FROM mentions m JOIN statements s ON s.n = m.n WHERE m.key = ?", (key,)
            ).fetchall():
                statement = decode_statement(record)
                yield statement.source, statement.id

    async def _resolve_again(self, override: Override) -> None:
        """Resolve the identifiers of an override: no observation need name them."""
        await self._store.write(lambda: reprocess_override(override, None, self._rules, self._clock.now(), self._ids))

    async def _reprocess(self, observations: Iterable[ObservationKey]) -> None:
        """Reprocess observations under the rules in effect."""
        progress = ReprocessingProgress(self._version, None)
        for batch in _batches(iter(dict.fromkeys(observations))):
            await self._store.write(
                lambda batch=batch: reprocess(  # type: ignore[misc]
                    batch, self._rules, self._rules, self._clock.now(), self._ids, progress
                )
            )


def _batches(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(items, BATCH_SIZE)):
        yield batch


_Repair = Generator[Request, Any, None]


def _rewrite_observations(keys: Sequence[ObservationKey]) -> _Repair:
    """Write observations again as they are stored, and with them what they are found by."""
    neighborhood: Neighborhood = yield ReadNeighborhood(receipts=keys)
    named = sorted({key for receipt in neighborhood.receipts.values() for key in receipt.keys})
    yield ReadNeighborhood(keys=named)
    yield Write(Writes(receipts=list(neighborhood.receipts.values())))


def _rewrite_identifiers(identifiers: Sequence[tuple[StoredIdentifier | None, StoredIdentifier]]) -> _Repair:
    neighborhood: Neighborhood = yield ReadNeighborhood(keys=sorted(expected.key for _, expected in identifiers))
    writes = Writes()
    for found, expected in identifiers:
        stored = neighborhood.members.get(expected.key)
        now = None if stored is None else StoredIdentifier.of(stored, "" if found is None else found.customer)
        if now == found:
            member = expected.member()
            writes.members[expected.key] = member
            if stored is not None or member.order is not None:
                writes.orders[expected.key] = member.order
    yield Write(writes)


def _rewrite_links(links: Sequence[tuple[Pair, Link | None, Link | None]]) -> _Repair:
    pairs = [pair for pair, _, _ in links]
    keys = sorted({key for pair in pairs for key in pair})
    neighborhood: Neighborhood = yield ReadNeighborhood(keys=keys, pairs=pairs)
    writes = Writes()
    for pair, found, expected in links:
        if neighborhood.links.get(pair) != found or not neighborhood.members.keys() >= set(pair):
            continue
        if expected is None:
            writes.removed_links.append(pair)
        else:
            writes.links[pair] = expected
    yield Write(writes)


def _rewrite_customer(found: StoredCustomer, expected: StoredCustomer, now: int) -> _Repair:
    """Write the counts, totals, anchor and redirect of a customer, which is retired if it holds no identifiers."""
    retired_at = None if expected.counts else found.retired_at or now
    region: Region = yield ReadRegion(frozenset({found.anchor.key, expected.anchor.key}), frozenset())
    for customer in region.customers.values():
        if StoredCustomer.of(customer, found.due_at) == found:
            repaired = replace(expected.customer(customer.node), version=customer.version + 1, retired_at=retired_at)
            yield Write(Writes(customers=[repaired]))


def _remove_membership(membership: Membership) -> _Repair:
    yield ReadNeighborhood()
    yield Write(Writes(memberships=[membership]))
