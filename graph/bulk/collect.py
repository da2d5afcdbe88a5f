"""Collects rows in the order of the files and decides which of them count.

This is step 1 of docs/internals/resolution-rule.md, as `graph.domain.resolution.intake` implements it.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from graph.bulk.columns import Bools, Codes, ColumnBuilder, Columns, Ints
from graph.bulk.guards import GuardedIdentifiers, guarded_values_of_rows
from graph.bulk.keys import Keys
from graph.bulk.spool import Row, Spool
from graph.domain.model.facts import FactKind
from graph.domain.model.identifiers import Identifier
from graph.domain.model.interaction_counts import InteractionCounts, add, interaction_counts_of
from graph.domain.model.orders import (
    Order,
    facts_of_order,
    keeps_identifiers,
    precedence,
    reports_in_effect,
    statement_id,
)
from graph.domain.model.receipts import ObservationStatus
from graph.domain.model.rules import Rules


@dataclass(slots=True)
class Collected:
    """The collected rows. `valid` rows support links; `superseded` rows state orders that newer statements replaced.

    `duplicate` rows repeat an earlier row, `conflicting` rows repeat its id with other content; neither is stored.
    `best` are the indexes in `orders` of the statements whose facts are in effect for their order.
    """

    keys: Keys
    columns: Columns
    valid: Bools
    superseded: Bools
    duplicate: Bools
    conflicting: Bools
    best: Ints
    orders: "_Orders"
    interaction_counts: dict[int, InteractionCounts]
    """By code."""
    spool: Spool
    has_attributes: bool

    def guarded_identifiers(self, rules: Rules) -> GuardedIdentifiers | None:
        """Return what the valid rows state of guarded attributes; `None` if they state nothing of them."""
        if not (rules.guards and self.has_attributes):
            return None
        values = guarded_values_of_rows(zip(self.spool, self.valid.tolist(), strict=True), rules)
        codes = self.keys.codes(list(values))
        return GuardedIdentifiers(dict(zip(codes, values.values(), strict=True)), self.keys.keys_of)

    def order_at(self, at: int) -> tuple[int, Order]:
        """Return the code and the facts of the order at an index of `best`."""
        return self.orders.codes[int(self.best[at])], self.order_with_facts(at)[0]

    def order_with_facts(self, at: int) -> tuple[Order, str]:
        """Return the order at an index of `best`, and its facts as they are stored with the order."""
        source, facts = self.spool.text(self.orders.facts[int(self.best[at])]).rsplit("\n", 1)
        order = Order.from_facts(source, facts)
        return order, facts_of_order(order, facts)


class _Orders:
    """The rows that state orders, each with the code of its order, the time reported, and the position of its facts."""

    def __init__(self) -> None:
        self.rows, self.codes, self.reported_at, self.facts = array("q"), array("i"), array("q"), array("q")
        self.keeps_identifiers = array("b")
        self.own_ids: dict[int, str] = {}
        """The id of a row if it does not follow from the order's key."""

    def add(self, index: int, code: int, row: Row, facts: int) -> None:
        self.rows.append(index)
        self.codes.append(code)
        self.reported_at.append(row.reported_at)
        self.facts.append(facts)
        self.keeps_identifiers.append(keeps_identifiers(row.keys, row.facts))
        if row.id != _default_id(row.order_key, row.reported_at):
            self.own_ids[index] = row.id


