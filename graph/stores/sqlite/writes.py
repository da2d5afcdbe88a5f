"""What was decided, written to SQLite."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.domain.model.customers import Customer, Node
from graph.domain.model.facts import FactKind, detail
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.receipts import ObservationKey, Receipt, Standing
from graph.domain.model.store_values import NewNode, Writes
from graph.domain.profile.search import Field, text_of_facts, text_of_identifier
from graph.ports import LOADING
from graph.stores.sqlite import mapping, segments


def is_loading(db: mapping.Connection) -> bool:
    """Whether the store is being loaded with a history."""
    return db.execute("SELECT 1 FROM kept WHERE name = ?", (LOADING,)).fetchone() is not None


@dataclass(slots=True)
class Met:
    """What a transaction read or wrote of what is stored."""

    identifiers: dict[str, int] = field(default_factory=dict)
    """Key to number."""
    receipts: dict[ObservationKey, int] = field(default_factory=dict)
    """The same for observations."""
    customers: dict[Node, Customer] = field(default_factory=dict)


class Writing:
    """One write into a transaction that began; the caller commits."""

    def __init__(self, connection: mapping.Connection, met: Met) -> None:
        self._db, self._met = connection, met

    def write(self, writes: Writes) -> None:
        """Store what was decided."""
        nodes = self._write_customers(writes)
        self._write_members(writes, nodes)
        self._write_orders(writes)
        self._write_links(writes)
        self._write_receipts(writes.receipts)
        self._write_marks(writes)
        self._db.executemany(
            "INSERT INTO answered VALUES (?, ?, ?, ?, ?, ?)", map(mapping.answered_values, writes.answered)
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

    def _last(self, table: str) -> int:
        """The highest number of a table. One writer is at work, so the next rows' numbers are known beforehand."""
        ((last,),) = self._db.execute(f"SELECT coalesce(max(no), 0) FROM {table}").fetchall()
        return int(last)

    def _write_members(self, writes: Writes, made: dict[Node, int]) -> None:
        """Identifiers, and where they belong; new ones are written with their customer at once."""
        fresh: list[tuple[Any, ...]] = []
        known: list[tuple[Any, ...]] = []
        moves = {key: made.get(node, node) for key, node in writes.moves.items()}
        for key, member in writes.members.items():
            no = self._met.identifiers.get(key)
            if no is None:
                fresh.append((key, namespace_of(key), moves.pop(key, None), *mapping.member_values(member)))
            else:
                known.append((*mapping.member_values(member), no))
        if fresh:
            last = self._last("identifiers")
            self._met.identifiers.update({row[0]: no for no, row in enumerate(fresh, last + 1)})
            self._db.executemany(
                """INSERT INTO identifiers (no, key, namespace, customer, first_seen, last_seen, seen, sources, degree,
                    shared, blocked, marks, tally) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                [(self._met.identifiers[row[0]], *row) for row in fresh],
            )
            named = [(words, self._met.identifiers[row[0]]) for row in fresh if (words := text_of_identifier(row[0]))]
            self._db.executemany(
                "INSERT INTO search (words, identifier, observation, field) VALUES (?, ?, 0, 0)", named
            )
        self._db.executemany(
            """UPDATE identifiers SET first_seen = ?, last_seen = ?, seen = ?, sources = ?, degree = ?, shared = ?,
                blocked = ?, marks = ?, tally = ? WHERE no = ?""",
            known,
        )
        self._db.executemany(
            "UPDATE identifiers SET customer = ? WHERE no = ?",
            [(node, self._met.identifiers[key]) for key, node in moves.items()],
        )
        orders = [(node, self._met.identifiers[key]) for key, node in moves.items() if key.startswith("order=")]
        self._db.executemany("UPDATE orders SET customer = ? WHERE identifier = ?", orders)

    def _write_orders(self, writes: Writes) -> None:
        gone = [(self._met.identifiers[key],) for key, order in writes.orders.items() if order is None]
        self._db.executemany("DELETE FROM orders WHERE identifier = ?", gone)
        self._db.executemany(
            """INSERT INTO orders (identifier, key, customer, placed_at, source, facts)
                VALUES (?1, ?2, (SELECT customer FROM identifiers WHERE no = ?1), ?3, ?4, ?5)
                ON CONFLICT (identifier) DO UPDATE SET placed_at = ?3, source = ?4, facts = ?5""",
            [
                (self._met.identifiers[key], key, order.placed_at, order.source, order.facts())
                for key, order in writes.orders.items()
                if order is not None
            ],
        )

    def _write_links(self, writes: Writes) -> None:
        no = self._met.identifiers
        columns = "tier, first_seen, last_seen, count, sources, confidence, state, reason_code, reason"
        # Not replaced, which would take each from its other index and put it back.
        self._db.executemany(
            f"""INSERT INTO links (a, b, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (a, b) DO UPDATE SET ({columns}) = ({mapping.of("excluded", columns)})""",
            [(no[link.a], no[link.b], *mapping.link_values(link)) for link in writes.links.values()],
        )
        self._db.executemany("DELETE FROM links WHERE a = ? AND b = ?", [(no[a], no[b]) for a, b in writes.gone_links])

    def _write_receipts(self, receipts: Sequence[Receipt]) -> None:
        fresh = [one for one in receipts if one.key not in self._met.receipts]
        known = [one for one in receipts if one.key in self._met.receipts]
        last = self._last("observations")
        self._met.receipts.update({one.key: no for no, one in enumerate(fresh, last + 1)})
        number = self._met.receipts
        self._db.executemany(
            f"INSERT INTO observations (no, {mapping.RECEIPT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(number[one.key], *mapping.receipt_values(one)) for one in fresh],
        )
        self._db.executemany(
            f"UPDATE observations SET ({mapping.RECEIPT}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE no = ?",
            [(*mapping.receipt_values(one), number[one.key]) for one in known],
        )
        for one in known:
            self._unsay(number[one.key])
        named = [
            (self._met.identifiers[key], number[one.key])
            for one in receipts
            for key in one.keys
            if key in self._met.identifiers
        ]
        self._db.executemany("INSERT OR IGNORE INTO names (identifier, observation) VALUES (?, ?)", named)
        for one in receipts:
            if one.told_at or (one.kind and one.standing is not Standing.VALID):
                self._write_told(one, number[one.key])

    def _unsay(self, no: int) -> None:
        """Take back where the fact of an observation hung."""
        self._db.execute("DELETE FROM told WHERE observation = ?", (no,))
        for (row,) in self._db.execute("SELECT row FROM searched WHERE observation = ?", (no,)).fetchall():
            self._db.execute("DELETE FROM search WHERE rowid = ?", (row,))
        self._db.execute("DELETE FROM searched WHERE observation = ?", (no,))

    def _write_told(self, receipt: Receipt, no: int) -> None:
        """Where the fact of an observation hangs; nowhere, where it does not count."""
        if receipt.standing is Standing.VALID:
            carriers = [self._met.identifiers[key] for key in receipt.told_at]
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
            f"INSERT INTO marks ({mapping.MARK}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            map(mapping.mark_values, writes.marks_set),
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
            elif one.grew_from(self._met.customers.get(one.node)):
                grown.append(one)
            else:
                changed.append(one)
        # Ids may change places; uniqueness is checked at each write, so they are taken away first.
        self._db.executemany("UPDATE customers SET id = NULL WHERE no = ?", [(one.node,) for one in changed])
        self._db.executemany(
            """UPDATE customers SET id = ?, created_at = ?, anchor = ?, retired_at = ?, version = ?, anchor_seen = ?,
                counts = ?, suspended = ?, marks = ?, figures = ?, redirects_to = NULL, due_at = 0 WHERE no = ?""",
            [(*mapping.customer_values(one), one.node) for one in changed],
        )
        self._db.executemany(
            """UPDATE customers SET version = ?, anchor_seen = ?, counts = ?, suspended = ?, marks = ?, figures = ?
                WHERE no = ?""",
            [(*mapping.growing_values(one), one.node) for one in grown],
        )
        self._db.executemany(
            "UPDATE customers SET due_at = 0 WHERE no = ? AND due_at <> 0", [(one.node,) for one in grown]
        )
        last = self._last("customers")
        made: dict[Node, int] = {customer.node: no for no, customer in enumerate(fresh, last + 1)}
        self._db.executemany(
            """INSERT INTO customers (no, id, created_at, anchor, retired_at, version, anchor_seen, counts, suspended,
                marks, figures) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [(made[one.node], *mapping.customer_values(one)) for one in fresh],
        )
        self._db.executemany(
            "UPDATE customers SET redirects_to = (SELECT no FROM customers WHERE id = ?) WHERE id = ?",
            [(one.redirects_to, one.id) for one in writes.customers if one.redirects_to is not None],
        )
        self._met.customers |= {made.get(one.node, one.node): one for one in writes.customers}
        return made

    def _write_changes(self, writes: Writes) -> None:
        if not writes.changes:
            return
        last = self._last("changes")
        self._db.executemany(
            f"INSERT INTO changes ({mapping.CHANGE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(no, *mapping.change_values(change)) for no, change in enumerate(writes.changes, last + 1)],
        )
