"""Erasure and suppression: plans, confirmed plans, and what has to be erased again after a restore."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import reduce
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from graph.commands.erase import CLEANING_KEY, ErasureRequest, Planned, erase
from graph.commands.group_commit import GroupCommit
from graph.commands.history_cleaning import CleanedStore, clean_history
from graph.commands.retries import with_retries
from graph.commands.write_gate import WriteGate
from graph.domain.access.decisions import MAX_ACTOR_LENGTH
from graph.domain.model.erasures import Erasure, HeldOrder
from graph.domain.model.errors import InvalidInput, KithError, RulesChanged
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Neighborhood, Writes
from graph.domain.model.times import iso
from graph.domain.model.tombstones import Tombstone, TombstoneKeys, combined
from graph.domain.model.validation import check_text
from graph.domain.privacy.erasure_plan import ErasurePlan, OrderHold
from graph.domain.profile.pages import Page
from graph.domain.resolution.erased import TombstoneRules, digest_keys
from graph.ports import (
    Clock,
    ErasureSafeguards,
    ErasureStore,
    Ids,
    ReadErasures,
    ReadNeighborhood,
    RulesStore,
    T,
    Work,
    Write,
)

log = logging.getLogger("kith.erasure")

MAX_RELOADS = 5
MAX_GROUND_LENGTH = 200
"""Characters of the ground on which orders are kept."""
PAGE_SIZE = 5_000
"""Identifiers that are compared with tombstones at once."""


class ErasingStore(CleanedStore, ErasureStore, RulesStore, Protocol):
    """Writes, erasures, rules and the history."""


class NoSafeguards:
    """Of a graph that was set up without keys: nothing is erased."""

    def keys(self) -> TombstoneKeys:
        """Return no keys."""
        return TombstoneKeys()

    def check_available(self) -> None:
        """Raise `InvalidInput`."""
        raise InvalidInput("FEATURE_DISABLED", "this service has no keys for erasure: see KITH_ERASURE_KEYS")

    def receipt(self, erasure: Erasure) -> str:
        """Raise `InvalidInput`."""
        self.check_available()
        return ""

    async def carry_out(self, content: bytes, commit: Callable[[], Awaitable[T]]) -> T:
        """Raise `InvalidInput`."""
        self.check_available()
        return await commit()


NO_SAFEGUARDS = NoSafeguards()


class _AlreadyErased(KithError):
    """The same request was carried out since this one was planned."""

    def __init__(self, planned: Planned) -> None:
        super().__init__("the request was carried out before")
        self.planned = planned


class LedgerContent(Struct, frozen=True):
    """What is kept outside the store of an erasure, so that it can be erased again: it holds no value of a person.

    `lifted` is the hash of an identifier whose suppression was lifted at a time.
    """

    erasure: Erasure | None = None
    tombstones: tuple[Tombstone, ...] = ()
    lifted: tuple[str, ...] = ()
    lifted_at: int = 0


class ErasureControl:
    """Plans and carries out erasures. `safeguards` hold the keys and the ledger, which are outside the store.

    `on_erased` is called after each erasure: caches may hold what was erased. `remove_refused` deletes the refused
    records that name somebody who was erased.
    """

    def __init__(
        self,
        store: ErasingStore,
        writer: GroupCommit,
        clock: Clock,
        ids: Ids,
        gate: WriteGate,
        safeguards: ErasureSafeguards,
        parse: Callable[[str], Rules] | None,
        on_erased: Callable[[], None],
        remove_refused: Callable[[], Awaitable[object]],
    ) -> None:
        self._store, self._writer, self._clock, self._ids, self._gate = store, writer, clock, ids, gate
        self._safeguards, self._parse, self._on_erased = safeguards, parse, on_erased
        self._remove_refused = remove_refused
        self._former: tuple[Rules, ...] = ()
        self._cleaning: asyncio.Task[None] | None = None
        self._woken = False

    async def open(self) -> None:
        """Get ready, and clean up what a process that ended has left."""
        await self.refresh()
        if await self._store.get_value(CLEANING_KEY):
            self._clean_up()

    def tombstone_rules(self) -> TombstoneRules:
        """Return what finds the tombstones of the store now: keys may be rotated at any time."""
        return TombstoneRules(self._safeguards.keys(), self._former)

    async def refresh(self) -> None:
        """Read the rules of earlier versions that tombstones were made under."""
        current = self._writer.rules.version
        versions = {rules for _, rules in await self._store.tombstone_versions() if rules not in (0, current)}
        parse = self._parse
        if parse is not None:
            texts = [stored.text for stored in await self._store.rules_of(sorted(versions))]
            self._former = tuple(parse(text) for text in texts)

    # --- erasing

    async def plan(self, request: ErasureRequest) -> ErasurePlan:
        """Return what an erasure would do; raises `InvalidInput` if there is nobody to erase."""
        self._check_hold(request.hold)
        return (await self._run(replace(request, plan_hash=""))).plan

    def _check_hold(self, hold: OrderHold | None) -> None:
        """Raise `InvalidInput` for a hold that has ended already, or that has no ground."""
        if hold is None:
            return
        if hold.until <= (now := self._clock.now()):
            message = f"until {iso(hold.until)} is over: it is {iso(now)} now"
            raise InvalidInput("INVALID_VALUE", message, ("keepOrders", "until"))
        if problem := check_text("ground", hold.ground, MAX_GROUND_LENGTH):
            raise InvalidInput(problem.code, problem.message, ("keepOrders", "ground"))

    async def erase(self, request: ErasureRequest) -> Planned:
        """Carry out a plan that the request confirms by its hash; the same request again returns the first result.

        Raises `InvalidInput` if the plan has changed since it was made, if the request id confirmed another plan, or if
        erasure is not available.
        """
        self._gate.check()
        _check(request)
        planned = await self._run(replace(request, plan_hash=""))
        if planned.repeated:
            return _repeated(planned, request)
        draft = planned.draft
        if draft is None:
            raise InvalidInput("NOTHING_TO_ERASE", "there is nothing to erase", ("by",))
        # The reason is a free text, which may name the person.
        content = msgspec.json.encode(LedgerContent(replace(draft, reason=""), planned.tombstones))
        confirmed = replace(request, erasure=draft)

        async def commit() -> Planned:
            result = await self._run(confirmed)
            if result.repeated:
                # The ledger must not keep a record that the store does not have.
                raise _AlreadyErased(result)
            return result

        try:
            result = await self._safeguards.carry_out(content, commit)
        except _AlreadyErased as error:
            return _repeated(error.planned, request)
        self._after_erasing()
        return result

    def _after_erasing(self) -> None:
        self._on_erased()
        self._clean_up()

    def _clean_up(self) -> None:
        """Remove traces in the background: names at others in the history, refused records, what files still hold."""
        self._woken = True
        if self._cleaning is None or self._cleaning.done():
            self._cleaning = asyncio.create_task(self._clean())

    async def _clean(self) -> None:
        while self._woken:
            self._woken = False
            try:
                pending = await self._store.get_value(CLEANING_KEY)
                await clean_history(self._store)
                await self._remove_refused()
                await with_retries(self._store.remove_traces)
                if pending:
                    await self._store.replace_value(CLEANING_KEY, "", pending)
            except KithError as error:
                # The next erasure, or the next start of a process, does it.
                log.warning("traces of an erasure could not be removed: %s", error.code)

    async def cleaned(self) -> None:
        """Wait until this process has removed all traces."""
        if self._cleaning is not None:
            await self._cleaning

    def close(self) -> None:
        """Stop cleaning up; the next process that opens the store goes on."""
        if self._cleaning is not None:
            self._cleaning.cancel()

    async def apply_again(self, contents: Sequence[bytes]) -> None:
        """Erase what a restored store has lost of the ledger: the identifiers that tombstones of it match."""
        for content in contents:
            entry = msgspec.json.decode(content, type=LedgerContent)
            if entry.erasure is not None:
                await self._erase_again(entry.erasure, entry.tombstones)
            else:
                await self._store.write(lambda entry=entry: lift(entry.lifted, entry.lifted_at))  # type: ignore[misc]
        # Before the store is served again, nothing may name the person.
        await self.cleaned()

    async def _erase_again(self, erasure: Erasure, tombstones: Sequence[Tombstone]) -> None:
        keys = tuple(await self._keys_of({tombstone.hash for tombstone in tombstones}))
        until = erasure.orders_until
        # Orders whose hold has ended meanwhile are removed with the next run of retention.
        hold = None if until is None else OrderHold(until, erasure.orders_ground)
        await self._run(
            ErasureRequest(None, keys, erasure.mode, hold=hold, erasure=erasure, tombstones=tuple(tombstones))
        )
        self._after_erasing()

    async def _keys_of(self, hashes: set[str]) -> list[str]:
        """Return the stored identifiers with some hashes."""
        rules, found, after = self.tombstone_rules(), [], ""
        while page := await self._store.identifier_keys(after, PAGE_SIZE):
            found += [key for key in page if not hashes.isdisjoint(rules.hashes_of_key(key))]
            after = page[-1]
        return found

    async def _run(self, request: ErasureRequest) -> Planned:
        for _ in range(MAX_RELOADS):
            rules, now = self._writer.rules, self._clock.now()
            if rules.intake_rules != rules.resolution_rules:
                message = "new rules are being applied to what is stored: erase once that is complete"
                raise RulesChanged(message)
            found = self.tombstone_rules()
            if not found.keys:
                self._safeguards.check_available()
                # Keys may have been made at this first use.
                found = self.tombstone_rules()
            try:
                return await self._store.write(
                    lambda rules=rules, now=now, found=found: erase(  # type: ignore[misc]
                        request, rules.resolution_rules, rules.version, found, now, self._ids
                    )
                )
            except RulesChanged:
                await self._writer.reload()
                await self.refresh()
        raise RulesChanged("the rules keep changing; retry in a moment")

    # --- records

    async def get(self, id: str) -> Erasure | None:
        """Return an erasure by its id or that of its request."""
        return await self._store.erasure(id)

    async def page(self, after: tuple[int, str] | None, first: int) -> Page[Erasure]:
        """Return erasures, oldest first."""
        erasures = await self._store.erasures(after, first + 1)
        return Page(erasures[:first], len(erasures) > first)

    async def of_customer(self, id: str) -> Erasure | None:
        """Return the erasure of the customer with an id."""
        return await self._store.erasure_of_customer(id)

    async def held_orders(self, after: str, first: int) -> Page[HeldOrder]:
        """Return the orders that are kept without a person."""
        orders = await self._store.held_orders(after, first + 1)
        return Page(orders[:first], len(orders) > first)

    def receipt(self, erasure: Erasure) -> str:
        """Return the signed receipt of an erasure; raises `InvalidInput` if there are no keys."""
        return self._safeguards.receipt(erasure)

    async def acknowledge(self, id: str, service: str) -> Erasure:
        """Record that a service has erased its copies; raises `InvalidInput` if the erasure does not exist."""
        self._gate.check()
        if problem := check_text("service", service, MAX_ACTOR_LENGTH):
            raise InvalidInput(problem.code, problem.message, problem.path)
        now = self._clock.now()
        return await self._store.write(lambda: _acknowledge(id, service, now))

    async def suppression_of(self, key: str) -> Tombstone | None:
        """Return the tombstone of an identifier; several ones, under several secrets, count as one."""
        found = await self._store.tombstones(self.tombstone_rules().hashes_of_key(key))
        return reduce(combined, found) if found else None

    async def lift(self, key: str) -> Tombstone:
        """Let an identifier and its digests be stored again, by what is seen from now on.

        Raises `InvalidInput` if it may be stored already.
        """
        self._gate.check()
        current = await self.suppression_of(key)
        if current is None or current.lifted_at is not None:
            raise InvalidInput("NOT_SUPPRESSED", "the identifier is neither erased nor suppressed", ("identifier",))
        now = self._clock.now()
        found = self.tombstone_rules()
        lifted = {key, *digest_keys([key], self._writer.rules.resolution_rules)}
        hashes = tuple(hash for name in sorted(lifted) for hash in found.hashes_of_key(name))
        content = msgspec.json.encode(LedgerContent(lifted=hashes, lifted_at=now))
        await self._safeguards.carry_out(content, lambda: self._store.write(lambda: lift(hashes, now)))
        return current.lifted(now)

    async def end_holds(self) -> int:
        """Remove the orders whose hold has ended, and return how many."""
        now, after, ended = self._clock.now(), "", []
        while page := await self._store.held_orders(after, PAGE_SIZE):
            ended += [order.hash for order in page if order.until <= now]
            after = page[-1].hash
        if ended:
            await self._store.write(lambda: _end_holds(ended))
            self._after_erasing()
        return len(ended)


def _check(request: ErasureRequest) -> None:
    for name, text, most in (
        ("requestId", request.request_id, 200),
        ("actor", request.actor, MAX_ACTOR_LENGTH),
        ("reason", request.reason, 1000),
    ):
        if (text or name == "requestId") and (problem := check_text(name, text, most)):
            raise InvalidInput(problem.code, problem.message, problem.path)


def _repeated(planned: Planned, request: ErasureRequest) -> Planned:
    """Return the first result of a request; raises `InvalidInput` if that confirmed another plan.

    Otherwise a request id that is used for a second person would answer that this one was erased.
    """
    if planned.erasure is None or planned.erasure.plan_hash != request.plan_hash:
        message = f"requestId {request.request_id!r} was already used to confirm another plan"
        raise InvalidInput("ID_CONFLICT", message, ("requestId",))
    return planned


def _acknowledge(id: str, service: str, now: int) -> Work[Erasure]:
    found: list[Erasure] = yield ReadErasures([id])
    if not found:
        raise InvalidInput("ERASURE_NOT_FOUND", f"erasure {id[:60]!r} does not exist", ("erasureId",))
    (erasure,) = found
    after = erasure.acknowledged(service, now)
    if after != erasure:
        yield Write(Writes(erasures=[after]))
    return after


def lift(hashes: Sequence[str], at: int) -> Work[None]:
    """Lift the suppression of identifiers with some hashes at a time (microseconds)."""
    neighborhood: Neighborhood = yield ReadNeighborhood(tombstones=hashes)
    lifted = [tombstone.lifted(at) for tombstone in neighborhood.tombstones.values() if tombstone.lifted_at is None]
    if lifted:
        yield Write(Writes(tombstones=lifted))


def _end_holds(hashes: Sequence[str]) -> Work[None]:
    yield Write(Writes(ended_holds=list(hashes), values={CLEANING_KEY: hashes[0]}))
