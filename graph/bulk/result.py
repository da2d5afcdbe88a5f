"""From arrays to what a store has to write, a portion at a time: as one commit of everything would have it.

The stages follow each other: customers with their identifiers and orders, links, receipts with the history.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graph.bulk.collect import Gathered
from graph.bulk.columns import Codes, Ints
from graph.bulk.evidence import Bits, Links, Sightings, links_of, sightings_of
from graph.bulk.resolution import BY_LIMIT, IDLE, SUSPENDED, Resolved, resolve
from graph.bulk.sharing import degrees_of
from graph.bulk.spool import Row
from graph.domain.model.changes import Cause, Change, ChangeKind
from graph.domain.model.customers import Anchor, Customer, Member
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.links import Link, Reason, State
from graph.domain.model.observations import TIERS, Evidence
from graph.domain.model.order_totals import add, figures_of
from graph.domain.model.orders import Order
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import NewNode, Writes
from graph.domain.resolution.groups import limit_reason
from graph.domain.resolution.resolution import idle_reason

STAGES = ("customers", "links", "observations")
AT_ONCE = 10_000
"""Identifiers, links or receipts of one portion."""


@dataclass(slots=True)
class Portion:
    """What one transaction writes. `numbers` are the places, from 1 in the order of loading, of the identifiers that it
    refers to and that were loaded before."""

    stage: str
    number: int
    writes: Writes
    numbers: dict[str, int]


@njit(cache=True)
def _numbered(group: Codes, count: Codes, customer: Codes) -> int:
    """Number the groups by their smallest code; identifiers that nothing valid names are in none (-1)."""
    of_group = np.full(len(group), -1, np.int32)
    many = 0
    for code in range(len(group)):
        if count[code]:
            if of_group[group[code]] < 0:
                of_group[group[code]] = many
                many += 1
            customer[code] = of_group[group[code]]
    return many


@njit(cache=True)
def _anchors(order: Ints, starts: Ints, rank: NDArray[np.int16], first: Ints, anchor: Codes) -> None:
    for one in range(len(starts) - 1):
        best = order[starts[one]]
        for at in range(starts[one] + 1, starts[one + 1]):
            code = order[at]
            if rank[code] < rank[best] or (rank[code] == rank[best] and first[code] < first[best]):
                best = code
        anchor[one] = best


class Outcome:
    """All that a history comes to. `new_id` gives the customers their ids, by their number; times in microseconds."""

    def __init__(self, gathered: Gathered, rules: Rules, now: int, new_id: Callable[[int], str]) -> None:
        self._gathered, self._rules, self._now, self._id = gathered, rules, now, new_id
        self._keys = gathered.keys
        columns, valid = gathered.columns, gathered.valid
        rank = self._keys.ranks(rules)
        self._seen: Sightings = sightings_of(columns, valid, len(self._keys))
        self._links: Links = links_of(columns, valid, rules.accept)
        self._resolved: Resolved = resolve(self._links, rank, rules)
        self._degrees = degrees_of(self._links, rank, rules)
        self._number_customers(rank)
        self._sources = lru_cache(maxsize=100_000)(self._named)
        self._cut = np.flatnonzero(self._resolved.state == SUSPENDED)
        self._suspended = self._count_suspended()
        self._orders_at = self._orders_by_customer()

    def _number_customers(self, rank: NDArray[np.int16]) -> None:
        customer = np.full(len(self._keys), -1, np.int32)
        self.customers = int(_numbered(self._resolved.group, self._seen.count, customer))
        """How many customers there are."""
        self._customer = customer
        inside = np.flatnonzero(customer >= 0)
        # By customer, then by key: what is read together is stored together.
        self._order = inside[np.argsort(customer[inside], kind="stable")]
        self.identifiers = len(self._order)
        self._number = np.zeros(len(self._keys), np.int32)
        self._number[self._order] = np.arange(1, self.identifiers + 1, dtype=np.int32)
        self._starts = np.searchsorted(customer[self._order], np.arange(self.customers + 1, dtype=np.int32))
        self._anchor = np.zeros(self.customers, np.int32)
        _anchors(self._order, self._starts, rank, self._seen.first, self._anchor)

    def _held(self, number: int) -> Ints:
        """The codes of a customer's identifiers."""
        return self._order[self._starts[number] : self._starts[number + 1]]

    def _count_suspended(self) -> Ints:
        ends = np.concatenate((self._links.a[self._cut], self._links.b[self._cut]))
        return np.bincount(self._customer[ends], minlength=self.customers)

    def _orders_by_customer(self) -> tuple[Ints, Ints]:
        """The places of the best orders by customer, and where those of each customer begin."""
        gathered = self._gathered
        codes = np.frombuffer(gathered.orders.codes, np.int32)[gathered.best]
        customers = self._customer[codes]
        order = np.argsort(customers, kind="stable").astype(np.int64)
        return order, np.searchsorted(customers[order], np.arange(self.customers + 1, dtype=customers.dtype))

    @property
    def links(self) -> int:
        """How many links there are."""
        return len(self._links)

    def _named(self, bits: bytes) -> tuple[str, ...]:
        words = np.frombuffer(bits, np.uint64)
        names = self._gathered.columns.sources
        mine = (name for at, name in enumerate(names) if int(words[at >> 6]) >> (at & 63) & 1)
        return tuple(sorted(mine))

    def _sources_of(self, bits: Bits, places: Codes | Ints) -> Iterator[tuple[str, ...]]:
        """The names of the sources at some places."""
        chosen = np.ascontiguousarray(bits[places])
        size, packed = chosen.itemsize * chosen.shape[1], chosen.tobytes()
        return (self._sources(packed[at : at + size]) for at in range(0, len(packed), size))

    def portions(self) -> Iterator[Portion]:
        """Everything, in the order in which it has to be stored."""
        for stage, portions in zip(STAGES, (self._of_customers(), self._of_links(), self._of_receipts()), strict=True):
            for number, (writes, numbers) in enumerate(portions, 1):
                yield Portion(stage, number, writes, numbers)

    # --- customers with their identifiers

    def _of_customers(self) -> Iterator[tuple[Writes, dict[str, int]]]:
        start = 0
        while start < self.customers:
            stop = int(np.searchsorted(self._starts, self._starts[start] + AT_ONCE, side="right")) - 1
            stop = min(max(stop, start + 1), self.customers)
            writes = Writes()
            codes = self._order[self._starts[start] : self._starts[stop]]
            named = self._keys.named(codes)
            members = self._members(codes, named)
            for number in range(start, stop):
                self._add_customer(writes, number, named, members)
            yield writes, {}
            start = stop

    def _add_customer(self, writes: Writes, number: int, named: Mapping[int, str], members: Iterator[Member]) -> None:
        """Add a customer; the next of the members are its."""
        seen, node = self._seen, NewNode(number + 1)
        counts: dict[str, int] = {}
        for member in islice(members, int(self._starts[number + 1] - self._starts[number])):
            key = member.key
            writes.members[key] = member
            writes.moves[key] = node
            namespace = namespace_of(key)
            counts[namespace] = counts.get(namespace, 0) + 1
        anchor = int(self._anchor[number])
        writes.customers.append(
            Customer(
                node,
                self._id(number),
                self._now,
                Anchor(named[anchor], int(seen.first[anchor])),
                1,
                counts,
                int(self._suspended[number]),
                0,
                add(figures_of(order) for order in self._orders_of(writes, number, named)),
            )
        )

    def _members(self, codes: Ints, named: Mapping[int, str]) -> Iterator[Member]:
        """The identifiers of some codes, in their order. Of arrays a whole portion is taken at once: element by element
        they are slow."""
        seen, names = self._seen, [rule.name for rule in self._rules.namespaces]
        tallies = self._gathered.tallies
        columns = (codes, seen.first[codes], seen.last[codes], seen.count[codes], self._resolved.shared[codes])
        degrees, sources = self._degrees[codes].tolist(), self._sources_of(seen.sources, codes)
        for (code, first, last, count, shared), mine, degree in zip(
            zip(*(column.tolist() for column in columns), strict=True), sources, degrees, strict=True
        ):
            evidence = Evidence(first, last, mine, count)
            by_name = {names[at]: many for at, many in enumerate(degree) if many}
            yield Member(named[code], evidence, by_name, shared, tally=tallies.get(code, {}))

    def _orders_of(self, writes: Writes, number: int, named: Mapping[int, str]) -> Iterator[Order]:
        """The orders of a customer, to be written too."""
        order, starts = self._orders_at
        for at in order[starts[number] : starts[number + 1]].tolist():
            code, one = self._gathered.order_at(at)
            writes.orders[named[code]] = one
            yield one

    # --- links

    def _of_links(self) -> Iterator[tuple[Writes, dict[str, int]]]:
        a, b = self._number[self._links.a], self._number[self._links.b]
        order = np.argsort(a.astype(np.int64) << 32 | b)
        for start in range(0, len(order), AT_ONCE):
            writes, numbers = Writes(), dict[str, int]()
            mine = order[start : start + AT_ONCE]
            for link, one, other in zip(self._links_at(mine), a[mine].tolist(), b[mine].tolist(), strict=True):
                writes.links[link.pair] = link
                numbers[link.a], numbers[link.b] = one, other
            yield writes, numbers

    def _links_at(self, chosen: Ints) -> Iterator[Link]:
        """Some links, in the order in which they are asked for."""
        links, resolved = self._links, self._resolved
        named = self._keys.named(np.concatenate((links.a[chosen], links.b[chosen])))
        columns = (
            *(links.a, links.b, links.tier, links.first, links.last, links.count, links.confidence, links.counted),
            resolved.state,
        )
        values = zip(*(column[chosen].tolist() for column in columns), strict=True)
        for at, sources, one in zip(chosen.tolist(), self._sources_of(links.sources, chosen), values, strict=True):
            a, b, tier, first, last, count, confidence, counted, state = one
            if not counted:
                first, last = None, None
            # Not a number is unlike itself.
            sure = confidence if confidence == confidence else None
            link = Link(named[a], named[b], TIERS[tier], first, last, count, sources, sure)
            if state == IDLE:
                shared = {named[end] for end in (a, b) if resolved.shared[end]}
                link = link.with_state(State.IDLE, idle_reason(link, self._rules, shared, frozenset()))
            elif state == SUSPENDED:
                link = link.with_state(State.SUSPENDED, self._why_suspended(at))
            yield link

    def _why_suspended(self, at: int) -> Reason:
        if self._resolved.reason[at] != BY_LIMIT:
            raise ValueError("a history has no marks")
        name = self._rules.namespaces[self._resolved.detail[at]].name
        return limit_reason(name, int(self._resolved.total[at]), self._rules.limits[name])

    # --- receipts with orders and history

    def _of_receipts(self) -> Iterator[tuple[Writes, dict[str, int]]]:
        created, suspended = self._told_at()
        writes, numbers, caused = Writes(), dict[str, int](), list[_Caused]()
        for row, (one, places, again, superseded) in enumerate(self._placed()):
            if again:
                continue
            receipt = one.receipt(self._now, superseded)
            writes.receipts.append(receipt)
            numbers.update((key, place) for key, place in zip(receipt.keys, places, strict=True) if place)
            cause = Cause("observed", receipt.source, receipt.id, party=receipt.tier.name.lower())
            caused.append((cause, created.of(row), suspended.of(row)))
            if len(writes.receipts) >= AT_ONCE:
                writes.changes.extend(self._changes(caused))
                yield writes, numbers
                writes, numbers, caused = Writes(), {}, []
        if not writes.empty:
            writes.changes.extend(self._changes(caused))
            yield writes, numbers

    def _placed(self) -> Iterator[tuple[Row, list[int], bool, bool]]:
        """Each row, the places of its keys, and whether it came before and was replaced by a newer one.

        A row knows its keys; where they are is by code, in the same order in which the row named them.
        """
        gathered, begin = self._gathered, 0
        columns = gathered.columns
        again = gathered.repeated | gathered.conflicting
        rows = iter(gathered.spool)
        for start in range(0, columns.rows, AT_ONCE):
            some = slice(start, start + AT_ONCE)
            ends = columns.ends[some]
            places = self._number[columns.codes[begin : ends[-1]]].tolist()
            values = zip((ends - begin).tolist(), again[some].tolist(), gathered.superseded[some].tolist(), strict=True)
            at = 0
            for (end, repeated, superseded), one in zip(values, rows, strict=False):
                yield one, places[at:end], repeated, superseded
                at = end
            begin = int(ends[-1])

    def _told_at(self) -> tuple["_ByRow", "_ByRow"]:
        """Row to the customers that it created, and to the links that it left suspended."""
        smallest = self._order[self._starts[:-1]]
        return (
            _ByRow(self._seen.row[smallest], np.arange(self.customers)),
            _ByRow(self._links.row[self._cut], self._cut),
        )

    def _changes(self, caused: Sequence["_Caused"]) -> Iterator[Change]:
        """The history of some rows."""
        created = [number for _, numbers, _ in caused for number in numbers]
        cut = np.array([at for _, _, links in caused for at in links], np.int64)
        held = [self._held(number) for number in created]
        named = self._keys.named(np.concatenate(held)) if held else {}
        suspended = dict(zip(cut.tolist(), self._links_at(cut), strict=True))
        for cause, numbers, links in caused:
            for number in numbers:
                codes = self._held(number).tolist()
                keys, rule = tuple(named[code] for code in codes), "seen for the first time"
                yield Change(ChangeKind.CREATED, self._now, cause, self._id(number), keys=keys, rule=rule)
            for at in links:
                yield self._suspension(at, suspended[at], cause)

    def _suspension(self, at: int, link: Link, cause: Cause) -> Change:
        strong, weak = self._rules.strong_first(link.a, link.b)
        ends = ((link.a, self._links.a[at]), (link.b, self._links.b[at]))
        ids = {key: self._id(int(self._customer[code])) for key, code in ends}
        rule = link.reason.text if link.reason else ""
        kind = ChangeKind.SUSPENDED
        return Change(kind, self._now, cause, ids[strong], ids[weak], (strong, weak), rule)


_Caused = tuple[Cause, Sequence[int], Sequence[int]]
"""A cause with the numbers of the customers that it created and the links that it left suspended."""


class _ByRow:
    """What belongs to rows, asked for row after row."""

    def __init__(self, rows: Codes | Ints, what: Ints) -> None:
        order = np.argsort(rows, kind="stable")
        self._pairs = _listed(rows[order], what[order])
        self._next = next(self._pairs, None)

    def of(self, row: int) -> list[int]:
        """What belongs to a row."""
        found: list[int] = []
        while self._next is not None and self._next[0] <= row:
            found.append(self._next[1])
            self._next = next(self._pairs, None)
        return found


def _listed(rows: Codes | Ints, what: Codes | Ints) -> Iterator[tuple[int, int]]:
    """Two arrays side by side, taken a portion at a time: element by element they are slow, whole they are large."""
    for start in range(0, len(rows), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        yield from zip(rows[some].tolist(), what[some].tolist(), strict=True)
