"""Turns the resolved arrays into writes for a store, a portion at a time, equal to one commit of everything.

The stages in order: customers with their identifiers and orders, links, receipts with the history.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np

from graph.bulk.by_row import ByRow
from graph.bulk.collect import Collected
from graph.bulk.columns import Codes, Ints
from graph.bulk.evidence import Bits, IdentifierEvidence, Links, identifier_evidence_of, links_of
from graph.bulk.numbering import number_customers
from graph.bulk.resolution import EXCLUDED, SUSPENDED, Resolved, resolve
from graph.bulk.sharing import degrees_of
from graph.bulk.spool import Row
from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind
from graph.domain.model.customers import Anchor, Customer, Member
from graph.domain.model.guarded_values import ValueSetCounts, counted
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.links import Link, LinkState
from graph.domain.model.observations import TIERS, Evidence
from graph.domain.model.order_totals import add, order_totals_of
from graph.domain.model.orders import Order
from graph.domain.model.rules import Rules
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.model.store_values import NewNode, Writes
from graph.domain.resolution.resolution import exclusion_reason

STAGES = ("customers", "links", "observations", "mentions")
"""The stages of a load."""
WRITE_STAGES = STAGES[:3]
"""Those of portions of writes, in which mentions are a part of the observations."""
BATCH_SIZE = 10_000
"""Identifiers, links or receipts in one portion."""


@dataclass(slots=True)
class Portion:
    """The writes of one transaction.

    `numbers` are the positions, from 1 in the order of loading, of the identifiers that the writes refer to and that
    were loaded before.
    """

    stage: str
    number: int
    writes: Writes
    numbers: dict[str, int]


class BulkResult:
    """The result of a history. `new_id` returns the id of a customer by its anchor's key; `now` is in microseconds.

    `received_from` is who loads it, empty if that is not known.
    """

    def __init__(
        self,
        collected: Collected,
        rules: Rules,
        now: int,
        new_id: Callable[[str], str],
        received_from: str = "",
    ) -> None:
        self._collected, self._rules, self._now, self._new_id = collected, rules, now, new_id
        self._received_from = received_from
        self._keys = collected.keys
        columns, valid = collected.columns, collected.valid
        self._rank = rank = self._keys.ranks(rules)
        self._evidence: IdentifierEvidence = identifier_evidence_of(columns, valid, len(self._keys))
        self._links: Links = links_of(columns, valid, rules.min_confidence)
        self._guarded = collected.guarded_identifiers(rules)
        self._resolved: Resolved = resolve(self._links, rank, rules, guarded=self._guarded)
        self._degrees = degrees_of(self._links, rank, rules)
        numbers = number_customers(self._resolved.group, self._evidence, rank)
        self._customer, self._order, self._starts = numbers.customer, numbers.order, numbers.starts
        self._number, self._anchor = numbers.number, numbers.anchor
        self.customers = len(numbers.anchor)
        """The number of customers."""
        self.identifiers = len(numbers.order)
        """The number of identifiers in customers."""
        self._source_names = lru_cache(maxsize=100_000)(self._decode_sources)
        self._suspended_links = np.flatnonzero(self._resolved.state == SUSPENDED)
        self._suspended = self._count_suspended()
        self._best_orders = self._orders_by_customer()

    def _codes_of(self, number: int) -> Ints:
        """Return the codes of a customer's identifiers."""
        return self._order[self._starts[number] : self._starts[number + 1]]

    def _count_suspended(self) -> Ints:
        ends = np.concatenate((self._links.a[self._suspended_links], self._links.b[self._suspended_links]))
        return np.bincount(self._customer[ends], minlength=self.customers)

    def _orders_by_customer(self) -> tuple[Ints, Ints]:
        """Return the indexes of the best orders by customer, and the start of each customer's."""
        collected = self._collected
        codes = np.frombuffer(collected.orders.codes, np.int32)[collected.best]
        customers = self._customer[codes]
        order = np.argsort(customers, kind="stable").astype(np.int64)
        return order, np.searchsorted(customers[order], np.arange(self.customers + 1, dtype=customers.dtype))

    @property
    def links(self) -> int:
        """The number of links."""
        return len(self._links)

    def _decode_sources(self, bits: bytes) -> tuple[str, ...]:
        words = np.frombuffer(bits, np.uint64)
        names = self._collected.columns.sources
        return tuple(sorted(name for at, name in enumerate(names) if int(words[at >> 6]) >> (at & 63) & 1))

    def _sources_of(self, bits: Bits, indexes: Codes | Ints) -> Iterator[tuple[str, ...]]:
        """Return the names of the sources at these indexes."""
        chosen = np.ascontiguousarray(bits[indexes])
        size, packed = chosen.itemsize * chosen.shape[1], chosen.tobytes()
        return (self._source_names(packed[at : at + size]) for at in range(0, len(packed), size))

    def portions(self, stages: Sequence[str] = WRITE_STAGES) -> Iterator[Portion]:
        """Yield all portions in the order in which a store must store them, or with the stages in another order."""
        made = dict(zip(WRITE_STAGES, (self._of_customers, self._of_links, self._of_receipts), strict=True))
        for stage in stages:
            for number, (writes, numbers) in enumerate(made[stage](), 1):
                yield Portion(stage, number, writes, numbers)

    # --- customers with their identifiers

    def _of_customers(self) -> Iterator[tuple[Writes, dict[str, int]]]:
        start = 0
        while start < self.customers:
            stop = self._end_of_portion(start)
            writes = Writes()
            codes = self._order[self._starts[start] : self._starts[stop]]
            keys = self._keys.keys_of(codes)
            members = self._members(codes, keys)
            for number in range(start, stop):
                self._add_customer(writes, number, keys, members)
            yield writes, {}
            start = stop

    def _end_of_portion(self, start: int) -> int:
        """Return the end of the portion of customers that begins with the customer `start`."""
        stop = int(np.searchsorted(self._starts, self._starts[start] + BATCH_SIZE, side="right")) - 1
        return min(max(stop, start + 1), self.customers)

    def _add_customer(self, writes: Writes, number: int, keys: Mapping[int, str], members: Iterator[Member]) -> None:
        """Add a customer and its identifiers, which are the next of `members`."""
        node = NewNode(number + 1)
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
                self._new_id(keys[anchor]),
                self._now,
                Anchor(keys[anchor], int(self._evidence.first[anchor])),
                1,
                counts,
                int(self._suspended[number]),
                0,
                add(order_totals_of(order) for order in self._orders_of(writes, number, keys)),
                value_sets=self._value_sets(number),
            )
        )

    def _value_sets(self, number: int) -> ValueSetCounts:
        """Return the guarded values of a customer's identifiers."""
        if self._guarded is None:
            return {}
        value_sets = self._guarded.value_sets
        return counted(value_sets[code] for code in self._codes_of(number).tolist() if code in value_sets)

    def _members(self, codes: Ints, keys: Mapping[int, str]) -> Iterator[Member]:
        """Yield the identifiers of codes, in their order.

        Arrays are converted a whole portion at a time, since access by element is slow.
        """
        all_evidence, names = self._evidence, [rule.name for rule in self._rules.namespaces]
        interaction_counts = self._collected.interaction_counts
        guarded_values = {} if self._guarded is None else self._guarded.values
        columns = (
            codes,
            all_evidence.first[codes],
            all_evidence.last[codes],
            all_evidence.count[codes],
            self._resolved.shared[codes],
        )
        all_degrees, all_sources = self._degrees[codes].tolist(), self._sources_of(all_evidence.sources, codes)
        for (code, first, last, count, shared), sources, degrees in zip(
            zip(*(column.tolist() for column in columns), strict=True), all_sources, all_degrees, strict=True
        ):
            evidence = Evidence(first, last, sources, count)
            by_name = {names[rank]: degree for rank, degree in enumerate(degrees) if degree}
            yield Member(
                keys[code],
                evidence,
                by_name,
                shared,
                interaction_counts=interaction_counts.get(code, {}),
                guarded_values=guarded_values.get(code, {}),
            )

    def _orders_of(self, writes: Writes, number: int, keys: Mapping[int, str]) -> Iterator[Order]:
        """Yield the orders of a customer and add them to the writes."""
        order, starts = self._best_orders
        for at in order[starts[number] : starts[number + 1]].tolist():
            code, facts = self._collected.order_at(at)
            writes.orders[keys[code]] = facts
            yield facts

    # --- links

    def _of_links(self) -> Iterator[tuple[Writes, dict[str, int]]]:
        a, b = self._number[self._links.a], self._number[self._links.b]
        order = np.argsort(a.astype(np.int64) << 32 | b)
        for start in range(0, len(order), BATCH_SIZE):
            writes, numbers = Writes(), dict[str, int]()
            batch = order[start : start + BATCH_SIZE]
            rows = zip(self._links_at(batch), a[batch].tolist(), b[batch].tolist(), strict=True)
            for link, number_a, number_b in rows:
                writes.links[link.pair] = link
                numbers[link.a], numbers[link.b] = number_a, number_b
            yield writes, numbers

    def _links_at(self, chosen: Ints) -> Iterator[Link]:
        """Yield the chosen links, in the order of `chosen`."""
        links, resolved = self._links, self._resolved
        keys = self._keys.keys_of(np.concatenate((links.a[chosen], links.b[chosen])))
        columns = (
            *(links.a, links.b, links.tier, links.first, links.last, links.count, links.confidence, links.counted),
            resolved.state,
        )
        values = zip(*(column[chosen].tolist() for column in columns), strict=True)
        for at, sources, row in zip(chosen.tolist(), self._sources_of(links.sources, chosen), values, strict=True):
            a, b, tier, first, last, count, confidence, counted, state = row
            if not counted:
                first, last = None, None
            # NaN does not equal itself.
            confidence = confidence if confidence == confidence else None
            link = Link(keys[a], keys[b], TIERS[tier], first, last, count, sources, confidence)
            if state == EXCLUDED:
                shared = {keys[end] for end in (a, b) if resolved.shared[end]}
                link = link.with_state(LinkState.EXCLUDED, exclusion_reason(link, self._rules, shared, frozenset()))
            elif state == SUSPENDED:
                link = link.with_state(LinkState.SUSPENDED, resolved.suspension_reason(at, self._rules))
            yield link

    # --- receipts with orders and history

    def _of_receipts(self) -> Iterator[tuple[Writes, dict[str, int]]]:
        created, suspended = self._rows_of_changes()
        writes, numbers, caused = Writes(), dict[str, int](), list[_Caused]()
        for index, (row, positions, skipped, superseded) in enumerate(self._rows_with_numbers()):
            if skipped:
                continue
            receipt = row.receipt(self._now, superseded, self._received_from)
            writes.receipts.append(receipt)
            numbers.update((key, position) for key, position in zip(receipt.keys, positions, strict=True) if position)
            cause = Cause(CauseType.OBSERVATION, receipt.source, receipt.id, party=receipt.tier.party)
            caused.append((cause, created.of(index), suspended.of(index)))
            if len(writes.receipts) >= BATCH_SIZE:
                writes.changes.extend(self._changes(caused))
                yield writes, numbers
                writes, numbers, caused = Writes(), {}, []
        if not writes.empty:
            writes.changes.extend(self._changes(caused))
            yield writes, numbers

    def _rows_with_numbers(self) -> Iterator[tuple[Row, list[int], bool, bool]]:
        """Yield each row, the numbers of its keys, and whether it is a duplicate or conflict, and superseded.

        A row holds its keys; their numbers are found by code, in the order in which the row names the keys.
        """
        collected, begin = self._collected, 0
        columns = collected.columns
        skipped = collected.duplicate | collected.conflicting
        rows = iter(collected.spool)
        for start in range(0, columns.rows, BATCH_SIZE):
            batch = slice(start, start + BATCH_SIZE)
            ends = columns.ends[batch]
            numbers = self._number[columns.codes[begin : ends[-1]]].tolist()
            values = zip(
                (ends - begin).tolist(), skipped[batch].tolist(), collected.superseded[batch].tolist(), strict=True
            )
            at = 0
            for (end, is_skipped, superseded), row in zip(values, rows, strict=False):
                yield row, numbers[at:end], is_skipped, superseded
                at = end
            begin = int(ends[-1])

    def _rows_of_changes(self) -> tuple["ByRow", "ByRow"]:
        """Return for each row the customers that it created, and the links that it left suspended."""
        smallest = self._order[self._starts[:-1]]
        return (
            ByRow(self._evidence.row[smallest], np.arange(self.customers)),
            ByRow(self._links.row[self._suspended_links], self._suspended_links),
        )

    def _changes(self, caused: Sequence["_Caused"]) -> Iterator[Change]:
        """Yield the history of rows."""
        created = [number for _, numbers, _ in caused for number in numbers]
        indexes = np.array([at for _, _, links in caused for at in links], np.int64)
        codes_by_customer = [self._codes_of(number) for number in created]
        ends = np.concatenate((self._links.a[indexes], self._links.b[indexes]))
        key_of = self._keys.keys_of(np.concatenate((*codes_by_customer, self._anchor[self._customer[ends]])))
        suspended = dict(zip(indexes.tolist(), self._links_at(indexes), strict=True))
        for cause, numbers, links in caused:
            for number in numbers:
                keys = tuple(key_of[code] for code in self._codes_of(number).tolist())
                id, reason = self._new_id(key_of[int(self._anchor[number])]), Sentence(MessageCode.FIRST_SEEN)
                yield Change(ChangeKind.CUSTOMER_CREATED, self._now, cause, id, keys=keys, reason=reason)
            for at in links:
                yield self._suspension(at, suspended[at], cause, key_of)

    def _suspension(self, at: int, link: Link, cause: Cause, key_of: Mapping[int, str]) -> Change:
        strong, weak = self._rules.strong_first(link.a, link.b)
        ends = ((link.a, self._links.a[at]), (link.b, self._links.b[at]))
        ids = {key: self._new_id(key_of[int(self._anchor[self._customer[code]])]) for key, code in ends}
        code, reason = link.reason or (None, "")
        kind = ChangeKind.LINK_SUSPENDED
        return Change(kind, self._now, cause, ids[strong], ids[weak], (strong, weak), reason, reason_code=code)


_Caused = tuple[Cause, Sequence[int], Sequence[int]]
"""A cause with the numbers of the customers that it created and the links that it left suspended."""
