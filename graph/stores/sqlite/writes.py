"""The writes of a command, stored in SQLite."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.domain.model.customers import Customer, Member, Node
from graph.domain.model.facts import FactKind, detail
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.receipts import ObservationKey, ObservationStatus, Receipt
from graph.domain.model.segments import DUE_FIRST
from graph.domain.model.store_values import NewNode, Writes
from graph.domain.profile.search import SearchField, text_of_facts
from graph.ports import LOADING
from graph.stores.sqlite import audiences, erasures, history, mapping, restrictions, segments
from graph.stores.sqlite.search import insert_identifier_texts
from graph.stores.sqlite.source_revocations import SOURCE_REVOCATION, source_revocation_values


def is_loading(db: mapping.Connection) -> bool:
    """Return whether the store is being loaded with a whole history."""
    return db.execute("SELECT 1 FROM stored_values WHERE name = ?", (LOADING,)).fetchone() is not None


@dataclass(slots=True)
class StoredHandles:
    """What a transaction has read or written."""

    identifiers: dict[str, int] = field(default_factory=dict)
    """Row ids by key."""
    receipts: dict[ObservationKey, int] = field(default_factory=dict)
    """Row ids by observation key."""
    members: dict[str, Member] = field(default_factory=dict)
    customers: dict[Node, Customer] = field(default_factory=dict)


class Writer:
    """Writes into a transaction that has begun. The caller commits."""

    def __init__(self, connection: mapping.Connection, handles: StoredHandles) -> None:
        self._db, self._handles = connection, handles

    def write(self, writes: Writes) -> None:
        """Store the decided writes."""
        row_ids = self._write_customers(writes)
        self._write_members(writes, row_ids)
        self._write_orders(writes)
        self._write_links(writes)
        self._write_disputed(writes)
        self._write_receipts(writes.receipts)
        self._write_overrides(writes)
        self._db.executemany(
            "INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?)",
            map(mapping.idempotent_result_values, writes.idempotent_results),
        )
        self._write_changes(writes)
        self._db.executemany("INSERT OR REPLACE INTO stored_values (name, value) VALUES (?, ?)", writes.values.items())
        segments.write(self._db, writes)
        self._db.executemany(
            f"INSERT OR REPLACE INTO source_revocations ({SOURCE_REVOCATION}) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            map(source_revocation_values, writes.source_revocations),
        )
        restrictions.write(self._db, writes)
        audiences.write(self._db, writes)
        erasures.write(self._db, writes)
        if writes.reprocessing is not None:
            source, id = writes.reprocessing.processed_to or (None, None)
            self._db.execute(
                "UPDATE rules SET pending = ?, processed_to_source = ?, processed_to_id = ? WHERE version = ?",
                (writes.reprocessing.processed_to is not None, source, id, writes.reprocessing.version),
            )

    def _last_id(self, table: str) -> int:
        """Return the highest id of a table. There is one writer at a time, so the ids of the next rows follow it."""
        ((last,),) = self._db.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchall()
        return int(last)

    def _write_members(self, writes: Writes, customer_rows: dict[Node, int]) -> None:
        """Store identifiers and their customers. New identifiers are stored with their customer at once."""
        created: list[tuple[Any, ...]] = []
        updated: list[tuple[Any, ...]] = []
        seen_again: list[tuple[Any, ...]] = []
        moves = {key: customer_rows.get(node, node) for key, node in writes.moves.items()}
        stored, row_ids = self._handles.members, self._handles.identifiers
        for key, member in writes.members.items():
            row_id = row_ids.get(key)
            if row_id is None:
                created.append((key, namespace_of(key), moves.pop(key, None), *mapping.member_values(member)))
            elif member.differs_in_evidence_alone(stored.get(key)):
                seen_again.append((*mapping.evidence_values(member.evidence), row_id))
            else:
                updated.append((*mapping.member_values(member), row_id))
        stored.update(writes.members)
        if created:
            last = self._last_id("identifiers")
            self._handles.identifiers.update({row[0]: row_id for row_id, row in enumerate(created, last + 1)})
            self._db.executemany(
                """INSERT INTO identifiers (id, key, namespace, customer, first_seen_at, last_seen_at,
                    observation_count, sources, degree, shared, blocked, override_count, interaction_counts,
                    guarded_values)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                [(self._handles.identifiers[row[0]], *row) for row in created],
            )
            insert_identifier_texts(self._db, ((row[0], self._handles.identifiers[row[0]]) for row in created))
        self._db.executemany(
            """UPDATE identifiers SET first_seen_at = ?, last_seen_at = ?, observation_count = ?, sources = ?,
                degree = ?, shared = ?, blocked = ?, override_count = ?, interaction_counts = ?,
                guarded_values = ? WHERE id = ?""",
            updated,
        )
        self._db.executemany(
            """UPDATE identifiers SET first_seen_at = ?, last_seen_at = ?, observation_count = ?, sources = ?
                WHERE id = ?""",
            seen_again,
        )
        self._db.executemany(
            "UPDATE identifiers SET customer = ? WHERE id = ?",
            [(node, self._handles.identifiers[key]) for key, node in moves.items()],
        )
        orders = [(node, self._handles.identifiers[key]) for key, node in moves.items() if key.startswith("order=")]
        self._db.executemany("UPDATE orders SET customer = ? WHERE identifier = ?", orders)

    def _write_orders(self, writes: Writes) -> None:
        removed = [(self._handles.identifiers[key],) for key, order in writes.orders.items() if order is None]
        self._db.executemany("DELETE FROM orders WHERE identifier = ?", removed)
        self._db.executemany(
            """INSERT INTO orders (identifier, key, customer, placed_at, source, facts)
                VALUES (?1, ?2, (SELECT customer FROM identifiers WHERE id = ?1), ?3, ?4, ?5)
                ON CONFLICT (identifier) DO UPDATE SET placed_at = ?3, source = ?4, facts = ?5""",
            [
                (self._handles.identifiers[key], key, order.placed_at, order.source, order.facts())
                for key, order in writes.orders.items()
                if order is not None
            ],
        )

    def _write_links(self, writes: Writes) -> None:
        row_ids = self._handles.identifiers
        columns = (
            "tier, first_seen_at, last_seen_at, observation_count, sources, confidence, state, reason_code, reason"
        )
        # Not `INSERT OR REPLACE`, which would remove each row from the other index and insert it again.
        self._db.executemany(
            f"""INSERT INTO links (a, b, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (a, b) DO UPDATE SET ({columns}) = ({mapping.of("excluded", columns)})""",
            [(row_ids[link.a], row_ids[link.b], *mapping.link_values(link)) for link in writes.links.values()],
        )
        self._db.executemany(
            "DELETE FROM links WHERE a = ? AND b = ?", [(row_ids[a], row_ids[b]) for a, b in writes.removed_links]
        )

    def _write_disputed(self, writes: Writes) -> None:
        """Mark the identifiers that are looked at if their customer merges with another."""
        self._db.executemany(
            "UPDATE identifiers SET disputed = 1 WHERE id = ? AND disputed = 0",
            [(self._handles.identifiers[key],) for key in sorted(writes.disputed_keys())],
        )

    def _write_receipts(self, receipts: Sequence[Receipt]) -> None:
        row_ids = self._handles.receipts
        created: list[Receipt] = []
        updated: list[Receipt] = []
        last = self._last_id("observations") if receipts else 0
        for receipt in receipts:
            if receipt.key in row_ids:
                updated.append(receipt)
            else:
                created.append(receipt)
                row_ids[receipt.key] = last + len(created)
        self._db.executemany(
            f"INSERT INTO observations (id, {mapping.RECEIPT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(row_id, *mapping.receipt_values(receipt)) for row_id, receipt in enumerate(created, last + 1)],
        )
        self._db.executemany(
            f"UPDATE observations SET ({mapping.RECEIPT}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",
            [(*mapping.receipt_values(receipt), row_ids[receipt.key]) for receipt in updated],
        )
        for receipt in updated:
            erasures.remove_fact(self._db, row_ids[receipt.key])
        self._write_unindexed(created, updated)
        mentions = [
            (self._handles.identifiers[key], row_ids[receipt.key])
            for receipt in receipts
            for key in receipt.keys
            if key in self._handles.identifiers
        ]
        self._db.executemany(
            "INSERT OR IGNORE INTO observation_identifiers (identifier, observation) VALUES (?, ?)", mentions
        )
        for receipt in receipts:
            if receipt.fact_holders or (receipt.kind and receipt.status is not ObservationStatus.VALID):
                self._write_fact(receipt, row_ids[receipt.key])

    def _write_unindexed(self, created: Sequence[Receipt], updated: Sequence[Receipt]) -> None:
        """Store which observations name an identifier that does not lead to them."""
        row_ids, stored = self._handles.receipts, self._handles.identifiers
        self._db.executemany(
            "DELETE FROM unindexed_observations WHERE observation = ?", [(row_ids[item.key],) for item in updated]
        )
        unindexed = [(row_ids[item.key],) for item in (*created, *updated) if not item.is_indexed(stored)]
        self._db.executemany("INSERT INTO unindexed_observations VALUES (?)", unindexed)

    def _write_fact(self, receipt: Receipt, row_id: int) -> None:
        """Attach the fact of a valid observation to its identifiers."""
        if receipt.status is ObservationStatus.VALID:
            holders = [self._handles.identifiers[key] for key in receipt.fact_holders]
            filters = detail(receipt.kind, receipt.facts)
            self._db.executemany(
                """INSERT INTO facts (identifier, kind, at, observation, type, channel, campaign, sku)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
                [(holder, receipt.kind, receipt.seen_at, row_id, *filters) for holder in holders],
            )
            words = text_of_facts(receipt.kind, receipt.facts)
            for holder in holders if words else ():
                field = (
                    SearchField.ATTRIBUTES if receipt.kind == FactKind.ATTRIBUTES.value else SearchField.INTERACTIONS
                )
                cursor = self._db.execute("INSERT INTO search VALUES (?, ?, ?, ?)", (words, holder, row_id, field))
                self._db.execute("INSERT INTO fact_search_rows VALUES (?, ?)", (row_id, cursor.lastrowid))
            self._db.executemany(
                "UPDATE identifiers SET holds_facts = 1 WHERE id = ? AND holds_facts = 0",
                [(holder,) for holder in holders],
            )

    def _write_overrides(self, writes: Writes) -> None:
        self._db.executemany(
            f"INSERT INTO overrides ({history.OVERRIDE}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            map(history.override_values, writes.overrides_set),
        )
        self._db.executemany(
            "DELETE FROM overrides WHERE id = ?", [(override.id,) for override in writes.overrides_removed]
        )

    def _write_customers(self, writes: Writes) -> dict[Node, int]:
        """Store customers. Return the row ids of new nodes."""
        # Before ids change rows: who is due first stays so, whatever is written before its evaluation.
        self._db.executemany(
            """UPDATE customers SET due_at = ? WHERE public_id = ?
                AND (SELECT due_at FROM customers WHERE public_id = ?) < 0""",
            [(DUE_FIRST, survivor, merged) for merged, survivor in writes.merged_ids],
        )
        absorbed = [(target, source) for source, target in writes.absorbed]
        self._db.executemany("UPDATE identifiers SET customer = ? WHERE customer = ?", absorbed)
        self._db.executemany("UPDATE orders SET customer = ? WHERE customer = ?", absorbed)
        self._db.executemany("UPDATE customers SET redirects_to = ? WHERE redirects_to = ?", absorbed)
        created, grown, changed = [], [], []
        for customer in writes.customers:
            if isinstance(customer.node, NewNode):
                created.append(customer)
            elif customer.has_same_lookup(self._handles.customers.get(customer.node)):
                grown.append(customer)
            else:
                changed.append(customer)
        # Rows may swap ids, and uniqueness is checked at each statement, so ids are removed first.
        self._db.executemany(
            "UPDATE customers SET public_id = NULL WHERE id = ?", [(customer.node,) for customer in changed]
        )
        self._db.executemany(
            """UPDATE customers SET public_id = ?, created_at = ?, anchor = ?, retired_at = ?, version = ?,
                anchor_first_seen_at = ?, counts = ?, suspended = ?, override_count = ?,
                order_totals = ?, value_sets = ?, redirects_to = NULL, due_at = min(due_at, 0)
                WHERE id = ?""",
            [(*mapping.customer_values(customer), customer.node) for customer in changed],
        )
        self._db.executemany(
            """UPDATE customers SET version = ?, anchor_first_seen_at = ?, counts = ?, suspended = ?,
                override_count = ?, order_totals = ?, value_sets = ? WHERE id = ?""",
            [(*mapping.growing_values(customer), customer.node) for customer in grown],
        )
        # Without segments nobody is due later, which one look into the index shows.
        if grown and self._db.execute("SELECT 1 FROM customers WHERE due_at > 0 LIMIT 1").fetchone():
            self._db.executemany(
                "UPDATE customers SET due_at = 0 WHERE id = ? AND due_at > 0", [(customer.node,) for customer in grown]
            )
        last = self._last_id("customers")
        row_ids: dict[Node, int] = {customer.node: row_id for row_id, customer in enumerate(created, last + 1)}
        self._db.executemany(
            """INSERT INTO customers (id, public_id, created_at, anchor, retired_at, version, anchor_first_seen_at,
                counts, suspended, override_count, order_totals, value_sets)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [(row_ids[customer.node], *mapping.customer_values(customer)) for customer in created],
        )
        self._db.executemany(
            "UPDATE customers SET redirects_to = (SELECT id FROM customers WHERE public_id = ?) WHERE public_id = ?",
            [
                (customer.redirects_to, customer.id)
                for customer in writes.customers
                if customer.redirects_to is not None
            ],
        )
        self._handles.customers |= {
            row_ids.get(customer.node, customer.node): customer for customer in writes.customers
        }
        return row_ids

    def _write_changes(self, writes: Writes) -> None:
        if not writes.changes:
            return
        last = self._last_id("changes")
        self._db.executemany(
            f"INSERT INTO changes ({history.CHANGE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(row_id, *history.change_values(change)) for row_id, change in enumerate(writes.changes, last + 1)],
        )
