"""Restrict customers and lift restrictions, each in one transaction."""

from collections.abc import Callable, Generator
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from graph.commands.commit import idempotency_conflict
from graph.commands.write_gate import WriteGate
from graph.domain.access.decisions import MAX_ACTOR_LENGTH, MAX_REASON_LENGTH
from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind
from graph.domain.model.errors import InvalidInput
from graph.domain.model.idempotency import IdempotencyKey
from graph.domain.model.restrictions import Restriction
from graph.domain.model.rules import Rules
from graph.domain.model.segments import DUE_FIRST
from graph.domain.model.store_values import CustomerKeys, Neighborhood, Region, Writes
from graph.domain.model.validation import check_text
from graph.domain.privacy.erasure_plan import kept_identifiers
from graph.domain.profile.pages import CustomerRef, Page
from graph.ports import (
    Clock,
    Ids,
    ReadCustomerKeys,
    ReadNeighborhood,
    ReadRegion,
    ReadRestrictions,
    Request,
    RestrictionStore,
    Write,
    WriteStore,
)


class RestrictingStore(WriteStore, RestrictionStore, Protocol):
    """Writes and restrictions."""


class RestrictionResult(Struct, frozen=True, gc=False):
    """A restriction; `created` is true if this request set it."""

    restriction: Restriction
    created: bool


class RestrictionControl:
    """Sets, lifts and reads restrictions. `on_stored` is called after one was set or lifted."""

    def __init__(
        self,
        store: RestrictingStore,
        clock: Clock,
        ids: Ids,
        gate: WriteGate,
        rules: Callable[[], Rules],
        on_stored: Callable[[], None],
    ) -> None:
        self._store, self._clock, self._ids, self._gate = store, clock, ids, gate
        self._rules, self._on_stored = rules, on_stored

    async def restrictions(
        self, customer: str | None, in_effect: bool, after: tuple[int, str] | None, first: int
    ) -> Page[Restriction]:
        """Return a page of restrictions in the order in which they were set; see `RestrictionStore.restrictions`."""
        found = await self._store.restrictions(customer, in_effect, after, first + 1)
        return Page(found[:first], len(found) > first)

    async def restrict(
        self, ref: CustomerRef, actor: str, reason: str, request: IdempotencyKey | None = None
    ) -> RestrictionResult:
        """Restrict all identifiers that a customer holds, except those that are known to be of several people.

        If a restriction in effect is on all of them, that one is returned; and for a repeated `request`, the one that
        it set. Raises `InvalidInput` if the customer does not exist, if all of its identifiers are of several people,
        and for a `reason` that is missing.
        """
        self._gate.check()
        _check_texts(actor, reason)
        draft = Restriction(self._ids.restriction(), "", (), actor, reason, self._clock.now(), request)
        result = await self._store.write(lambda: _restrict(ref, draft, self._rules()))
        self._on_stored()
        return result

    async def lift(self, id: str, actor: str, reason: str) -> Restriction:
        """Lift a restriction; one that was lifted already is returned as it is.

        Raises `InvalidInput` if it does not exist, and for a `reason` that is missing.
        """
        self._gate.check()
        _check_texts(actor, reason)
        now = self._clock.now()
        restriction = await self._store.write(lambda: _lift(id, actor, reason, now))
        self._on_stored()
        return restriction


def _check_texts(actor: str, reason: str) -> None:
    for name, text, max_length in (("actor", actor, MAX_ACTOR_LENGTH), ("reason", reason.strip(), MAX_REASON_LENGTH)):
        if (text or name == "reason") and (problem := check_text(name, text, max_length)):
            raise InvalidInput(problem.code, problem.message, problem.path)


def _restrict(ref: CustomerRef, draft: Restriction, rules: Rules) -> Generator[Request, Any, RestrictionResult]:
    held: CustomerKeys = yield ReadCustomerKeys(ref)
    if (request := draft.request) is not None:
        earlier: list[Restriction] = yield ReadRestrictions(requests=[request.key])
        for restriction in earlier:
            if restriction.request != request:
                problem = idempotency_conflict(request)
                raise InvalidInput(problem.code, problem.message, problem.path)
            return RestrictionResult(restriction, created=False)
    customer = held.customer
    if customer is None:
        raise InvalidInput("CUSTOMER_NOT_FOUND", "no customer is stored under this id or identifier", ("by",))
    region: Region = yield ReadRegion(frozenset(held.keys), frozenset())
    # As in an erasure: the tablet of a family is not one person's.
    of_several = {kept.key for kept in kept_identifiers(held.keys, region, rules)}
    keys = tuple(sorted(key for key in held.keys if key not in of_several))
    if not keys:
        message = "by: all identifiers of the customer are shared, blocked or used by others: it is not one person"
        raise InvalidInput("NOTHING_TO_RESTRICT", message, ("by",))
    stored: list[Restriction] = yield ReadRestrictions(keys=keys)
    for restriction in stored:
        if set(restriction.keys).issuperset(keys):
            return RestrictionResult(restriction, created=False)
    restriction = replace(draft, customer=customer.id, keys=keys)
    cause = Cause(CauseType.RESTRICTION, id=restriction.id, actor=restriction.actor)
    change = Change(ChangeKind.RESTRICTED, restriction.at, cause, customer.id, reason=restriction.reason)
    # With another version, its segments are due, and views and evaluations that were read before are outdated.
    changed = replace(customer, version=customer.version + 1)
    due = {customer.id: DUE_FIRST}
    yield Write(Writes(customers=[changed], changes=[change], segmentation_due=due, restrictions=[restriction]))
    return RestrictionResult(restriction, created=True)


def _lift(id: str, actor: str, reason: str, now: int) -> Generator[Request, Any, Restriction]:
    found: list[Restriction] = yield ReadRestrictions(ids=[id])
    if not found:
        raise InvalidInput("RESTRICTION_NOT_FOUND", f"restriction {id[:60]!r} does not exist", ("id",))
    (restriction,) = found
    if not restriction.in_effect:
        return restriction
    neighborhood: Neighborhood = yield ReadNeighborhood(keys=sorted(restriction.keys))
    lifted = replace(restriction, keys=(), lifted_at=now, lifted_by=actor)
    writes = Writes(restrictions=[lifted])
    cause = Cause(CauseType.RESTRICTION, id=id, actor=actor)
    for customer in sorted(neighborhood.customers.values(), key=lambda customer: customer.id):
        writes.customers.append(replace(customer, version=customer.version + 1))
        writes.segmentation_due[customer.id] = DUE_FIRST
        writes.changes.append(Change(ChangeKind.RESTRICTION_LIFTED, now, cause, customer.id, reason=reason))
    yield Write(writes)
    return lifted
