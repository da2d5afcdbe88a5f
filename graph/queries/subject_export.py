"""Everything about one person, read for handing it over: what is known at once, and the statements in pages."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

from msgspec.structs import replace

from graph.domain.access.audit import AuditReader, Traces
from graph.domain.access.masked_values import Masks
from graph.domain.access.part_view import all_identifiers
from graph.domain.access.scopes import MEMBERSHIP_READ, PROFILE_UNMASKED
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.export.document import (
    ExportedAttribute,
    ExportedChange,
    ExportedConsent,
    ExportedCustomer,
    ExportedDecision,
    ExportedDelivery,
    ExportedIdentifier,
    ExportedOverride,
    ExportedSegment,
    ExportedValue,
    FormerId,
    Origin,
    SubjectData,
    SubjectDocument,
)
from graph.domain.export.figures import INTERACTION_COUNTS, figures
from graph.domain.export.records import Record, product_record, skus_of
from graph.domain.export.statements import Origins, StatementExport, exported
from graph.domain.export.subject import Subject
from graph.domain.model.audiences import ABSENT, Audience, Delivery
from graph.domain.model.changes import Entry
from graph.domain.model.errors import InvalidInput
from graph.domain.model.identifiers import Identifier
from graph.domain.model.overrides import Override
from graph.domain.model.retention import Retention
from graph.domain.model.rules import Rules
from graph.domain.model.segments import Segment
from graph.domain.model.times import iso
from graph.domain.profile.attributes import ReportedValue
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import RecordedDecision
from graph.domain.profile.deliverability import email_event_page
from graph.domain.profile.insights import (
    CONSENTS,
    ORDERS,
    PROFILE,
    RECENT_INTERACTIONS,
    UNSUBSCRIBED,
    CustomerInsights,
)
from graph.domain.profile.pages import CustomerRef, CustomerView, IdentifierView, Selection
from graph.ports import Clock, Store
from graph.queries.former_ids import former_ids
from graph.queries.recipients import recipients
from graph.queries.statistics import StatisticsService
from graph.runtime.scheduling import map_cooperatively

PAGE = 5_000
"""Statements that are read at a time."""
MAX_STATEMENTS = 20_000
"""Statements of an export that is made as a whole, in memory."""
MAX_OVERRIDES = 1_000
"""Overrides of one identifier that are read; there are few."""
_WITHOUT_CONTACTS = Viewer("", "", frozenset({PROFILE_UNMASKED, MEMBERSHIP_READ}), Reach.ANY)
"""Masks identifiers of others as those are masked who may not read them."""


SegmentsOf = Callable[[Sequence[str]], Awaitable[dict[str, list[tuple[Segment, int | None]]]]]
"""Finds the segments of customers by id, each with the time (microseconds) since when."""


class SubjectExport:
    """An export that has begun: `data` is what was read at once, and `statements` reads the rest."""

    def __init__(self, store: Store, subject: Subject, data: SubjectData, retention: Retention) -> None:
        self._store, self._subject, self.data, self._retention = store, subject, data, retention
        self._origins = Origins()
        self._skus: set[str] = set()

    async def statements(self) -> AsyncGenerator[list[StatementExport], None]:
        """Yield all statements that name the person, by source and id, in pages."""
        after = None
        keys = sorted(self._subject.keys)
        while keys and (receipts := await self._store.statements_naming(keys, after, PAGE)):
            after = receipts[-1].key
            named = [receipt for receipt in receipts if self._subject.is_named_by(receipt)]
            page = await map_cooperatively(named, lambda receipt: exported(receipt, self._subject, self._retention))
            for receipt, found in zip(named, page, strict=True):
                self._origins.add(receipt, found.statement.party)
                if found.line is not None:
                    self._skus |= skus_of(found.line)
            yield page

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The sources of the statements that were read so far."""
        return self._origins.origins

    async def products(self) -> list[Record]:
        """Return the records of the products that the statements name which were read so far."""
        found = await self._store.products(sorted(self._skus)) if self._skus else {}
        return [product_record(product) for _, product in sorted(found.items())]

    async def read(self) -> tuple[SubjectDocument, list[Record]]:
        """Return the document, and the lines for `kith import`.

        Raises `InvalidInput` if there are more than `MAX_STATEMENTS`.
        """
        all_statements: list[StatementExport] = []
        async for page in self.statements():
            all_statements += page
            if len(all_statements) > MAX_STATEMENTS:
                message = (
                    f"more than {MAX_STATEMENTS:,} statements are about this person, which is too many for one answer: "
                    "`kith subject export` writes them"
                )
                raise InvalidInput("EXPORT_TOO_LARGE", message, ("by",))
        values = {name: getattr(self.data, name) for name in self.data.__struct_fields__}
        statements = tuple(found.statement for found in all_statements)
        document = SubjectDocument(**values, statements=statements, origins=self.origins)
        lines = [found.line for found in all_statements if found.line is not None]
        return document, lines + await self.products()


