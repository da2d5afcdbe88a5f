"""One write on SQLite: answers the requests of a write with what the file holds, and stores what was decided."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from msgspec.structs import replace

from graph.domain.model.customers import Customer, Member, Node
from graph.domain.model.errors import StoreUnavailable
from graph.domain.model.facts import FactKind
from graph.domain.model.idempotency import IdempotentResult, RequestKey
from graph.domain.model.identifiers import Pair
from graph.domain.model.json_text import compact
from graph.domain.model.links import Link
from graph.domain.model.observations import EvidenceStatement
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.store_values import CustomerKeys, EvidenceByKey, Neighborhood, Region
from graph.domain.profile.pages import ById, CustomerRef
from graph.ports import (
    MAX_NEIGHBORS,
    ReadAudiences,
    ReadConsents,
    ReadCustomerKeys,
    ReadDeliveries,
    ReadDisputes,
    ReadEntries,
    ReadErasures,
    ReadEvidence,
    ReadHistory,
    ReadLinksAt,
    ReadNamedKeys,
    ReadNeighborhood,
    ReadReceipts,
    ReadRegion,
    ReadRestrictions,
    ReadSegments,
    ReadSegmentStates,
    ReadSourceRevocations,
    ReadStatedAttributes,
    ReadValues,
    Request,
    Write,
)
from graph.stores.sqlite import audiences, erasures, history, mapping, restrictions, segments, source_revocations
from graph.stores.sqlite.consents import consents_at
from graph.stores.sqlite.retention import named_keys
from graph.stores.sqlite.writes import StoredHandles, Writer, is_loading


class Transaction:
    """The answers to the requests of one write. The caller begins and commits."""

    def __init__(self, connection: mapping.Connection) -> None:
        self._db = connection
        self._handles = StoredHandles()

    def answer(self, request: Request) -> object:
        """Return what a request reads, or `None` for a request that writes."""
        match request:
            case ReadNeighborhood():
                return self._neighborhood(request)
            case ReadEvidence(keys):
                return self._evidence(keys)
            case ReadStatedAttributes(keys):
                return self._stated_attributes(keys)
            case ReadConsents(keys):
                return consents_at(self._db, keys)
            case ReadRegion(seeds, opened):
                return self._region(seeds, opened)
            case ReadDisputes(nodes, first):
                return self._disputes(nodes, first)
            case ReadLinksAt(key, first):
                return self._links_of(key, first)
            case ReadValues(node, namespace):
                sql = "SELECT key FROM identifiers WHERE customer = ? AND namespace = ?"
                return mapping.column(self._db, sql, node, namespace)
            case ReadSegments():
                return segments.segments(self._db)
            case ReadSegmentStates(ids):
                return segments.segment_states(self._db, ids)
            case ReadSourceRevocations():
                return source_revocations.source_revocations(self._db)
            case ReadCustomerKeys(ref):
                return self._customer_keys(ref)
            case ReadReceipts(keys):
                return self._receipts_naming(keys)
            case ReadNamedKeys(keys, without):
                return named_keys(self._db, keys, without)
            case ReadEntries(after, first):
                return history.changes(self._db, after, first)
            case ReadHistory(ids):
                return history.history(self._db, ids)
            case ReadErasures(ids):
                return erasures.erasures(self._db, ids)
            case ReadRestrictions(keys, ids, requests):
                return restrictions.restrictions_of(self._db, keys, ids, requests)
            case ReadAudiences():
                return audiences.audiences(self._db)
            case ReadDeliveries(customers, places, of_erasures):
                return audiences.held_deliveries(self._db, customers, places, of_erasures)
            case Write(writes):
                if is_loading(self._db):
                    raise StoreUnavailable.loading()
                Writer(self._db, self._handles).write(writes)
                return None

    def _all(self, sql: str, *values: Any) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def _neighborhood(self, request: ReadNeighborhood) -> Neighborhood:
        members = self._members("i.key IN (SELECT value FROM json_each(?))", request.keys)
        customers = self._customers(
            "c.id IN (SELECT value FROM json_each(?))",
            list({member.customer for member in members.values() if member.customer is not None}),
        )
        overrides = {}
        if request.override_keys or request.override_ids:
            overrides = self._overrides(request.override_keys, request.override_ids)
        return Neighborhood(
            self._receipts(request.receipts, request.orders),
            members,
            self._links(request.pairs),
            customers,
            overrides,
            self._idempotent_results(request.idempotency_keys),
            self._all("SELECT coalesce(max(version), 0) FROM rules")[0][0],
            source_revocations.in_effect(self._db),
            erasures.tombstones(self._db, request.tombstones) if request.tombstones else {},
            erasures.held_orders(self._db, request.tombstones) if request.tombstones else {},
        )

    def _customer_keys(self, ref: CustomerRef) -> CustomerKeys:
        if isinstance(ref, ById):
            sql, value = "SELECT coalesce(redirects_to, id) FROM customers WHERE public_id = ?", ref.id
        else:
            sql, value = "SELECT customer FROM identifiers WHERE key = ? AND customer IS NOT NULL", ref.key
        nodes = mapping.column(self._db, sql, value)
        found = self._customers("c.id IN (SELECT value FROM json_each(?)) AND c.retired_at IS NULL", nodes)
        if not found:
            return CustomerKeys()
        ((node, customer),) = found.items()
        keys = mapping.column(self._db, "SELECT key FROM identifiers WHERE customer = ? ORDER BY key", node)
        return CustomerKeys(customer, keys)

    def _receipts_naming(self, keys: Sequence[str]) -> list[Receipt]:
        found = erasures.receipts_naming(self._db, keys)
        self._handles.receipts.update((receipt.key, row_id) for row_id, receipt in found)
        return [receipt for _, receipt in found]

    def _idempotent_results(self, keys: Sequence[RequestKey]) -> dict[RequestKey, IdempotentResult]:
        results = (mapping.idempotent_result(self._db, key) for key in keys)
        return {result.idempotency_key.key: result for result in results if result is not None}

    def _members(self, where: str, values: Sequence[object]) -> dict[str, Member]:
        if not values:
            return {}
        members: dict[str, Member] = {}
        sql = f"SELECT {mapping.MEMBER} FROM identifiers i LEFT JOIN orders o ON o.identifier = i.id WHERE {where}"
        row_ids = self._handles.identifiers
        for row in self._all(sql, compact(values)):
            row_ids[row[1]] = row[0]
            members[row[1]] = mapping.member(row)
        self._handles.members.update(members)
        return members

    def _customers(self, where: str, values: Sequence[object]) -> dict[Node, Customer]:
        if not values:
            return {}
        rows = self._all(f"SELECT {mapping.CUSTOMER} FROM {mapping.CUSTOMERS} WHERE {where}", compact(values))
        customers: dict[Node, Customer] = {row[0]: mapping.customer(row) for row in rows}
        self._handles.customers |= customers
        return customers

    def _receipts(self, keys: Sequence[ObservationKey], orders: Sequence[str]) -> dict[ObservationKey, Receipt]:
        rows: list[Any] = []
        if keys:
            rows += self._all(
                f"""SELECT o.id, {mapping.FACT_HOLDERS}, {mapping.of("o", mapping.RECEIPT)}
                    FROM json_each(?) requested CROSS JOIN observations o
                    ON o.source = requested.value ->> 0 AND o.public_id = requested.value ->> 1""",
                compact(keys),
            )
        if orders:
            rows += self._all(
                f"""SELECT id, '[]', {mapping.RECEIPT} FROM observations
                    WHERE order_key <> '' AND order_key IN (SELECT value FROM json_each(?))""",
                compact(orders),
            )
        receipts: dict[ObservationKey, Receipt] = {}
        for row_id, fact_holders, *row in rows:
            receipt = mapping.receipt(row, fact_holders)
            receipts[receipt.key] = receipt
            self._handles.receipts[receipt.key] = row_id
        return receipts

    def _links(self, pairs: Iterable[Pair]) -> dict[Pair, Link]:
        row_ids = self._handles.identifiers
        keys = {(row_ids[a], row_ids[b]): (a, b) for a, b in pairs if a in row_ids and b in row_ids}
        if not keys:
            return {}
        rows = self._all(
            f"""SELECT l.a, l.b, {mapping.LINK} FROM json_each(?) requested CROSS JOIN links l
                ON l.a = requested.value ->> 0 AND l.b = requested.value ->> 1""",
            compact(list(keys)),
        )
        return {keys[row[0], row[1]]: mapping.link(*keys[row[0], row[1]], row[2:]) for row in rows}

    def _overrides(self, keys: Sequence[str], ids: Sequence[str]) -> dict[str, Override]:
        rows = self._all(
            f"""SELECT {history.OVERRIDE} FROM overrides WHERE a IN (SELECT value FROM json_each(?1))
                OR b IN (SELECT value FROM json_each(?1)) OR id IN (SELECT value FROM json_each(?2))""",
            compact(keys),
            compact(ids),
        )
        return {row[0]: history.override(row) for row in rows}

    def _evidence(self, keys: Sequence[str]) -> EvidenceByKey:
        evidence: dict[str, dict[ObservationKey, EvidenceStatement]] = {key: {} for key in keys}
        rows = self._all(
            f"""SELECT i.key, {mapping.of("o", mapping.STATEMENT)} FROM identifiers i
                JOIN observation_identifiers n ON n.identifier = i.id JOIN observations o ON o.id = n.observation
                WHERE o.status = 'valid' AND i.key IN (SELECT value FROM json_each(?))""",
            compact(keys),
        )
        for key, *row in rows:
            statement = mapping.statement(row)
            # Reprocessed under other rules, an observation may no longer mention what it once did.
            if key in statement.keys:
                evidence[key][statement.source, statement.id] = statement
        return evidence

    def _stated_attributes(self, keys: Sequence[str]) -> EvidenceByKey:
        stated: dict[str, dict[ObservationKey, EvidenceStatement]] = {key: {} for key in keys}
        rows = self._all(
            f"""SELECT i.key, o.sent, {mapping.of("o", mapping.STATEMENT)} FROM identifiers i
                JOIN facts f ON f.identifier = i.id AND f.kind = ? JOIN observations o ON o.id = f.observation
                WHERE i.key IN (SELECT value FROM json_each(?))""",
            FactKind.ATTRIBUTES.value,
            compact(keys),
        )
        for key, sent, *row in rows:
            statement = mapping.attributes_statement(row, key, sent)
            stated[key][statement.source, statement.id] = statement
        return stated

    def _region(self, seeds: frozenset[str], opened: frozenset[str]) -> Region:
        members: dict[str, Member] = {}
        links: dict[Pair, Link] = {}
        overrides: dict[str, Override] = {}
        frontier: set[str] = set(seeds | opened)
        reached: set[str] = set()
        while frontier:
            reached |= frontier
            added = self._members("i.key IN (SELECT value FROM json_each(?))", sorted(frontier))
            members.update(added)
            neighbors: set[str] = set()
            without_links = {key for key, member in added.items() if member.shared or member.blocked} - opened
            not_excluded = "AND l.state <> 'excluded'"
            for pair, link in self._links_at(added.keys() - without_links - opened, not_excluded).items():
                links[pair] = link
                neighbors.update(pair)
            for pair, link in self._links_at(added.keys() & opened, "").items():
                links[pair] = link
                neighbors.update(pair)
            if any(member.override_count for member in added.values()):
                for override in self._overrides(list(added), ()).values():
                    overrides[override.id] = override
                    if override.kind is OverrideKind.TOGETHER:
                        neighbors.update(override.keys)
            frontier = neighbors - reached
        customers = self._customers("c.anchor IN (SELECT value FROM json_each(?))", sorted(reached))
        holders = {member.customer for member in members.values() if member.customer is not None} - customers.keys()
        customers |= self._customers("c.id IN (SELECT value FROM json_each(?))", list(holders))
        return Region(members, links, overrides, customers)

    def _disputes(self, nodes: frozenset[Node], first: int) -> Region | None:
        rows = self._all(
            """SELECT id, key FROM identifiers
                WHERE disputed = 1 AND customer IN (SELECT value FROM json_each(?)) LIMIT ?""",
            compact(list(nodes)),
            first + 1,
        )
        if len(rows) > first:
            return None
        links: dict[Pair, Link] = {}
        for end in ("a", "b"):
            sql = f"""SELECT x.key, y.key, {mapping.LINK} FROM json_each(?) requested
                CROSS JOIN links l INDEXED BY links_suspended_at_{end} ON l.{end} = requested.value
                CROSS JOIN identifiers x ON x.id = l.a CROSS JOIN identifiers y ON y.id = l.b
                WHERE l.state = 'suspended' LIMIT ?"""
            for row in self._all(sql, compact([row_id for row_id, _ in rows]), first + 1):
                links[row[0], row[1]] = mapping.link(row[0], row[1], row[2:])
        overrides = self._overrides([key for _, key in rows], ())
        if max(len(links), len(overrides)) > first:
            return None
        return self._around(links, overrides, ())

    def _links_of(self, key: str, first: int) -> Region | None:
        if key not in self._handles.identifiers:
            self._members("i.key IN (SELECT value FROM json_each(?))", [key])
        row_id = self._handles.identifiers[key]
        ((count,),) = self._all(
            """SELECT count(*) FROM (SELECT 1 FROM links WHERE a = ?1 UNION ALL SELECT 1 FROM links WHERE b = ?1
                LIMIT ?2)""",
            row_id,
            first + 1,
        )
        if count > first:
            return None
        found = self._around(self._links_at([key], ""), {}, [key])
        node = found.members[key].customer
        neighbors = sorted(end for end, member in found.members.items() if end != key and member.customer == node)
        if len(neighbors) > MAX_NEIGHBORS:
            return found
        return replace(found, links={**found.links, **self._links(combinations(neighbors, 2))})

    def _around(self, links: dict[Pair, Link], overrides: dict[str, Override], anchors: Sequence[str]) -> Region:
        """Return links and overrides with their ends, the customers that hold these, and those with some anchors."""
        keys = {key for ends in (*links, *(override.keys for override in overrides.values())) for key in ends}
        members = self._members("i.key IN (SELECT value FROM json_each(?))", sorted({*keys, *anchors}))
        nodes = {member.customer for member in members.values() if member.customer is not None}
        customers = self._customers("c.id IN (SELECT value FROM json_each(?))", list(nodes))
        customers |= self._customers("c.anchor IN (SELECT value FROM json_each(?))", anchors)
        return Region(members, links, overrides, customers)

    def _links_at(self, keys: Iterable[str], condition: str) -> dict[Pair, Link]:
        row_ids = [self._handles.identifiers[key] for key in keys]
        if not row_ids:
            return {}
        links: dict[Pair, Link] = {}
        for end in ("a", "b"):
            sql = f"""SELECT x.key, y.key, {mapping.LINK} FROM links l JOIN identifiers x ON x.id = l.a
                JOIN identifiers y ON y.id = l.b WHERE l.{end} IN (SELECT value FROM json_each(?)) {condition}"""
            for row in self._all(sql, compact(row_ids)):
                links[row[0], row[1]] = mapping.link(row[0], row[1], row[2:])
        return links
