"""Reads the rows of a table from a spool, without what the viewer is not shown."""

from collections.abc import Callable, Iterator, Mapping

from graph.domain.model.labels import Label
from graph.domain.tables import columns
from graph.domain.tables.columns import Table
from graph.domain.tables.rows import Row, Shown, TableRows, shows_segment
from service.export.spool import Spool


class TableReader:
    """The rows of all tables for one viewer."""

    def __init__(self, spool: Spool, rows: TableRows) -> None:
        self._spool, self._rows = spool, rows
        self._read: Mapping[str, Callable[[], Iterator[Row]]] = {
            columns.CUSTOMERS.name: self._customers,
            columns.IDENTIFIERS.name: self._identifiers,
            columns.LINKS.name: self._links,
            columns.ORDERS.name: self._orders,
            columns.ORDER_LINES.name: self._order_lines,
            columns.INTERACTIONS.name: self._interactions,
            columns.CONSENTS.name: self._consents,
            columns.SEGMENT_MEMBERS.name: self._segment_members,
            columns.CHANGES.name: self._changes,
        }

    def read(self, table: Table) -> Iterator[Row]:
        """Yield the rows of a table."""
        return (self._rows.permitted(table, row) for row in self._read[table.name]())

    def _shown(self, customer: str) -> Shown:
        if not customer or not self._rows.needs_consents:
            return self._rows.shown_of_all
        return self._rows.shown(self._spool.consents_of(customer))

    def _hides(self, customer: str, label: Label | None) -> bool:
        return self._rows.needs_consents and self._shown(customer).hides(label)

    def _customers(self) -> Iterator[Row]:
        for record in self._spool.customers():
            yield self._rows.customer(record, self._spool.is_restricted(record.id))

    def _identifiers(self) -> Iterator[Row]:
        for record in self._spool.identifiers():
            row = self._rows.identifier(record, self._shown(record.customer))
            if row is not None:
                yield row

    def _links(self) -> Iterator[Row]:
        for link, a, b in self._spool.links():
            yield self._rows.link(link, (a, b), (self._shown(a), self._shown(b)))

    def _orders(self) -> Iterator[Row]:
        for record in self._spool.orders():
            order = record.member().order
            if order is not None and not self._hides(record.customer, columns.ORDERS.label):
                yield self._rows.order(record.key, order, record.customer)

    def _order_lines(self) -> Iterator[Row]:
        for record in self._spool.orders():
            order = record.member().order
            if order is not None and not self._hides(record.customer, columns.ORDER_LINES.label):
                yield from self._rows.order_lines(record.key, order, record.customer)

    def _interactions(self) -> Iterator[Row]:
        for stated, customer in self._spool.interactions():
            if not self._hides(customer, columns.INTERACTIONS.label):
                yield self._rows.interaction(stated, customer, self._shown(customer))

    def _consents(self) -> Iterator[Row]:
        for at_identifier, customer in self._spool.consents():
            yield from self._rows.consents(at_identifier, customer, self._shown(customer))

    def _segment_members(self) -> Iterator[Row]:
        for membership, segment in self._spool.members():
            customer = membership.customer
            if not self._spool.is_restricted(customer) and not self._hides(customer, columns.SEGMENT_MEMBERS.label):
                yield self._rows.segment_member(membership, segment)

    def _changes(self) -> Iterator[Row]:
        for entry in self._spool.changes():
            change = entry.change
            if shows_segment(entry) and self._hides(change.customer, Label.PROFILING):
                continue
            ids = (id for id in (change.customer, change.other_customer) if id)
            restricted = any(map(self._spool.is_restricted, ids)) or self._spool.names_restricted(
                (*change.keys, *change.anchors)
            )
            yield self._rows.change(entry, restricted)