class SubjectExports:
    """Begins exports. `retention` says how long statements are kept."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalog: Catalog,
        statistics: StatisticsService,
        segments_of: SegmentsOf,
        retention: Retention,
    ) -> None:
        self._store, self._clock, self._catalog, self._retention = store, clock, catalog, retention
        self._statistics, self._segments_of = statistics, segments_of

    async def begin(self, ref: CustomerRef, rules: Rules, audit: AuditReader, traces: Traces) -> SubjectExport | None:
        """Return an export of a customer, `None` if there is no such customer.

        `traces` are those under which the customer is found in the audit log.
        """
        identifiers_page = all_identifiers(rules)
        pages = (identifiers_page, PROFILE, CONSENTS, ORDERS, RECENT_INTERACTIONS, UNSUBSCRIBED, INTERACTION_COUNTS)
        selection = Selection.of((*pages, email_event_page(self._catalog)))
        (view,) = await self._store.customers([ref], selection)
        if view is None:
            return None
        identifiers: Sequence[IdentifierView] = view.pages[identifiers_page].items
        own = frozenset(item.identifier.key for item in identifiers if not (item.shared or item.blocked))
        subject = Subject(own, rules)
        masks = Masks(_WITHOUT_CONTACTS, rules, self._catalog, own)
        insights = await self._insights(view, rules)
        id = view.customer.id
        former = {former: until for former, until in (await former_ids(self._store, id)).items() if former != id}
        data = SubjectData(
            exported_at=iso(insights.now),
            customer=ExportedCustomer(
                id,
                tuple(FormerId(former, None if until is None else iso(until)) for former, until in former.items()),
                insights.is_known,
                iso(view.customer.created_at),
            ),
            identifiers=tuple(map(_identifier, identifiers)),
            profile=_profile(insights, subject),
            consents=_consents(insights.decisions),
            figures=figures(insights),
            segments=await self._memberships(id),
            overrides=tuple(_override(masks.override(item)) for item in await self._overrides(view, own)),
            # What an id was after the person had left it is of others.
            history=tuple(
                _change(masks.entry(entry))
                for entry in await self._store.history(
                    [id, *(former for former, until in former.items() if until is None)]
                )
            ),
            recipients=await recipients(audit, traces),
            deliveries=await self._deliveries(own),
        )
        return SubjectExport(self._store, subject, data, self._retention)

    async def _insights(self, view: CustomerView, rules: Rules) -> CustomerInsights:
        population, model = await self._statistics.latest()
        now, known = self._clock.now(), frozenset(rules.known_namespaces)
        insights = CustomerInsights(now, view, self._catalog, known, population, model)
        skus = {line.sku for order in insights.orders for line in order.lines}
        return replace(insights, products=await self._store.products(sorted(skus))) if skus else insights

    async def _memberships(self, id: str) -> tuple[ExportedSegment, ...]:
        found = (await self._segments_of([id])).get(id, [])
        return tuple(
            ExportedSegment(segment.name, segment.values, None if entered_at is None else iso(entered_at))
            for segment, entered_at in found
        )

    async def _deliveries(self, keys: frozenset[str]) -> tuple[ExportedDelivery, ...]:
        """Return the addresses of the person that destinations hold, or may hold."""
        deliveries = await self._store.deliveries_naming(sorted(keys))
        if not deliveries:
            return ()
        audiences = {audience.id: audience for audience in await self._store.audiences()}
        names = {segment.id: segment.name for segment in await self._store.segments()}
        return tuple(
            _delivery(delivery, audience, names)
            for delivery in deliveries
            if delivery.sent != ABSENT
            and not delivery.was_removed
            and (audience := audiences.get(delivery.audience)) is not None
        )

    async def _overrides(self, view: CustomerView, keys: frozenset[str]) -> list[Override]:
        if not view.customer.override_count:
            return []
        found: dict[str, Override] = {}
        for key in sorted(keys):
            for override in await self._store.overrides(key, None, MAX_OVERRIDES):
                found[override.id] = override
        return sorted(found.values(), key=lambda override: (override.at, override.id))


def _identifier(item: IdentifierView) -> ExportedIdentifier:
    evidence = item.evidence
    return ExportedIdentifier(
        item.identifier.namespace,
        item.identifier.value,
        None if evidence is None else iso(evidence.first_seen_at),
        None if evidence is None else iso(evidence.last_seen_at),
        0 if evidence is None else evidence.observation_count,
        () if evidence is None else evidence.sources,
        item.shared,
        item.blocked,
    )


def _profile(insights: CustomerInsights, subject: Subject) -> tuple[ExportedAttribute, ...]:
    def values(reported: Sequence[ReportedValue]) -> tuple[ExportedValue, ...]:
        return tuple(
            ExportedValue(
                subject.attribute(item.value if isinstance(item.value, str) else dict(item.value)),
                item.source,
                item.party.name,
                iso(item.reported_at),
                item.observation_id,
            )
            for item in reported
        )

    return tuple(
        ExportedAttribute(
            name,
            insights.catalog.attributes[name].precedence.name,
            values(attribute.chosen),
            values(attribute.alternatives),
        )
        for name, attribute in insights.profile.items()
    )


def _consents(newest_first: Sequence[RecordedDecision]) -> tuple[ExportedConsent, ...]:
    by_address: dict[tuple[str, str], list[ExportedDecision]] = {}
    for item in newest_first:
        decision = ExportedDecision(
            item.decision.name,
            item.channel or None,
            iso(item.decided_at),
            item.source,
            item.party.name,
            item.policy_version,
            item.observation_id,
        )
        by_address.setdefault((item.key, item.purpose), []).append(decision)
    return tuple(
        ExportedConsent(*Identifier.from_key(key), purpose, tuple(decisions))
        for (key, purpose), decisions in by_address.items()
    )


def _delivery(delivery: Delivery, audience: Audience, names: Mapping[str, str]) -> ExportedDelivery:
    return ExportedDelivery(
        delivery.destination,
        *Identifier.from_key(delivery.key),
        audience.segment,
        names.get(audience.segment),
        audience.purpose,
        audience.channel,
        tuple(audience.fields.values()),
        delivery.sent is not None,
        delivery.is_removal,
        iso(delivery.changed_at),
    )


def _override(override: Override) -> ExportedOverride:
    keys = tuple(map(str, override.keys))
    return ExportedOverride(override.id, override.kind.name, keys, override.actor, override.reason, iso(override.at))


def _change(entry: Entry) -> ExportedChange:
    change = entry.change
    return ExportedChange(
        entry.number,
        iso(change.recorded_at),
        change.kind.name,
        change.customer,
        change.other_customer or None,
        tuple(map(str, change.keys)),
        str(change.reason),
    )
