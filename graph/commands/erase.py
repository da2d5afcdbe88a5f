"""The write that erases a person: plans it and, once the plan is confirmed, carries it out in the same transaction."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.commands.commit import finish_resolution, read_evidence
from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind, Entry
from graph.domain.model.customers import Customer, Member, Node
from graph.domain.model.erasures import Erasure, HeldOrder
from graph.domain.model.errors import InvalidInput, RulesChanged
from graph.domain.model.identifiers import Identifier, namespace_of
from graph.domain.model.json_text import without_texts
from graph.domain.model.observations import Observation
from graph.domain.model.overrides import Override
from graph.domain.model.receipts import ObservationKey, ObservationStatus, Receipt
from graph.domain.model.restrictions import Restriction
from graph.domain.model.rules import ORDER_NAMESPACE, Rules
from graph.domain.model.segments import Membership, Segment, SegmentState
from graph.domain.model.store_values import CustomerKeys, Neighborhood, Region, Removals, Writes
from graph.domain.model.tombstones import Tombstone, TombstoneMode, combined
from graph.domain.privacy.erased_history import erased_change, erased_entry, involved_customers
from graph.domain.privacy.erasure_plan import ErasurePlan, KeptIdentifier, OrderHold, kept_identifiers, kinds_of
from graph.domain.profile.pages import CustomerRef
from graph.domain.resolution.erased import TombstoneRules, digest_keys, dropped_keys, erased_receipt, named_keys
from graph.domain.resolution.incremental import IncrementalResolution
from graph.domain.resolution.intake import Intake
from graph.domain.segments.rule_parser import rule_text
from graph.ports import (
    Ids,
    ReadCustomerKeys,
    ReadErasures,
    ReadHistory,
    ReadNeighborhood,
    ReadReceipts,
    ReadRegion,
    ReadRestrictions,
    ReadSegments,
    ReadSegmentStates,
    Request,
    Write,
)

CLEANING_KEY = "erasure_cleaning"
"""The name under which a store keeps that traces of an erasure are still to be removed."""
Step = Generator[Request, Any, Any]


class ErasureRequest(Struct, frozen=True):
    """What is to be erased: a customer, or some identifiers whatever they belong to.

    `plan_hash` confirms a plan; without it nothing is written. `erasure` is the record of it, made with the plan. With
    `tombstones` it is applied again, to a store that has lost it, whatever the plan is.
    """

    ref: CustomerRef | None
    keys: tuple[str, ...] = ()
    mode: TombstoneMode = TombstoneMode.ERASED
    request_id: str = ""
    actor: str = ""
    reason: str = ""
    hold: OrderHold | None = None
    plan_hash: str = ""
    erasure: Erasure | None = None
    tombstones: tuple[Tombstone, ...] = ()

    @property
    def is_again(self) -> bool:
        """Whether it is applied again."""
        return bool(self.tombstones)


class Planned(Struct, frozen=True):
    """The plan of an erasure, with the record and the tombstones that it makes.

    `draft` is the record before it is carried out, `erasure` that of one that was; `repeated` if it had been before.
    """

    plan: ErasurePlan
    draft: Erasure | None = None
    erasure: Erasure | None = None
    tombstones: tuple[Tombstone, ...] = ()
    repeated: bool = False


def erase(
    request: ErasureRequest, rules: Rules, version: int, tombstone_rules: TombstoneRules, now: int, ids: Ids
) -> Generator[Request, Any, Planned]:
    """Plan an erasure, and carry it out if the request confirms this plan.

    Raises `InvalidInput` if there is nobody to erase, or if the plan is not the one that was confirmed.
    """
    if request.request_id and not request.is_again:
        earlier: list[Erasure] = yield ReadErasures([request.request_id])
        if earlier:
            return Planned(ErasurePlan(earlier[0].mode), erasure=earlier[0], repeated=True)
    work = _Erasing(request, rules, tombstone_rules, now)
    yield from work.read(version)
    plan = work.plan()
    erasure = request.erasure
    if erasure is None or not (request.plan_hash or request.is_again):
        draft = work.record(plan, ids.erasure())
        return Planned(plan, draft, tombstones=tuple(work.tombstones(draft)))
    if not request.is_again and request.plan_hash != plan.hash:
        message = "the plan has changed since: ask for the plan again, and confirm that"
        raise InvalidInput("PLAN_CHANGED", message, ("planHash",))
    if not request.is_again:
        # More may have arrived since the plan was made.
        erasure = replace(erasure, counts=plan.counts)
    writes = yield from work.resolve(ids, erasure)
    work.remove(writes, erasure)
    writes.restrictions.extend((yield from work.without_kept(erasure)))
    yield Write(writes)
    return Planned(plan, erasure=erasure, tombstones=tuple(writes.tombstones))


class _Erasing:
    """What is read of a person, and what follows from it."""

    def __init__(self, request: ErasureRequest, rules: Rules, tombstone_rules: TombstoneRules, now: int) -> None:
        self._request, self._rules, self._tombstone_rules, self._now = request, rules, tombstone_rules, now
        self._held = CustomerKeys()
        self._keys: frozenset[str] = frozenset()
        """The identifiers that are erased."""
        self._digests: frozenset[str] = frozenset()
        """Digests of them that are not stored, and must not be stored either."""
        self._kept: list[KeptIdentifier] = []
        self._before: list[Receipt] = []
        self._after: dict[ObservationKey, Receipt] = {}
        """What is left of observations, by the name that they had."""
        self._nodes: frozenset[Node] = frozenset()
        self._entries: list[Entry] = []
        self._states: list[SegmentState] = []
        self._segments: list[Segment] = []
        self._others: tuple[str, ...] = ()
        self._overrides: list[Override] = []
        self._neighborhood = Neighborhood()
        self._customers: list[Customer] = []
        self._version = 0
        self._receipts: list[Receipt] = []
        """The receipts that are written."""
        self._detached: set[str] = set()
        """The identifiers that erased customers held."""
        self._gone: frozenset[str] = frozenset()
        """The identifiers that nothing names afterwards: all, unless somebody has come back since."""

    # --- reading

    def read(self, version: int) -> Step:
        """Read everything that is about the person. Locks it."""
        request = self._request
        self._version = version
        if request.ref is not None:
            self._held = yield ReadCustomerKeys(request.ref)
            if self._held.customer is None:
                raise InvalidInput("CUSTOMER_NOT_FOUND", "no customer is stored under this id or identifier", ("by",))
        keys = sorted({*self._held.keys, *request.keys})
        digests = frozenset() if request.is_again else digest_keys(keys, self._rules)
        region: Region = yield ReadRegion(frozenset(keys) | digests, frozenset())
        if request.ref is not None:
            self._kept = kept_identifiers(self._held.keys, region, self._rules)
        self._keys = frozenset(keys) - {kept.key for kept in self._kept if kept.key not in request.keys}
        self._digests = digest_keys(self._keys, self._rules) & digests
        self._keys |= self._digests & region.members.keys()
        self._digests -= self._keys
        if not self._keys and not request.is_again:
            message = "every identifier of this customer is shared, blocked or used by others: name those to erase"
            raise InvalidInput("NOTHING_TO_ERASE", message, ("by",))
        self._gone = self._keys - (yield from self._read_observations())
        erased = self._erased_customers(region)
        self._nodes = frozenset(customer.node for customer in erased)
        self._customers = sorted(erased, key=lambda customer: (not customer.live, customer.id))
        yield from self._read_around(region, version)

    def _erased_customers(self, region: Region) -> list[Customer]:
        """Return the ids that are erased: that of the customer, and those whose anchor is erased."""
        own = {customer.node: customer for customer in region.customers.values() if customer.anchor.key in self._gone}
        if self._held.customer is not None:
            own[self._held.customer.node] = self._held.customer
        return list(own.values())

    def _read_observations(self) -> Generator[Request, Any, frozenset[str]]:
        """Read the observations of the person. Return the identifiers that others go on to name."""
        named_on: frozenset[str] = frozenset()
        receipts: list[Receipt] = yield ReadReceipts(sorted(self._keys))
        for receipt in sorted(receipts, key=lambda receipt: receipt.key):
            erased = self._erased_of(receipt)
            named_on |= self._keys.intersection(receipt.keys) - erased
            if not erased:
                continue
            self._before.append(receipt)
            remaining = erased_receipt(receipt, erased, self._rules, self._tombstone_rules.keys)
            if remaining is not None:
                self._after[receipt.key] = remaining
        return named_on

    def _erased_of(self, receipt: Receipt) -> frozenset[str]:
        """Return the identifiers that an observation loses."""
        if not receipt.digest:
            return frozenset()
        if not self._request.is_again and receipt.status is not ObservationStatus.INACTIVE:
            return self._keys.intersection(receipt.keys)
        observation = Observation.from_sent(*receipt.key, receipt.sent)
        erased = self._keys.intersection((*receipt.keys, *named_keys(observation, self._rules)))
        if self._request.erasure is None or not self._request.is_again:
            return erased
        # Whoever has come back since stays.
        tombstones = {key: self._tombstone(key, self._request.erasure) for key in erased}
        return dropped_keys(observation, receipt.received_at, tombstones, self._rules.returning)

    def _read_around(self, region: Region, version: int) -> Step:
        self._overrides = [
            override for _, override in sorted(region.overrides.items()) if not self._keys.isdisjoint(override.keys)
        ]
        named = {key for receipt in self._before for key in receipt.keys} | self._keys
        named |= {key for override in self._overrides for key in override.keys}
        pairs = {pair for receipt in self._before for pair in combinations(sorted(receipt.keys), 2)}
        pairs |= {pair for pair in region.links if not self._keys.isdisjoint(pair)}
        hashes = [
            hash for key in sorted(self._keys | self._digests) for hash in self._tombstone_rules.hashes_of_key(key)
        ]
        hashes += [tombstone.hash for tombstone in self._request.tombstones]
        self._neighborhood = yield ReadNeighborhood(
            keys=sorted(named | {key for pair in pairs for key in pair}),
            pairs=sorted(pairs),
            tombstones=hashes,
        )
        if self._neighborhood.rules_version != version:
            raise RulesChanged(f"the rules are at version {self._neighborhood.rules_version}, not {version}")
        ids = [customer.id for customer in self._customers]
        holders = [
            customer.id
            for node, customer in self._neighborhood.customers.items()
            if node not in self._nodes and self._is_small(customer)
        ]
        self._others = tuple(sorted(holders))
        read: set[str] = set()
        had = {*ids, *self._holders_of_erased()}
        # An override at an identifier of nobody is recorded without a customer.
        unread = {*ids, *holders, ""}
        entries: dict[int, Entry] = {}
        while unread:
            read |= unread
            page: list[Entry] = yield ReadHistory(sorted(unread))
            entries.update((entry.number, entry) for entry in page)
            had |= involved_customers(page, self._gone, had)
            unread = had - read
        observations = frozenset(receipt.key for receipt in self._before)
        for number in sorted(entries):
            erased = erased_entry(entries[number], self._gone, frozenset(ids), observations)
            if erased is not None:
                self._entries.append(erased)
        self._states = yield ReadSegmentStates(ids)
        self._segments = yield ReadSegments()

    def _holders_of_erased(self) -> Iterable[str]:
        """Yield the ids of the customers that hold what is erased; they themselves may stay."""
        for key in self._gone:
            member = self._neighborhood.members.get(key)
            if member is not None and (customer := self._neighborhood.customers.get(member.customer)) is not None:
                yield customer.id

    def _is_small(self, customer: Customer) -> bool:
        """Whether a customer is a person: the one of a till's device has a history of thousands."""
        return customer.size <= 1_000

    # --- planning

    def plan(self) -> ErasurePlan:
        """Return what the erasure does."""
        names = {segment.id: segment.name for segment in self._segments}
        left = {segment for state in self._states for segment in state.segments}
        return ErasurePlan(
            self._request.mode,
            tuple(customer.id for customer in self._customers),
            tuple(sorted(self._keys)),
            tuple(self._kept),
            kinds_of([receipt.kind for receipt in self._before if receipt.key not in self._after]),
            len(self._after),
            tuple(sorted(override.id for override in self._overrides)),
            tuple(sorted(names[segment] for segment in left if segment in names)),
            len(self._entries),
            self._others,
            tuple(Identifier.from_key(key).value for key in self._held_keys()),
            self._request.hold,
        )

    def _held_keys(self) -> list[str]:
        if self._request.hold is None:
            return []
        members = self._neighborhood.members
        return sorted(key for key in self._keys if key in members and members[key].order is not None)

    def record(self, plan: ErasurePlan, id: str) -> Erasure:
        """Return the record of the erasure."""
        request = self._request
        seen = [receipt.seen_at for receipt in self._before]
        return Erasure(
            id,
            request.request_id or id,
            request.mode,
            # Clocks of senders may be ahead: all that is stored of the person counts as seen before.
            max([self._now, *seen]),
            request.actor,
            request.reason,
            plan.hash,
            plan.customers,
            tuple(self._tombstone_rules.keys.hash(key) for key in sorted(self._keys | self._digests)),
            plan.counts,
            plan.kept_counts,
            None if plan.hold is None else plan.hold.until,
            "" if plan.hold is None else plan.hold.ground,
        )

    # --- carrying out

    def resolve(self, ids: Ids, erasure: Erasure) -> Generator[Request, Any, Writes]:
        """Resolve what is left without the person, and return what has to be written for it."""
        reports: Neighborhood = yield ReadNeighborhood(orders=sorted({r.order_key for r in self._before} - {""}))
        stored = {**reports.receipts, **{receipt.key: receipt for receipt in self._before}}
        intake = Intake(stored, self._neighborhood.source_revocations)
        for receipt in self._before:
            intake.reduce(receipt.key, self._after.get(receipt.key))
        # Not the steward who set them removes them.
        overrides = [replace(override, actor="", reason="") for override in self._overrides]
        delta = replace(intake.delta(overrides_removed=overrides), causes=self._causes(erasure))
        removed = self._removed
        self._receipts = [receipt for receipt in intake.changed if receipt.key not in removed]
        evidence, stated = yield from read_evidence(delta, delta.holders)
        neighborhood = replace(
            self._neighborhood,
            members=self._without_customers(self._neighborhood.members),
            customers=self._others_of(self._neighborhood.customers),
        )
        resolution = IncrementalResolution(
            delta, neighborhood, evidence, self._rules, self._now, ids.customer, stated=stated
        )
        writes: Writes = yield from self._finish(resolution)
        for key in self._detached - writes.moves.keys():
            writes.moves[key] = None
        changes = [erased_change(change, self._gone) for change in writes.changes]
        writes.changes[:] = [change for change in changes if change is not None]
        return writes

    def _causes(self, erasure: Erasure) -> dict[ObservationKey, Cause]:
        names = (receipt.key for receipt in (*self._before, *self._after.values()))
        return dict.fromkeys(names, Cause(CauseType.ERASURE, id=erasure.id))

    @property
    def _removed(self) -> frozenset[ObservationKey]:
        """The names of the observations of which nothing is left, or which are stored under another name."""
        left = {receipt.key for receipt in self._after.values()}
        return frozenset(receipt.key for receipt in self._before if receipt.key not in left)

    def _finish(self, resolution: IncrementalResolution) -> Generator[Request, Any, Writes]:
        """Finish a resolution as if the erased customers had never been, so that their ids claim nothing."""
        steps = finish_resolution(resolution)
        try:
            request = next(steps)
            while True:
                region: Region = yield request
                members, customers = self._without_customers(region.members), self._others_of(region.customers)
                request = steps.send(replace(region, members=members, customers=customers))
        except StopIteration as stop:
            writes: Writes = stop.value
            return writes

    def _without_customers(self, members: Mapping[str, Member]) -> dict[str, Member]:
        own = {key for key, member in members.items() if member.customer in self._nodes}
        self._detached |= own
        return {key: replace(member, customer=None) if key in own else member for key, member in members.items()}

    def _others_of(self, customers: Mapping[Node, Customer]) -> dict[Node, Customer]:
        return {node: customer for node, customer in customers.items() if node not in self._nodes}

    def remove(self, writes: Writes, erasure: Erasure) -> None:
        """Add what is removed for good, the tombstones, the record and the entries of the feed."""
        writes.receipts.extend(self._receipts)
        writes.tombstones.extend(self.tombstones(erasure))
        writes.erasures.append(erasure)
        writes.held_orders.extend(self._held_orders(erasure))
        cause = Cause(CauseType.ERASURE, id=erasure.id)
        names = {segment.id: segment.name for segment in self._segments}
        for state in self._states:
            for segment in sorted(state.segments):
                writes.memberships.append(Membership(segment, state.id, None))
                of_segment = Cause(CauseType.SEGMENT_EVALUATION, id=segment)
                exited = Change(ChangeKind.SEGMENT_EXITED, self._now, of_segment, state.id)
                writes.changes.append(replace(exited, reason=names.get(segment, "")))
        writes.segments.extend(self._without_values())
        for customer in self._customers:
            writes.changes.append(Change(ChangeKind.CUSTOMER_ERASED, self._now, cause, customer.id))
        writes.values[CLEANING_KEY] = erasure.id
        writes.removals = Removals(
            sorted(self._gone),
            sorted(self._removed),
            [customer.id for customer in self._customers],
            self._entries,
            self._now,
        )

    def without_kept(self, erasure: Erasure) -> Generator[Request, Any, list[Restriction]]:
        """Return the person's restrictions without the identifiers that are kept, which go to others."""
        kept = self._detached - self._gone if erasure.kept else set()
        stored: list[Restriction] = (yield ReadRestrictions(keys=sorted(kept))) if kept else []
        ids = {customer.id for customer in self._customers}
        return [
            replace(restriction, keys=tuple(key for key in restriction.keys if key not in kept))
            for restriction in stored
            if restriction.customer in ids
        ]

    def _without_values(self) -> Iterable[Segment]:
        """Return the segments whose rules name an erased value, with a mask in its place."""
        values = {Identifier.from_key(key).value.casefold() for key in self._gone}
        for segment in self._segments:
            masked = without_texts(segment.values, values)
            if masked != segment.values:
                yield replace(segment, rule=rule_text(masked), version=segment.version + 1)

    def tombstones(self, erasure: Erasure) -> Iterable[Tombstone]:
        """Return the tombstones of the erasure, combined with those that there are."""
        if self._request.is_again:
            for made in self._request.tombstones:
                yield combined(self._neighborhood.tombstones.get(made.hash), made)
            return
        for key in sorted(self._keys | self._digests):
            made = self._tombstone(key, erasure)
            yield combined(self._neighborhood.tombstones.get(made.hash), made)

    def _tombstone(self, key: str, erasure: Erasure) -> Tombstone:
        keys, namespace = self._tombstone_rules.keys, namespace_of(key)
        # An order has happened: nothing brings its number back.
        mode = TombstoneMode.SUPPRESSED if namespace == ORDER_NAMESPACE else erasure.mode
        return Tombstone(keys.hash(key), namespace, erasure.at, mode, keys.current, self._version, erasure.id)

    def _held_orders(self, erasure: Erasure) -> Iterable[HeldOrder]:
        if erasure.orders_until is None:
            return
        reports: dict[str, Sequence[Receipt]] = {}
        for receipt in self._before:
            if receipt.order_key:
                reports[receipt.order_key] = (*reports.get(receipt.order_key, ()), receipt)
        for key in self._held_keys():
            order = self._neighborhood.members[key].order
            if order is None:
                continue
            of_source = [receipt for receipt in reports.get(key, ()) if receipt.source == order.source]
            newest = max(of_source, key=lambda receipt: receipt.reported_at)
            yield HeldOrder(
                self._tombstone_rules.keys.hash(key),
                Identifier.from_key(key).value,
                order.source,
                newest.reported_at,
                newest.facts,
                erasure.orders_until,
                erasure.id,
            )
