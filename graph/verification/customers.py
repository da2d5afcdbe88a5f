"""Compares customers with the identifiers that they hold, the history with the customers, and what refers to either."""

from collections.abc import Sequence

from msgspec.structs import replace

from graph.domain.model.customers import Anchor, anchor_of
from graph.domain.model.guarded_values import counted
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.links import LinkState
from graph.domain.model.order_totals import add, order_totals_of
from graph.domain.model.rules import Rules
from graph.domain.model.stored_records import StoredCustomer
from graph.verification.findings import Check, Finding, Report, differing
from graph.verification.scratch import Scratch, decode_customer, decode_identifier, decode_link, encode

_FIELDS = ("anchor", "counts", "suspended", "override_count", "order_totals", "redirects_to", "value_sets")


class Customers:
    """The pass over customers. `segments` are the ids of all segments."""

    def __init__(self, scratch: Scratch, report: Report, rules: Rules, segments: set[str]) -> None:
        self._scratch, self._db, self._report = scratch, scratch.db, report
        self._rules, self._segments = rules, segments

    def run(self) -> None:
        """Compare all customers, and what refers to them."""
        self._count_suspended()
        customer: StoredCustomer | None = None
        members: list[bytes] = []
        for record, member in self._db.execute(
            "SELECT c.record, i.record FROM customers c LEFT JOIN identifiers i ON i.customer = c.id ORDER BY c.id"
        ):
            following = decode_customer(record)
            if customer is not None and following.id != customer.id:
                self._compare(customer, members)
                members = []
            customer = following
            if member is not None:
                members.append(member)
        if customer is not None:
            self._compare(customer, members)
        self._compare_history()
        self._check_references()

    def _count_suspended(self) -> None:
        """Count the ends of suspended links by customer."""
        self._db.execute("CREATE TABLE suspended (key TEXT NOT NULL)")
        for a, b, record in self._db.execute("SELECT a, b, record FROM links"):
            if decode_link(record).state is LinkState.SUSPENDED:
                self._db.executemany("INSERT INTO suspended VALUES (?)", [(a,), (b,)])
        self._db.execute(
            """CREATE TABLE suspended_of AS SELECT i.customer, count(*) AS count FROM suspended s
                JOIN identifiers i ON i.key = s.key GROUP BY i.customer"""
        )
        self._db.execute("CREATE INDEX suspended_customer ON suspended_of (customer)")

    def _compare(self, stored: StoredCustomer, members: Sequence[bytes]) -> None:
        expected = self._expected(stored, members)
        found = [differing(_FIELDS, stored, expected)]
        # A retired id has been retired at a time that does not follow from anything else.
        if (stored.retired_at is None) != bool(members):
            found.append("retired" if members else "live without identifiers")
        if difference := ", ".join(filter(None, found)):
            self._report.add(Finding(Check.CUSTOMERS, (stored.id,), difference, masked=False))
            self._scratch.repair("customer", (stored.id,), encode(stored), encode(expected))

    def _expected(self, stored: StoredCustomer, records: Sequence[bytes]) -> StoredCustomer:
        members = [decode_identifier(record).member() for record in records]
        counts: dict[str, int] = {}
        for member in members:
            namespace = namespace_of(member.key)
            counts[namespace] = counts.get(namespace, 0) + 1
        suspended = self._db.execute("SELECT count FROM suspended_of WHERE customer = ?", (stored.id,)).fetchone()
        anchor, redirects_to = stored.anchor, None
        if members:
            anchor = anchor_of((member.anchor for member in members), self._rules)
        else:
            redirects_to = self._holder(stored.anchor)
        return replace(
            stored,
            anchor=anchor,
            counts=counts,
            suspended=suspended[0] if suspended and members else 0,
            override_count=sum(member.override_count for member in members),
            order_totals=dict(add(order_totals_of(member.order) for member in members)),
            redirects_to=redirects_to,
            value_sets=counted(member.value_sets for member in members),
        )

    def _holder(self, anchor: Anchor) -> str | None:
        """Return the customer that holds the anchor of a retired id."""
        row = self._db.execute("SELECT customer FROM identifiers WHERE key = ?", (anchor.key,)).fetchone()
        return row[0] or None if row else None

    def _compare_history(self) -> None:
        for (key,) in self._db.execute(
            """SELECT i.key FROM identifiers i LEFT JOIN held h ON h.key = i.key
                WHERE i.customer <> coalesce(h.customer, '')
                UNION ALL
                SELECT h.key FROM held h LEFT JOIN identifiers i ON i.key = h.key WHERE i.key IS NULL"""
        ):
            self._report.add(Finding(Check.HISTORY, (key,), "leads to another customer than the one that holds it"))

    def _check_references(self) -> None:
        sql = "SELECT segment, customer FROM memberships WHERE customer NOT IN (SELECT id FROM customers)"
        for segment, customer in self._db.execute(sql):
            self._find_membership(segment, customer, "the customer does not exist")
        for segment, customer in self._db.execute("SELECT segment, customer FROM memberships"):
            if segment not in self._segments:
                self._find_membership(segment, customer, "the segment does not exist")

    def _find_membership(self, segment: str, customer: str, detail: str) -> None:
        self._report.add(Finding(Check.SEGMENTS, (segment, customer), detail, masked=False))
        self._scratch.repair("segment", (segment, customer))
