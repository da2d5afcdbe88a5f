"""One write on SQLite: answers the requests of a write with what the file holds, and stores what was decided."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graph.domain.customers import Customer, Member, Node
from graph.domain.errors import StoreUnavailable
from graph.domain.facts import FactKind, detail
from graph.domain.identifiers import Pair, namespace_of
from graph.domain.links import Link
from graph.domain.marks import Mark, MarkKind
from graph.domain.observations import Statement
from graph.domain.receipts import ObservationKey, Receipt, Standing
from graph.domain.requests import Answered, RequestKey
from graph.domain.search import Field, text_of_facts, text_of_identifier
from graph.domain.snapshots import Around, NewNode, Region, Support, Writes
from graph.domain.texts import compact
from graph.ports import LOADING, ReadAround, ReadBelongings, ReadRegion, ReadSegments, ReadSupport, Request, Write
from graph.stores.embedded import rows, segments


def is_loading(db: rows.Connection) -> bool:
    """Whether the store is being loaded with a history."""
    return db.execute("SELECT 1 FROM kept WHERE name = ?", (LOADING,)).fetchone() is not None


class Transaction:
    """The answers to one write's requests; the caller begins and commits."""

    def __init__(self, connection: rows.Connection, loaded: Mapping[str, int] | None = None) -> None:
        """`loaded` are numbers of identifiers in a store that is being loaded."""
        self._db = connection
        self._loading = loaded is not None
        self._no: dict[str, int] = dict(loaded or {})
        """Key to the number of its identifier, as far as this write met it."""
        self._receipt_no: dict[ObservationKey, int] = {}
        """The same for observations."""
        self._stored: dict[Node, Customer] = {}
        """Customers as they are stored, as far as this write read or wrote them."""

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
                self.write(writes)
                return None

    def _all(self, sql: str, *values: Any) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    # --- reading

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
        found = (rows.answered(self._db, key) for key in keys)
        return {one.once.key: one for one in found if one is not None}

    def _members(self, where: str, values: Sequence[object]) -> dict[str, Member]:
        if not values:
            return {}
        found: dict[str, Member] = {}
        sql = f"SELECT {rows.MEMBER} FROM identifiers i LEFT JOIN orders o ON o.identifier = i.no WHERE {where}"
        for row in self._all(sql, compact(values)):
            self._no[row[1]] = row[0]
            found[row[1]] = rows.member(row)
        return found

    def _customers(self, where: str, values: Sequence[object]) -> dict[Node, Customer]:
        if not values:
            return {}
        found = self._all(f"SELECT {rows.CUSTOMER} FROM {rows.CUSTOMERS} WHERE {where}", compact(values))
        customers: dict[Node, Customer] = {row[0]: rows.customer(row) for row in found}
        self._stored |= customers
        return customers

    def _receipts(self, keys: Sequence[ObservationKey], orders: Sequence[str]) -> dict[ObservationKey, Receipt]:
        found: list[Any] = []
        if keys:
            found += self._all(
                f"""SELECT o.no, {rows.TOLD_AT}, {rows.of("o", rows.RECEIPT)}
                    FROM json_each(?) asked CROSS JOIN observations o
                    ON o.source = asked.value ->> 0 AND o.id = asked.value ->> 1""",
                compact(keys),
            )
        if orders:
            found += self._all(
                f"""SELECT no, '[]', {rows.RECEIPT} FROM observations
                    WHERE order_key <> '' AND order_key IN (SELECT value FROM json_each(?))""",
                compact(orders),
            )
        receipts: dict[ObservationKey, Receipt] = {}
        for no, told_at, *row in found:
            receipt = rows.receipt(row, told_at)
            receipts[receipt.key] = receipt
            self._receipt_no[receipt.key] = no
        return receipts

    def _links(self, pairs: Iterable[Pair]) -> dict[Pair, Link]:
        no = self._no
        asked = [(no[a], no[b], a, b) for a, b in pairs if a in no and b in no]
        if not asked:
            return {}
        keys = {(first, second): (a, b) for first, second, a, b in asked}
        found = self._all(
            f"""SELECT l.a, l.b, {rows.LINK} FROM json_each(?) asked CROSS JOIN links l
                ON l.a = asked.value ->> 0 AND l.b = asked.value ->> 1""",
            compact(list(keys)),
        )
        return {keys[row[0], row[1]]: rows.link(*keys[row[0], row[1]], row[2:]) for row in found}

    def _marks(self, keys: Sequence[str], ids: Sequence[str]) -> dict[str, Mark]:
        found = self._all(
            f"""SELECT {rows.MARK} FROM marks WHERE a IN (SELECT value FROM json_each(?1))
                OR b IN (SELECT value FROM json_each(?1)) OR id IN (SELECT value FROM json_each(?2))""",
            compact(keys),
            compact(ids),
        )
        return {row[0]: rows.mark(row) for row in found}

    def _support(self, keys: Sequence[str]) -> Support:
        support: dict[str, dict[ObservationKey, Statement]] = {key: {} for key in keys}
        found = self._all(
            f"""SELECT i.key, {rows.of("o", rows.STATEMENT)} FROM identifiers i JOIN names n ON n.identifier = i.no
                JOIN observations o ON o.no = n.observation
                WHERE o.standing = 'valid' AND i.key IN (SELECT value FROM json_each(?))""",
            compact(keys),
        )
        for key, *row in found:
            statement = rows.statement(row)
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
        nos = [self._no[key] for key in keys]
        if not nos:
            return {}
        found: dict[Pair, Link] = {}
        for end in ("a", "b"):
            sql = f"""SELECT x.key, y.key, {rows.LINK} FROM links l JOIN identifiers x ON x.no = l.a
                JOIN identifiers y ON y.no = l.b WHERE l.{end} IN (SELECT value FROM json_each(?)) {condition}"""
            for row in self._all(sql, compact(nos)):
                found[row[0], row[1]] = rows.link(row[0], row[1], row[2:])
        return found

    # --- writing

    def write(self, writes: Writes) -> None:
        """Store what was decided."""
        if not self._loading and is_loading(self._db):
            raise StoreUnavailable.loading()
        nodes = self._write_customers(writes)
        self._write_members(writes, nodes)
        self._write_orders(writes)
        self._write_links(writes)
        self._write_receipts(writes.receipts)
        self._write_marks(writes)
        self._db.executemany(
            "INSERT INTO answered VALUES (?, ?, ?, ?, ?, ?)", map(rows.answered_values, writes.answered)
        )
        self._write_changes(writes)
        self._db.executemany("INSERT OR REPLACE INTO kept (name, text) VALUES (?, ?)", writes.kept.items())
        segments.write(self._db, writes)
        if writes.reread is not None:
            source, id = writes.reread.upto or (None, None)
            self._db.execute(
                "UPDATE rules SET pending = ?, upto_source = ?, upto_id = ? WHERE version = ?",
                (writes.reread.upto is not None, source, id, writes.reread.version),
            )

    def _write_members(self, writes: Writes, made: dict[Node, int]) -> None:
        """Identifiers, and where they belong; new ones are written with their customer at once."""
        fresh: list[tuple[Any, ...]] = []
        known: list[tuple[Any, ...]] = []
        moves = {key: made.get(node, node) for key, node in writes.moves.items()}
        for key, member in writes.members.items():
            no = self._no.get(key)
            if no is None:
                fresh.append((key, namespace_of(key), moves.pop(key, None), *rows.member_values(member)))
            else:
                known.append((*rows.member_values(member), no))
        if fresh:
            # Numbers go up and one writer is at work, so the fresh rows' numbers are known beforehand.
            (last,) = self._all("SELECT coalesce(max(no), 0) FROM identifiers")[0]
            self._no.update({row[0]: no for no, row in enumerate(fresh, last + 1)})
            self._db.executemany(
                """INSERT INTO identifiers (no, key, namespace, customer, first_seen, last_seen, seen, sources, degree,
                    shared, blocked, marks, tally) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                [(self._no[row[0]], *row) for row in fresh],
            )
            named = [(words, self._no[row[0]]) for row in fresh if (words := text_of_identifier(row[0]))]
            self._db.executemany(
                "INSERT INTO search (words, identifier, observation, field) VALUES (?, ?, 0, 0)", named
            )
        self._db.executemany(
            """UPDATE identifiers SET first_seen = ?, last_seen = ?, seen = ?, sources = ?, degree = ?, shared = ?,
                blocked = ?, marks = ?, tally = ? WHERE no = ?""",
            known,
        )
        self._db.executemany(
            "UPDATE identifiers SET customer = ? WHERE no = ?", [(node, self._no[key]) for key, node in moves.items()]
        )
        orders = [(node, self._no[key]) for key, node in moves.items() if key.startswith("order=")]
        self._db.executemany("UPDATE orders SET customer = ? WHERE identifier = ?", orders)

    def _write_orders(self, writes: Writes) -> None:
        gone = [(self._no[key],) for key, order in writes.orders.items() if order is None]
        self._db.executemany("DELETE FROM orders WHERE identifier = ?", gone)
        self._db.executemany(
            """INSERT INTO orders (identifier, key, customer, placed_at, source, facts)
                VALUES (?1, ?2, (SELECT customer FROM identifiers WHERE no = ?1), ?3, ?4, ?5)
                ON CONFLICT (identifier) DO UPDATE SET placed_at = ?3, source = ?4, facts = ?5""",
            [
                (self._no[key], key, order.placed_at, order.source, order.facts())
                for key, order in writes.orders.items()
                if order is not None
            ],
        )

    def _write_links(self, writes: Writes) -> None:
        no = self._no
        columns = "tier, first_seen, last_seen, count, sources, confidence, state, reason_code, reason"
        # Not replaced, which would take each from its other index and put it back.
        self._db.executemany(
            f"""INSERT INTO links (a, b, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (a, b) DO UPDATE SET ({columns}) = ({rows.of("excluded", columns)})""",
            [(no[link.a], no[link.b], *rows.link_values(link)) for link in writes.links.values()],
        )
        self._db.executemany("DELETE FROM links WHERE a = ? AND b = ?", [(no[a], no[b]) for a, b in writes.gone_links])

    def _write_receipts(self, receipts: Sequence[Receipt]) -> None:
        fresh = [one for one in receipts if one.key not in self._receipt_no]
        known = [one for one in receipts if one.key in self._receipt_no]
        (last,) = self._all("SELECT coalesce(max(no), 0) FROM observations")[0]
        self._receipt_no.update({one.key: no for no, one in enumerate(fresh, last + 1)})
        number = self._receipt_no
        self._db.executemany(
            f"INSERT INTO observations (no, {rows.RECEIPT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(number[one.key], *rows.receipt_values(one)) for one in fresh],
        )
        self._db.executemany(
            f"UPDATE observations SET ({rows.RECEIPT}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE no = ?",
            [(*rows.receipt_values(one), number[one.key]) for one in known],
        )
        for one in known:
            self._unsay(number[one.key])
        named = [(self._no[key], number[one.key]) for one in receipts for key in one.keys if key in self._no]
        self._db.executemany("INSERT OR IGNORE INTO names (identifier, observation) VALUES (?, ?)", named)
        for one in receipts:
            if one.told_at or (one.kind and one.standing is not Standing.VALID):
                self._write_told(one, number[one.key])

    def _unsay(self, no: int) -> None:
        """Take back where the fact of an observation hung."""
        self._db.execute("DELETE FROM told WHERE observation = ?", (no,))
        for (row,) in self._all("SELECT row FROM searched WHERE observation = ?", no):
            self._db.execute("DELETE FROM search WHERE rowid = ?", (row,))
        self._db.execute("DELETE FROM searched WHERE observation = ?", (no,))

    def _write_told(self, receipt: Receipt, no: int) -> None:
        """Where the fact of an observation hangs; nowhere, where it does not count."""
        if receipt.standing is Standing.VALID:
            carriers = [self._no[key] for key in receipt.told_at]
            filters = detail(receipt.kind, receipt.facts)
            self._db.executemany(
                """INSERT INTO told (identifier, kind, at, observation, type, channel, campaign, sku)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
                [(carrier, receipt.kind, receipt.seen_at, no, *filters) for carrier in carriers],
            )
            words = text_of_facts(receipt.kind, receipt.facts)
            for carrier in carriers if words else ():
                field = Field.ATTRIBUTES if receipt.kind == FactKind.ATTRIBUTES.value else Field.INTERACTION
                cursor = self._db.execute("INSERT INTO search VALUES (?, ?, ?, ?)", (words, carrier, no, field))
                self._db.execute("INSERT INTO searched VALUES (?, ?)", (no, cursor.lastrowid))
            self._db.executemany(
                "UPDATE identifiers SET told = 1 WHERE no = ? AND told = 0", [(carrier,) for carrier in carriers]
            )

    def _write_marks(self, writes: Writes) -> None:
        self._db.executemany(
            f"INSERT INTO marks ({rows.MARK}) VALUES (?, ?, ?, ?, ?, ?, ?)", map(rows.mark_values, writes.marks_set)
        )
        self._db.executemany("DELETE FROM marks WHERE id = ?", [(mark.id,) for mark in writes.marks_removed])

    def _write_customers(self, writes: Writes) -> dict[Node, int]:
        """Returns the numbers of the rows that new nodes became."""
        for source, target in writes.absorbed:
            self._db.execute("UPDATE identifiers SET customer = ? WHERE customer = ?", (target, source))
            self._db.execute("UPDATE orders SET customer = ? WHERE customer = ?", (target, source))
            self._db.execute("UPDATE customers SET redirects_to = ? WHERE redirects_to = ?", (target, source))
        fresh, grown, changed = [], [], []
        for one in writes.customers:
            if isinstance(one.node, NewNode):
                fresh.append(one)
            elif self._stands(one):
                grown.append(one)
            else:
                changed.append(one)
        # Ids may change places; uniqueness is checked at each write, so they are taken away first.
        self._db.executemany("UPDATE customers SET id = NULL WHERE no = ?", [(one.node,) for one in changed])
        self._db.executemany(
            """UPDATE customers SET id = ?, created_at = ?, version = ?, anchor = ?, anchor_seen = ?, counts = ?,
                suspended = ?, marks = ?, figures = ?, retired_at = ?, redirects_to = NULL, due_at = 0 WHERE no = ?""",
            [(*rows.customer_values(one), one.node) for one in changed],
        )
        self._db.executemany(
            """UPDATE customers SET version = ?, anchor_seen = ?, counts = ?, suspended = ?, marks = ?, figures = ?
                WHERE no = ?""",
            [(*rows.growing_values(one), one.node) for one in grown],
        )
        self._db.executemany(
            "UPDATE customers SET due_at = 0 WHERE no = ? AND due_at <> 0", [(one.node,) for one in grown]
        )
        (last,) = self._all("SELECT coalesce(max(no), 0) FROM customers")[0]
        made: dict[Node, int] = {customer.node: no for no, customer in enumerate(fresh, last + 1)}
        self._db.executemany(
            """INSERT INTO customers (no, id, created_at, version, anchor, anchor_seen, counts, suspended, marks,
                figures, retired_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [(made[one.node], *rows.customer_values(one)) for one in fresh],
        )
        self._db.executemany(
            "UPDATE customers SET redirects_to = (SELECT no FROM customers WHERE id = ?) WHERE id = ?",
            [(one.redirects_to, one.id) for one in writes.customers if one.redirects_to is not None],
        )
        self._stored |= {made.get(one.node, one.node): one for one in writes.customers}
        return made

    def _stands(self, one: Customer) -> bool:
        """Whether nothing changes in what customers are found by, so that no index is written."""
        stored = self._stored.get(one.node)
        return stored is not None and rows.found_by(stored) == rows.found_by(one)

    def _write_changes(self, writes: Writes) -> None:
        if not writes.changes:
            return
        (last,) = self._all("SELECT coalesce(max(no), 0) FROM changes")[0]
        self._db.executemany(
            f"INSERT INTO changes ({rows.CHANGE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(no, *rows.change_values(change)) for no, change in enumerate(writes.changes, last + 1)],
        )
