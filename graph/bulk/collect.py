"""Rows come in, in the order of the files; out comes which of them count (design.md §4, step 1; `domain.intake`)."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from graph.bulk.columns import Bools, Codes, Columns, Growing, Ints
from graph.bulk.keys import Keys
from graph.bulk.spool import Row, Spool
from graph.domain.model.facts import FactKind
from graph.domain.model.identifiers import Identifier
from graph.domain.model.interaction_counts import Tally, add, tally_of
from graph.domain.model.orders import Order, statement_id
from graph.domain.model.receipts import Standing


@dataclass(slots=True)
class Gathered:
    """What came. `valid` rows support links; `superseded` are statements of orders that newer ones replaced.

    `repeated` rows came before, `conflicting` ones with other content; neither is stored. `best` are the rows of
    statements whose facts hold for their order.
    """

    keys: Keys
    columns: Columns
    valid: Bools
    superseded: Bools
    repeated: Bools
    conflicting: Bools
    best: Ints
    orders: "_Orders"
    tallies: dict[int, Tally]
    """By code."""
    spool: Spool

    def order_at(self, at: int) -> tuple[int, Order]:
        """The code and the facts of the order of the best row at a place."""
        place = int(self.best[at])
        source, facts = self.spool.text(self.orders.facts[place]).rsplit("\n", 1)
        return self.orders.codes[place], Order.from_facts(source, facts)


class _Orders:
    """The rows that state orders: each with the code of its order, when it was stated, and where its facts are."""

    def __init__(self) -> None:
        self.rows, self.codes, self.stated_at, self.facts = array("q"), array("i"), array("q"), array("q")
        self.number: dict[int, str] = {}
        """The id of a row where it is not the order's key that tells it."""

    def add(self, row: int, code: int, one: Row, facts: int) -> None:
        self.rows.append(row)
        self.codes.append(code)
        self.stated_at.append(one.stated_at)
        self.facts.append(facts)
        if one.id != _usual_id(one.order_key, one.stated_at):
            self.number[row] = one.id


@dataclass(slots=True)
class Gathering:
    """Takes rows in and keeps of each what resolution needs; the rest goes to the spool."""

    spool: Spool
    _growing: Growing = field(default_factory=Growing)
    _names: tuple["array[int]", "array[int]"] = field(default_factory=lambda: (array("q"), array("q")))
    _digests: "array[int]" = field(default_factory=lambda: array("q"))
    _active: "array[int]" = field(default_factory=lambda: array("b"))
    _orders: _Orders = field(default_factory=_Orders)
    _interactions: bool = False

    def add(self, row: Row) -> None:
        """Take in the next row."""
        codes = self._growing.add(row.source, row.keys, row.tier, row.seen_at, row.confidence)
        # 128 bits of a name: two different ones with the same are not to be met.
        self._names[0].append(hash((row.source, row.id)))
        self._names[1].append(hash((row.id, row.source, 1)))
        self._digests.append(int(row.digest[:15], 16))
        self._active.append(row.standing == Standing.VALID.value)
        if row.order_key in row.keys:
            # Facts are JSON without line breaks, whatever a source's name holds.
            facts = self.spool.put(f"{row.source}\n{row.facts}")
            self._orders.add(self._growing.rows - 1, codes[row.keys.index(row.order_key)], row, facts)
        self._interactions |= row.kind == FactKind.INTERACTION.value
        # An order's facts are kept once, where they are looked up.
        self.spool.add(row._replace(facts="") if row.order_key else row)

    def settle(self) -> Gathered:
        """What all rows come to; nothing may be added after."""
        columns = self._growing.columns()
        keys, place = Keys.of(self._growing.code)
        self._growing.code.clear()
        columns.codes = place[columns.codes]
        repeated, conflicting = self._again()
        valid = np.frombuffer(self._active, np.int8).astype(bool) & ~repeated & ~conflicting
        superseded = np.zeros(columns.rows, np.bool_)
        orders = self._orders
        orders.codes = array("i", place[np.frombuffer(orders.codes, np.int32)].tobytes())
        best = self._best(columns, valid, superseded, keys)
        valid &= ~superseded
        tallies = self._tallies(valid, keys) if self._interactions else {}
        return Gathered(keys, columns, valid, superseded, repeated, conflicting, best, orders, tallies, self.spool)

    def _again(self) -> tuple[Bools, Bools]:
        """Which rows came before, by source and id, with the same content, and which with other content."""
        first, second = (np.frombuffer(one, np.int64) for one in self._names)
        order = np.lexsort((second, first))  # stable: of one name the first row stays the first
        same = np.zeros(len(order), np.bool_)
        a, b = order[:-1], order[1:]
        same[1:] = (first[a] == first[b]) & (second[a] == second[b])
        digests = np.frombuffer(self._digests, np.int64)
        begin = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
        alike = digests[order] == digests[order[begin]]
        repeated, conflicting = np.zeros(len(order), np.bool_), np.zeros(len(order), np.bool_)
        repeated[order[same & alike]] = True
        conflicting[order[same & ~alike]] = True
        return repeated, conflicting

    def _best(self, columns: Columns, valid: Bools, superseded: Bools, keys: Keys) -> Ints:
        """The places among the orders whose facts hold; notes which rows newer ones of their source replaced."""
        orders = self._orders
        rows, codes = np.frombuffer(orders.rows, np.int64), np.frombuffer(orders.codes, np.int32)
        if not len(rows):
            return np.empty(0, np.int64)
        places = np.flatnonzero(valid[rows])
        _, inverse, counts = np.unique(codes[places], return_inverse=True, return_counts=True)
        several = counts[inverse] > 1
        best = [places[~several]]
        for mine in _runs(places[several], codes):
            newest: dict[int, int] = {}
            for place in sorted(mine, key=lambda place: (orders.stated_at[place], self._id(place, keys))):
                source = int(columns.source[rows[place]])
                if source in newest:
                    superseded[rows[newest[source]]] = True
                newest[source] = place
            named = [(-orders.stated_at[place], columns.sources[source], place) for source, place in newest.items()]
            best.append(np.array([min(named)[2]]))
        return np.sort(np.concatenate(best))

    def _id(self, place: int, keys: Keys) -> str:
        orders = self._orders
        known = orders.number.get(orders.rows[place])
        return _usual_id(keys[orders.codes[place]], orders.stated_at[place]) if known is None else known

    def _tallies(self, valid: Bools, keys: Keys) -> dict[int, Tally]:
        """What is counted at the identifiers that facts hang on."""
        found: dict[str, Tally] = {}
        for counts, row in zip(valid.tolist(), self.spool, strict=True):
            if counts and row.told_at and (tally := tally_of(row.kind, row.facts, row.seen_at)):
                for key in row.told_at:
                    found[key] = add((found.get(key, {}), tally))
        return dict(zip(keys.codes(list(found)), found.values(), strict=True))


def _usual_id(key: str, stated_at: int) -> str:
    """The id of a statement of an order whose number was sent as it is in the key."""
    return statement_id(Identifier.from_key(key).value, stated_at)


def _runs(places: Ints, codes: Codes) -> Iterator[list[int]]:
    """Places of one code together."""
    order = places[np.argsort(codes[places], kind="stable")]
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    for run in np.split(order, cuts) if len(order) else ():
        yield run.tolist()