@dataclass(slots=True)
class Collector:
    """Collects rows: keeps of each what resolution needs and writes the rest to the spool."""

    spool: Spool
    _columns: ColumnBuilder = field(default_factory=ColumnBuilder)
    _id_hashes: tuple["array[int]", "array[int]"] = field(default_factory=lambda: (array("q"), array("q")))
    _digests: "array[int]" = field(default_factory=lambda: array("q"))
    _active: "array[int]" = field(default_factory=lambda: array("b"))
    _orders: _Orders = field(default_factory=_Orders)
    _interactions: bool = False
    _attributes: bool = False

    def add(self, row: Row) -> None:
        """Add the next row."""
        codes = self._columns.add(row.source, row.keys, row.tier, row.seen_at, row.confidence)
        # 128 bits of (source, id): a collision of two different ones is practically impossible.
        self._id_hashes[0].append(hash((row.source, row.id)))
        self._id_hashes[1].append(hash((row.id, row.source, 1)))
        # Its end: a keyed digest begins with a word.
        self._digests.append(int(row.digest[-15:], 16))
        self._active.append(row.status == ObservationStatus.VALID.value)
        if row.order_key in row.keys:
            # Facts are JSON without line breaks, so the last one ends the source's name.
            facts = self.spool.put(f"{row.source}\n{row.facts}")
            self._orders.add(self._columns.rows - 1, codes[row.keys.index(row.order_key)], row, facts)
        self._interactions |= row.kind == FactKind.INTERACTION.value
        self._attributes |= row.kind == FactKind.ATTRIBUTES.value
        # The facts of an order are stored once, in the texts of the spool.
        self.spool.add(row._replace(facts="") if row.order_key else row)

    def finish(self) -> Collected:
        """Return the collected rows; none may be added afterwards."""
        columns = self._columns.columns()
        keys, code_of = Keys.of(self._columns.code)
        self._columns.code.clear()
        columns.codes = code_of[columns.codes]
        duplicate, conflicting = self._find_duplicates()
        valid = np.frombuffer(self._active, np.int8).astype(bool) & ~duplicate & ~conflicting
        superseded = np.zeros(columns.rows, np.bool_)
        orders = self._orders
        orders.codes = array("i", code_of[np.frombuffer(orders.codes, np.int32)].tobytes())
        best = self._best(columns, valid, superseded, keys)
        valid &= ~superseded
        counts = self._count_interactions(valid, keys) if self._interactions else {}
        return Collected(
            keys, columns, valid, superseded, duplicate, conflicting, best, orders, counts, self.spool, self._attributes
        )

    def _find_duplicates(self) -> tuple[Bools, Bools]:
        """Return which rows repeat an earlier (source, id) with the same content, and which with other content."""
        first, second = (np.frombuffer(hashes, np.int64) for hashes in self._id_hashes)
        order = np.lexsort((second, first))  # stable: the first row of an id stays first
        same = np.zeros(len(order), np.bool_)
        a, b = order[:-1], order[1:]
        same[1:] = (first[a] == first[b]) & (second[a] == second[b])
        digests = np.frombuffer(self._digests, np.int64)
        first_of_run = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
        equal = digests[order] == digests[order[first_of_run]]
        duplicate, conflicting = np.zeros(len(order), np.bool_), np.zeros(len(order), np.bool_)
        duplicate[order[same & equal]] = True
        conflicting[order[same & ~equal]] = True
        return duplicate, conflicting

    def _best(self, columns: Columns, valid: Bools, superseded: Bools, keys: Keys) -> Ints:
        """Return the indexes of the statements whose facts are in effect; set in `superseded` the rows they replace."""
        orders = self._orders
        rows, codes = np.frombuffer(orders.rows, np.int64), np.frombuffer(orders.codes, np.int32)
        if not len(rows):
            return np.empty(0, np.int64)
        indexes = np.flatnonzero(valid[rows])
        _, inverse, counts = np.unique(codes[indexes], return_inverse=True, return_counts=True)
        several = counts[inverse] > 1
        best = [indexes[~several]]
        for run in _runs(indexes[several], codes):
            by_source: dict[int, list[int]] = {}
            for index in sorted(run, key=lambda index: (orders.reported_at[index], self._id(index, keys))):
                by_source.setdefault(int(columns.source[rows[index]]), []).append(index)
            ranked: list[tuple[tuple[bool, int, int, str], int]] = []
            for source, reports in by_source.items():
                in_effect = reports_in_effect(reports, lambda index: bool(orders.keeps_identifiers[index]))
                superseded[rows[[index for index in reports if index not in in_effect]]] = True
                newest = in_effect[0]
                tier = int(columns.tier[rows[newest]])
                ranked.append((precedence(columns.sources[source], tier, orders.reported_at[newest]), newest))
            best.append(np.array([min(ranked)[1]]))
        return np.sort(np.concatenate(best))

    def _id(self, index: int, keys: Keys) -> str:
        orders = self._orders
        own_id = orders.own_ids.get(orders.rows[index])
        return _default_id(keys[orders.codes[index]], orders.reported_at[index]) if own_id is None else own_id

    def _count_interactions(self, valid: Bools, keys: Keys) -> dict[int, InteractionCounts]:
        """Return the interaction counts by the codes of the identifiers to which the facts are attached."""
        totals: dict[str, InteractionCounts] = {}
        for is_valid, row in zip(valid.tolist(), self.spool, strict=True):
            if is_valid and row.fact_holders and (counts := interaction_counts_of(row.kind, row.facts, row.seen_at)):
                for key in row.fact_holders:
                    totals[key] = add((totals.get(key, {}), counts))
        return dict(zip(keys.codes(list(totals)), totals.values(), strict=True))


def _default_id(key: str, reported_at: int) -> str:
    """Return the id of a statement of an order whose number was sent exactly as in the key."""
    return statement_id(Identifier.from_key(key).value, reported_at)


def _runs(indexes: Ints, codes: Codes) -> Iterator[list[int]]:
    """Yield the indexes of each code together."""
    order = indexes[np.argsort(codes[indexes], kind="stable")]
    boundaries = np.flatnonzero(np.diff(codes[order])) + 1
    for run in np.split(order, boundaries) if len(order) else ():
        yield run.tolist()
