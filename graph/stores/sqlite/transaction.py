"""One write on SQLite: answers the requests of a write with what the file holds, and stores what was decided."""

from collections.abc import Iterable, Sequence
from typing import Any

from graph.domain.model.customers import Customer, Member, Node
from graph.domain.model.errors import StoreUnavailable
from graph.domain.model.idempotency import Answered, RequestKey
from graph.domain.model.identifiers import Pair
from graph.domain.model.json_text import compact
from graph.domain.model.links import Link
from graph.domain.model.observations import Statement
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.store_values import Around, Region, Support
from graph.ports import ReadAround, ReadBelongings, ReadRegion, ReadSegments, ReadSupport, Request, Write
from graph.stores.sqlite import mapping, segments
from graph.stores.sqlite.writes import Met, Writing, is_loading


class Transaction:
    """The answers to one write's requests; the caller begins and commits."""

    def __init__(self, connection: mapping.Connection) -> None:
        self._db = connection
        self._met = Met()

    def answer(self, request: Request) -> object:
        """What a request reads or writes."""
        match request:
            case ReadAround():
                return self._around(request)
            case ReadSupport(keys):
                return self._support(keys)
            case ReadRegion(seeds, opened):
                return self._region(seeds, opened)
            case ReadSegments():
                return segments.segments(self._db)
            case ReadBelongings(ids):
                return segments.belongings(self._db, ids)
            case Write(writes):
                if is_loading(self._db):
                    raise StoreUnavailable.loading()
                Writing(self._db, self._met).write(writes)
                return None

    def _all(self, sql: str, *values: Any) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def _around(self, request: ReadAround) -> Around:
        members = self._members("i.key IN (SELECT value FROM json_each(?))", request.keys)
        customers = self._customers(
            "c.no IN (SELECT value FROM json_each(?))",
            list({member.customer for member in members.values() if member.customer is not None}),
        )
        marks = {}
        if request.marked or request.marks:
            marks = self._marks(request.marked, request.marks)
        return Around(
            self._receipts(request.receipts, request.orders),
            members,
            self._links(request.pairs),
            customers,
            marks,
            self._answered(request.requests),
            self._all("SELECT coalesce(max(version), 0) FROM rules")[0][0],
        )

    def _answered(self, keys: Sequence[RequestKey]) -> dict[RequestKey, Answered]:
        found = (mapping.answered(self._db, key) for key in keys)
        return {one.once.key: one for one in found if one is not None}

    def _members(self, where: str, values: Sequence[object]) -> dict[str, Member]:
        if not values:
            return {}
        found: dict[str, Member] = {}
        sql = f"SELECT {mapping.MEMBER} FROM identifiers i LEFT JOIN orders o ON o.identifier = i.no WHERE {where}"
        for row in self._all(sql, compact(values)):
            self._met.identifiers[row[1]] = row[0]
            found[row[1]] = mapping.member(row)
        return found

    def _customers(self, where: str, values: Sequence[object]) -> dict[Node, Customer]:
        if not values:
            return {}
        found = self._all(f"SELECT {mapping.CUSTOMER} FROM {mapping.CUSTOMERS} WHERE {where}", compact(values))
        customers: dict[Node, Customer] = {row[0]: mapping.customer(row) for row in found}
        self._met.customers |= customers
        return customers

    def _receipts(self, keys: Sequence[ObservationKey], orders: Sequence[str]) -> dict[ObservationKey, Receipt]:
        found: list[Any] = []
        if keys:
            found += self._all(
                f"""SELECT o.no, {mapping.TOLD_AT}, {mapping.of("o", mapping.RECEIPT)}
                    FROM json_each(?) asked CROSS JOIN observations o
                    ON o.source = asked.value ->> 0 AND o.id = asked.value ->> 1""",
                compact(keys),
            )
        if orders:
            found += self._all(
                f"""SELECT no, '[]', {mapping.RECEIPT} FROM observations
                    WHERE order_key <> '' AND order_key IN (SELECT value FROM json_each(?))""",
                compact(orders),
            )
        receipts: dict[ObservationKey, Receipt] = {}
        for no, told_at, *row in found:
            receipt = mapping.receipt(row, told_at)
            receipts[receipt.key] = receipt
            self._met.receipts[receipt.key] = no
        return receipts

    def _links(self, pairs: Iterable[Pair]) -> dict[Pair, Link]:
        no = self._met.identifiers
        asked = [(no[a], no[b], a, b) for a, b in pairs if a in no and b in no]
        if not asked:
            return {}
        keys = {(first, second): (a, b) for first, second, a, b in asked}
        found = self._all(
            f"""SELECT l.a, l.b, {mapping.LINK} FROM json_each(?) asked CROSS JOIN links l
                ON l.a = asked.value ->> 0 AND l.b = asked.value ->> 1""",
            compact(list(keys)),
        )
        return {keys[row[0], row[1]]: mapping.link(*keys[row[0], row[1]], row[2:]) for row in found}

    def _marks(self, keys: Sequence[str], ids: Sequence[str]) -> dict[str, Mark]:
        found = self._all(
            f"""SELECT {mapping.MARK} FROM marks WHERE a IN (SELECT value FROM json_each(?1))
                OR b IN (SELECT value FROM json_each(?1)) OR id IN (SELECT value FROM json_each(?2))""",
            compact(keys),
            compact(ids),
        )
        return {row[0]: mapping.mark(row) for row in found}

    def _support(self, keys: Sequence[str]) -> Support:
        support: dict[str, dict[ObservationKey, Statement]] = {key: {} for key in keys}
        found = self._all(
            f"""SELECT i.key, {mapping.of("o", mapping.STATEMENT)} FROM identifiers i
                JOIN names n ON n.identifier = i.no JOIN observations o ON o.no = n.observation
                WHERE o.standing = 'valid' AND i.key IN (SELECT value FROM json_each(?))""",
            compact(keys),
        )
        for key, *row in found:
            statement = mapping.statement(row)
            # Read anew under other rules, an observation may not name what it once did.
            if key in statement.keys:
                support[key][statement.source, statement.id] = statement
        return support

    def _region(self, seeds: frozenset[str], opened: frozenset[str]) -> Region:
        members: dict[str, Member] = {}
        links: dict[Pair, Link] = {}
        marks: dict[str, Mark] = {}
        frontier: set[str] = set(seeds | opened)
        reached: set[str] = set()
        while frontier:
            reached |= frontier
            fresh = self._members("i.key IN (SELECT value FROM json_each(?))", sorted(frontier))
            members.update(fresh)
            found: set[str] = set()
            idle_only = {key for key, member in fresh.items() if member.shared or member.blocked} - opened
            for ends, link in self._links_at(fresh.keys() - idle_only - opened, "AND l.state <> 'idle'").items():
                links[ends] = link
                found.update(ends)
            for ends, link in self._links_at(fresh.keys() & opened, "").items():
                links[ends] = link
                found.update(ends)
            if any(member.marks for member in fresh.values()):
                for mark in self._marks(list(fresh), ()).values():
                    marks[mark.id] = mark
                    if mark.kind is MarkKind.TOGETHER:
                        found.update(mark.keys)
            frontier = found - reached
        customers = self._customers("c.anchor IN (SELECT value FROM json_each(?))", sorted(reached))
        held = {member.customer for member in members.values() if member.customer is not None} - customers.keys()
        customers |= self._customers("c.no IN (SELECT value FROM json_each(?))", list(held))
        return Region(members, links, marks, customers)

    def _links_at(self, keys: Iterable[str], condition: str) -> dict[Pair, Link]:
        nos = [self._met.identifiers[key] for key in keys]
        if not nos:
            return {}
        found: dict[Pair, Link] = {}
        for end in ("a", "b"):
            sql = f"""SELECT x.key, y.key, {mapping.LINK} FROM links l JOIN identifiers x ON x.no = l.a
                JOIN identifiers y ON y.no = l.b WHERE l.{end} IN (SELECT value FROM json_each(?)) {condition}"""
            for row in self._all(sql, compact(nos)):
                found[row[0], row[1]] = mapping.link(row[0], row[1], row[2:])
        return found
