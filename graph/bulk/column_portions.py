"""The result of a history as columns for a store: the same as its portions of writes, without an object for each row.

The stages are those of `BulkResult`, then the mentions of identifiers, which are sorted by identifier.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Any

import numpy as np

from graph.bulk.columns import Codes, Ints
from graph.bulk.resolution import ACTIVE
from graph.bulk.result import BATCH_SIZE, STAGES, BulkResult
from graph.bulk.spool import Row
from graph.domain.model.changes import Cause, CauseType
from graph.domain.model.facts import FactKind
from graph.domain.model.load_columns import (
    Coded,
    CustomerColumns,
    IdentifierColumns,
    LinkColumns,
    MentionColumns,
    OrderColumns,
    PortionColumns,
    ReceiptColumns,
    T,
)
from graph.domain.model.observations import TIERS
from graph.domain.model.order_totals import OrderTotals, add, order_totals_of
from graph.domain.model.receipts import ObservationStatus

STATES = ("active", "suspended", "excluded")
"""The stored text of the states, by their value in `Resolved.state`."""
_VALID, _SUPERSEDED = ObservationStatus.VALID.value, ObservationStatus.SUPERSEDED.value
_CONSENT = FactKind.CONSENT.value


class ColumnResult(BulkResult):
    """A result whose portions are columns."""

    def column_portions(self) -> Iterator[PortionColumns]:
        """Yield all portions in the order in which they must be stored."""
        stages = self._customer_portions(), self._link_portions(), self._receipt_portions(), self._mention_portions()
        for stage, portions in zip(STAGES, stages, strict=True):
            for number, portion in enumerate(portions, 1):
                portion.stage, portion.number = stage, number
                yield portion

    # --- customers with their identifiers

    def _customer_portions(self) -> Iterator[PortionColumns]:
        start = 0
        while start < self.customers:
            stop = self._end_of_portion(start)
            codes = self._order[self._starts[start] : self._starts[stop]]
            orders, totals = self._order_columns(start, stop)
            yield PortionColumns(
                "",
                0,
                customers=self._customer_columns(start, stop, codes, totals),
                identifiers=self._identifier_columns(codes),
                orders=orders,
            )
            start = stop
        # Nothing else needs them, and they take a sixth of the memory.
        self._degrees = self._degrees[:0].copy()

    def _customer_columns(self, start: int, stop: int, codes: Ints, totals: list[OrderTotals]) -> CustomerColumns:
        anchors = self._anchor[start:stop]
        anchor_keys = self._keys.list_of(anchors)
        return CustomerColumns(
            start + 1,
            self._now,
            [self._new_id(key) for key in anchor_keys],
            anchor_keys,
            self._evidence.first[anchors].tolist(),
            self._counts(start, stop, codes),
            self._suspended[start:stop].tolist(),
            totals,
            [] if self._guarded is None else [self._value_sets(number) for number in range(start, stop)],
        )

    def _counts(self, start: int, stop: int, codes: Ints) -> "Coded[Mapping[str, int]]":
        """Return the numbers of identifiers of customers by namespace, in the order of the keys."""
        names = [rule.name for rule in self._rules.namespaces]
        by_key = sorted(range(len(names)), key=lambda rank: names[rank] + "=")
        place = np.empty(len(names), np.int64)
        place[by_key] = np.arange(len(names))
        cells = (self._customer[codes].astype(np.int64) - start) * len(names) + place[self._rank[codes]]
        table = np.bincount(cells, minlength=(stop - start) * len(names)).reshape(-1, len(names)).astype(np.int32)
        return _coded(table, lambda data: _named([names[rank] for rank in by_key], data))

    def _identifier_columns(self, codes: Ints) -> IdentifierColumns:
        evidence, names = self._evidence, [rule.name for rule in self._rules.namespaces]
        counts = self._collected.interaction_counts
        values = {} if self._guarded is None else self._guarded.values
        at_of = {code: at for at, code in enumerate(codes.tolist())} if counts or values else {}
        return IdentifierColumns(
            int(self._number[codes[0]]),
            self._keys.list_of(codes),
            [names[rank] for rank in self._rank[codes].tolist()],
            (self._customer[codes] + 1).tolist(),
            evidence.first[codes].tolist(),
            evidence.last[codes].tolist(),
            evidence.count[codes].tolist(),
            _coded(evidence.sources[codes], self._source_names),
            _coded(self._degrees[codes], lambda data: _named(names, data)),
            self._resolved.shared[codes].tolist(),
            {at: counts[code] for code, at in at_of.items() if code in counts},
            {at: values[code] for code, at in at_of.items() if code in values},
        )

    def _order_columns(self, start: int, stop: int) -> tuple[OrderColumns, list[OrderTotals]]:
        """Return the orders of customers, and the totals of each customer."""
        order, starts = self._best_orders
        chosen = order[starts[start] : starts[stop]]
        if not len(chosen):
            return OrderColumns(), [{}] * (stop - start)
        collected = self._collected
        codes = np.frombuffer(collected.orders.codes, np.int32)[collected.best[chosen]]
        orders, facts = [], []
        for at in chosen.tolist():
            placed, text = collected.order_with_facts(at)
            orders.append(placed)
            facts.append(text)
        summands = [order_totals_of(placed) for placed in orders]
        ends = (starts[start : stop + 1] - starts[start]).tolist()
        totals = [add(summands[begin:end]) if end > begin else {} for begin, end in pairwise(ends)]
        columns = OrderColumns(
            self._number[codes].tolist(),
            self._keys.list_of(codes),
            (self._customer[codes] + 1).tolist(),
            [placed.placed_at for placed in orders],
            [placed.source for placed in orders],
            facts,
        )
        return columns, totals

    # --- links

    def _link_portions(self) -> Iterator[PortionColumns]:
        a, b = self._number[self._links.a], self._number[self._links.b]
        order = np.argsort(a.astype(np.int64) << 32 | b)
        for start in range(0, len(order), BATCH_SIZE):
            chosen = order[start : start + BATCH_SIZE]
            yield PortionColumns("", 0, links=self._link_columns(chosen, a[chosen], b[chosen]))

    def _link_columns(self, chosen: Ints, a: Codes, b: Codes) -> LinkColumns:
        links, state = self._links, self._resolved.state[chosen]
        uncounted = np.flatnonzero(~links.counted[chosen]).tolist()
        first: list[int | None] = links.first[chosen].tolist()
        last: list[int | None] = links.last[chosen].tolist()
        for at in uncounted:
            first[at] = last[at] = None
        confidence = links.confidence[chosen]
        confidences: list[float | None] = [None] * len(chosen)
        for at in np.flatnonzero(~np.isnan(confidence)).tolist():
            confidences[at] = float(confidence[at])
        others = np.flatnonzero(state != ACTIVE)
        reasons = zip(others.tolist(), self._links_at(chosen[others]), strict=True)
        return LinkColumns(
            a.tolist(),
            b.tolist(),
            links.tier[chosen].tolist(),
            first,
            last,
            links.count[chosen].tolist(),
            _coded(links.sources[chosen], self._source_names),
            confidences,
            [STATES[value] for value in state.tolist()],
            {at: link.reason for at, link in reasons if link.reason is not None},
        )

    # --- receipts with the history

    def _receipt_portions(self) -> Iterator[PortionColumns]:
        created, suspended = self._rows_of_changes()
        collected = self._collected
        columns, begin, first = collected.columns, 0, 1
        rows = iter(collected.spool)
        changing = np.zeros(columns.rows, np.bool_)
        changing[self._evidence.row[self._order[self._starts[:-1]]]] = True
        changing[self._links.row[self._suspended_links]] = True
        for start in range(0, columns.rows, BATCH_SIZE):
            stop = min(start + BATCH_SIZE, columns.rows)
            ends = columns.ends[start:stop]
            kept = np.flatnonzero(~(collected.duplicate | collected.conflicting)[start:stop]).tolist()
            batch = list(islice(rows, stop - start))
            receipts = ReceiptColumns(first, self._now, self._received_from)
            portion = PortionColumns("", 0, receipts=receipts)
            if kept:
                numbers = self._number[columns.codes[begin : ends[-1]]]
                superseded = collected.superseded[start:stop]
                self._fill(receipts, [batch[at] for at in kept], superseded[kept].tolist())
                self._add_facts(portion, batch, kept, superseded, numbers, ends - begin)
                caused = [
                    (_cause_of(batch[at - start]), created.of(at), suspended.of(at))
                    for at in (start + np.flatnonzero(changing[start:stop])).tolist()
                ]
                portion.changes.extend(self._changes(caused))
                first += len(kept)
            begin = int(ends[-1])
            yield portion

    def _fill(self, receipts: ReceiptColumns, rows: Sequence[Row], superseded: Sequence[bool]) -> None:
        """Fill the columns that rows have."""
        columns: list[Any] = [list(column) for column in zip(*rows, strict=True)]
        by_name = dict(zip(Row._fields, columns, strict=True))
        receipts.sources, receipts.ids, receipts.digests = by_name["source"], by_name["id"], by_name["digest"]
        receipts.statuses = [
            _SUPERSEDED if replaced else status for status, replaced in zip(by_name["status"], superseded, strict=True)
        ]
        receipts.seen_at, receipts.keys, receipts.tiers = by_name["seen_at"], by_name["keys"], by_name["tier"]
        receipts.confidences, receipts.sent = by_name["confidence"], by_name["sent"]
        receipts.order_keys, receipts.reported_at = by_name["order_key"], by_name["reported_at"]
        receipts.kinds = by_name["kind"]

    def _add_facts(
        self,
        portion: PortionColumns,
        batch: Sequence[Row],
        kept: Sequence[int],
        superseded: np.ndarray[Any, Any],
        numbers: Codes,
        ends: Ints,
    ) -> None:
        """Add the facts, the consent decisions, and which receipts are not indexed."""
        receipts = portion.receipts
        has_unstored = np.zeros(len(batch), np.bool_)
        has_unstored[np.searchsorted(ends, np.flatnonzero(numbers == 0), side="right")] = True
        for number, at in enumerate(kept, receipts.first):
            row = batch[at]
            if row.sent and (not row.keys or has_unstored[at]):
                receipts.unindexed.append(number)
            if row.kind == _CONSENT or row.fact_holders:
                receipt = row.receipt(self._now, bool(superseded[at]), self._received_from)
                if row.kind == _CONSENT:
                    portion.decisions.append(receipt)
                if row.fact_holders and receipt.status is ObservationStatus.VALID:
                    begin = int(ends[at]) - len(row.keys)
                    number_of = dict(zip(row.keys, numbers[begin : ends[at]].tolist(), strict=True))
                    receipts.facts[number] = receipt, [number_of[key] for key in row.fact_holders]

    # --- mentions

    def _mention_portions(self) -> Iterator[PortionColumns]:
        """Yield which identifiers which receipts name."""
        collected = self._collected
        columns = collected.columns
        kept = ~(collected.duplicate | collected.conflicting)
        numbers = np.cumsum(kept, dtype=np.int64)
        sizes = np.diff(columns.ends, prepend=0)
        pairs = self._number[columns.codes].astype(np.int64) << 32
        pairs |= np.repeat(numbers, sizes)
        pairs = pairs[np.repeat(kept, sizes) & (pairs >= 1 << 32)]
        pairs.sort()
        if len(pairs):
            pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])]
        for start in range(0, len(pairs), BATCH_SIZE * 5):
            chosen = pairs[start : start + BATCH_SIZE * 5]
            yield PortionColumns(
                "", 0, mentions=MentionColumns((chosen >> 32).tolist(), (chosen & 0xFFFFFFFF).tolist())
            )


def _cause_of(row: Row) -> Cause:
    return Cause(CauseType.OBSERVATION, row.source, row.id, party=TIERS[row.tier].party)


def _coded(table: np.ndarray[Any, Any], decode: Callable[[bytes], T]) -> "Coded[T]":
    """Return the rows of a table as a column of values; `decode` returns the value of a row's bytes."""
    size, data = table.itemsize * table.shape[1], np.ascontiguousarray(table).tobytes()
    index: dict[bytes, int] = {}
    codes = [index.setdefault(data[at : at + size], len(index)) for at in range(0, len(data), size)]
    return Coded([decode(value) for value in index], codes)


def _named(names: Sequence[str], data: bytes) -> Mapping[str, int]:
    """Return the numbers of a row that are not 0, by name."""
    values = np.frombuffer(data, np.int32).tolist()
    return {name: value for name, value in zip(names, values, strict=True) if value}
