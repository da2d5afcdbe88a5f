"""The rows of the tables of `kith export`, as a viewer is shown them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.access.masked_values import Masks
from graph.domain.access.policies import PurposePolicies, WithheldValues
from graph.domain.access.scopes import MEMBERSHIP_READ
from graph.domain.access.viewer import Viewer
from graph.domain.model.changes import SEGMENT_CHANGES, Entry, without_values
from graph.domain.model.facts import Fact
from graph.domain.model.identifiers import Identifier
from graph.domain.model.json_text import compact, parse_stored, readable
from graph.domain.model.labels import Label
from graph.domain.model.links import Link
from graph.domain.model.orders import Order
from graph.domain.model.rules import Rules
from graph.domain.model.segments import Membership, Segment
from graph.domain.model.stored_records import StoredCustomer, StoredIdentifier
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import EVERY_CHANNEL, RecordedDecision, decisions
from graph.domain.tables.columns import TABLES, Column, Table

Row = tuple[Any, ...]
"""The values of a row in the order of the columns, without `_deleted`. Times are in microseconds, JSON is text."""
Pseudonym = Callable[[str, str], str]
"""Makes the key of a row from the name of what it is and a text that identifies it in the store."""
IDENTIFIER_ROW = "identifier"
"""The name by which `Pseudonym` makes `identifier_id`."""


class StatedFact(Struct, frozen=True, gc=False):
    """A fact of a valid observation at one of its identifiers, and when it was recorded, in microseconds.

    `method` is how a consent decision was collected, empty if that is not known.
    """

    fact: Fact
    recorded_at: int
    method: str = ""


class Shown(Struct, frozen=True):
    """What a viewer is shown of one customer."""

    masks: Masks
    withheld: WithheldValues | None = None

    def hides(self, label: Label | None) -> bool:
        """Return whether data with a label is left out."""
        return self.withheld is not None and label is not None and self.withheld.hides(label)

    def hides_key(self, key: str) -> bool:
        """Return whether an identifier is left out."""
        return self.withheld is not None and self.withheld.hides_key(key)


class TableRows:
    """Makes rows for one viewer. What restricts a row to some columns is the viewer's scopes (`permitted`)."""

    def __init__(
        self, viewer: Viewer, rules: Rules, catalog: Catalog, policies: PurposePolicies | None, pseudonym: Pseudonym
    ) -> None:
        self._viewer, self._rules, self._catalog, self._policies = viewer, rules, catalog, policies
        self._pseudonym = pseudonym
        self._known = frozenset(rules.known_namespaces)
        withheld = None if policies is None else policies.withheld_from_all
        self.shown_of_all = Shown(Masks(viewer, rules, catalog, (), withheld))
        """What is shown where it is not known whose values are quoted."""
        self._hidden = {
            table.name: tuple(index for index, column in enumerate(table.columns) if not self._may_read(column))
            for table in TABLES.values()
        }

    @property
    def needs_consents(self) -> bool:
        """Whether `shown` depends on the consents of a customer."""
        return self._policies is not None

    @property
    def withheld_tables(self) -> Mapping[str, str]:
        """The tables that the viewer may not read, with the scope that is missing."""
        return {table.name: table.scope for table in TABLES.values() if not self._viewer.may(table.scope)}

    def withheld_columns(self, table: Table) -> tuple[str, ...]:
        """Return the columns of a table that are null because the viewer may not read them."""
        return tuple(table.columns[index].name for index in self._hidden[table.name])

    def _may_read(self, column: Column) -> bool:
        return not column.scope or self._viewer.may(column.scope)

    def shown(self, consents: Iterable[Fact]) -> Shown:
        """Return what is shown of the customer with these consent decisions."""
        if self._policies is None:
            return self.shown_of_all
        withheld = self._policies.withheld_values(consents, self._catalog)
        return Shown(Masks(self._viewer, self._rules, self._catalog, (), withheld), withheld)

    def permitted(self, table: Table, row: Row) -> Row:
        """Return a row with null in the columns that the viewer may not read."""
        hidden = self._hidden[table.name]
        return tuple(None if index in hidden else value for index, value in enumerate(row)) if hidden else row

    def identifier_id(self, key: str) -> str:
        """Return the id of an identifier."""
        return self._pseudonym(IDENTIFIER_ROW, key)

    # --- customers and their identifiers

    def customer(self, record: StoredCustomer, restricted: bool) -> Row:
        """Return the row of a customer; of one that is restricted, its id alone."""
        if restricted:
            return record.id, None, None, None, None, None, None, True
        counts = dict(sorted(record.counts.items()))
        known = not self._known.isdisjoint(name for name, count in counts.items() if count)
        size = sum(counts.values())
        return record.id, record.created_at, known, size, compact(counts), record.retired_at, record.redirects_to, False

    def identifier(self, record: StoredIdentifier, shown: Shown) -> Row | None:
        """Return the row of an identifier of a customer; `None` if it is left out."""
        if shown.hides_key(record.key):
            return None
        evidence = record.evidence
        namespace, value = _shown(record.key, shown)
        return (
            self.identifier_id(record.key),
            record.customer,
            namespace,
            value,
            None if evidence is None else evidence.first_seen_at,
            None if evidence is None else evidence.last_seen_at,
            0 if evidence is None else evidence.observation_count,
            () if evidence is None else evidence.sources,
            record.shared,
            record.blocked,
        )

    def link(self, link: Link, customers: tuple[str, str], shown: tuple[Shown, Shown]) -> Row:
        """Return the row of a link; `customers` are those of its ends, empty for none, as `shown`."""
        return (
            self._pseudonym("link", f"{len(link.a)} {link.a} {link.b}"),
            self.identifier_id(link.a),
            *_shown(link.a, shown[0]),
            customers[0] or None,
            self.identifier_id(link.b),
            *_shown(link.b, shown[1]),
            customers[1] or None,
            link.state.name,
            None if link.reason is None else link.reason.code.name,
            link.tier.name,
            link.confidence,
            link.first_seen_at,
            link.last_seen_at,
            link.observation_count,
            link.sources,
        )

    # --- facts

    def order(self, key: str, order: Order, customer: str) -> Row:
        """Return the row of an order."""
        return (
            self.identifier_id(key),
            customer,
            order.number,
            order.source,
            order.placed_at,
            order.reported_at,
            order.status.name,
            order.currency,
            order.total,
            order.refunded,
            len(order.lines),
        )

    def order_lines(self, key: str, order: Order, customer: str) -> Iterator[Row]:
        """Yield the rows of the lines of an order."""
        id = self.identifier_id(key)
        for position, line in enumerate(order.lines, 1):
            yield (
                f"{id}:{position}",
                id,
                customer,
                order.number,
                position,
                line.sku,
                line.name or None,
                line.quantity,
                line.total,
                order.currency,
            )

    def interaction(self, stated: StatedFact, customer: str, shown: Shown) -> Row:
        """Return the row of an interaction."""
        fact = shown.masks.interaction(stated.fact)
        values = parse_stored(fact.facts)
        properties = values.get("properties")
        return (
            self._pseudonym("interaction", _name(stated.fact)),
            customer,
            self.identifier_id(stated.fact.key),
            *_shown(stated.fact.key, shown),
            values["type"],
            fact.at,
            stated.recorded_at,
            fact.source,
            fact.party.name,
            *(values.get(name) or None for name in ("channel", "device", "campaign", "sku", "offer_type", "text")),
            compact(readable(properties)) if properties else None,
        )

    def consents(self, at_identifier: Sequence[StatedFact], customer: str, shown: Shown) -> Iterator[Row]:
        """Yield the rows of the consent decisions at one identifier that count."""
        if not at_identifier:
            return
        recorded = {(stated.fact.source, stated.fact.id): stated for stated in at_identifier}
        replaced: set[tuple[str, str]] = set()
        key = at_identifier[0].fact.key
        namespace, value = _shown(key, shown)
        for decision in decisions(stated.fact for stated in at_identifier):
            stated = recorded[decision.source, decision.observation_id]
            yield (
                self._pseudonym("consent", f"{_name(stated.fact)} {key}"),
                customer,
                self.identifier_id(key),
                namespace,
                value,
                decision.purpose,
                decision.channel or None,
                decision.decision.name,
                _takes_effect(decision, replaced),
                decision.decided_at,
                stated.recorded_at,
                decision.source,
                decision.party.name,
                decision.policy_version or None,
                stated.method.upper() or None,
            )

    # --- segments and changes

    def segment_member(self, membership: Membership, segment: Segment) -> Row:
        """Return the row of a membership."""
        id = f"{segment.id}:{membership.customer}"
        return id, segment.id, segment.name, membership.customer, membership.entered_at

    def change(self, entry: Entry, restricted: bool) -> Row:
        """Return the row of a change; of one that is about a restricted customer without values."""
        of_segment, name = entry.change.kind in SEGMENT_CHANGES, entry.change.reason
        if restricted:
            entry = replace(entry, change=without_values(entry.change))
        change = self.shown_of_all.masks.entry(entry).change
        names_segment = of_segment and entry.change.reason == name and self._viewer.may(MEMBERSHIP_READ)
        segment = str(name) if names_segment else None
        reason = None if of_segment else str(change.reason) or None
        return (
            entry.number,
            change.recorded_at,
            change.kind.name,
            change.customer or None,
            change.other_customer or None,
            tuple(str.__str__(key) for key in change.keys),
            reason,
            None if change.reason_code is None else change.reason_code.name,
            change.cause.type.name,
            change.cause.source or None,
            segment,
        )


def shows_segment(entry: Entry) -> bool:
    """Return whether a change shows in which segment a customer is."""
    return entry.change.kind in SEGMENT_CHANGES and bool(entry.change.customer)


def _shown(key: str, shown: Shown) -> tuple[str, str]:
    """Return namespace and value of an identifier as they are shown."""
    namespace, value = Identifier.from_key(str.__str__(shown.masks.key(key)))
    return namespace, value


def _name(fact: Fact) -> str:
    """Return what names the observation of a fact. A source may contain any character."""
    return f"{len(fact.source)} {fact.source} {fact.id}"


def _takes_effect(decision: RecordedDecision, replaced: set[tuple[str, str]]) -> bool:
    """Return whether a decision is in effect, and note what it replaces. Decisions come newest first."""
    own, every = (decision.purpose, decision.channel), (decision.purpose, EVERY_CHANNEL)
    in_effect = replaced.isdisjoint((own, every))
    replaced.add(own)
    return in_effect


def chosen_tables(names: Collection[str]) -> tuple[Table, ...]:
    """Return the tables with some names, or all, in their order."""
    return tuple(table for table in TABLES.values() if not names or table.name in names)
