"""The graph as one viewer may use it. `schema` knows the graph in this form only: without a viewer there is no view."""

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from graph.commands.references import ROW
from graph.commands.retention import RetentionControl
from graph.commands.rules_control import RulesControl
from graph.commands.segment_counts import PreviewCounts
from graph.commands.segments import Segments
from graph.domain.access.accessed import Accessed
from graph.domain.access.audit import AuditReader, CustomerAccess, Traces
from graph.domain.access.decision_log import DecisionReader
from graph.domain.access.lookup_budget import UNLIMITED, LookupBudget
from graph.domain.access.masking import key_of
from graph.domain.access.part_view import all_identifiers
from graph.domain.access.reach import MAX_SEARCH_HITS, MIN_SEARCH_LENGTH, may_ask_by
from graph.domain.access.scopes import (
    BEHAVIOR_TEXT,
    CHANGES_READ,
    CUSTOMER_AT_TIME,
    GRAPH_READ,
    HISTORY_READ,
    PROFILE_UNMASKED,
    SEGMENT_READ,
)
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.change_filter import ALL_CHANGES, ChangeFilter
from graph.domain.model.changes import SEGMENT_CHANGES, Entry
from graph.domain.model.errors import InvalidInput
from graph.domain.model.labels import Label
from graph.domain.model.links import Link
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Override
from graph.domain.model.products import Product
from graph.domain.model.refused_records import Position, RefusedCount, RefusedFilter, RefusedRecord
from graph.domain.model.rules import ORDER_NAMESPACE, Rules
from graph.domain.model.segments import Segment
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import RecordedDecision
from graph.domain.profile.deliverability import address_page, email_event_page
from graph.domain.profile.insights import CONSENTS, CustomerInsights
from graph.domain.profile.pages import EMPTY, ById, ByKey, CustomerRef, CustomerView, Match, Page, Selection, page_after
from graph.domain.profile.search import SearchField, SearchPosition, SearchResult
from graph.domain.resolution.explanation import Explanation
from graph.domain.resolution.health import Finding, FindingKind, FindingPosition
from graph.domain.segments.rule_parser import Values, canonical_text
from graph.domain.tables.rows import TableRows
from graph.identity_graph import IdentityGraph
from graph.queries.consent_proof import ConsentProof
from graph.queries.filtered_feed import FeedPage, followed
from graph.queries.later_ids import LaterIds
from graph.queries.possible_matches import MatchStatus
from graph.queries.statistics import StatisticsService
from graph.queries.subject_export import SubjectExport
from graph.queries.subscriptions import FeedPlace
from graph.viewer_audiences import ViewerAudiences
from graph.viewer_reads import ViewerReads
from graph.viewer_restrictions import Named, bare, named_by_finding

MAX_CUSTOMERS = 100
"""Customers that one look-up may request."""


def _shows_segment(entry: Entry) -> bool:
    """Return whether a change shows in which segment a customer is."""
    return entry.change.kind in SEGMENT_CHANGES and bool(entry.change.customer)


def _named_by_override(override: Override) -> Named:
    return Named(keys=override.keys)


class ViewerGraph(ViewerAudiences):
    """The graph for one viewer. What the viewer may not see is answered as if it did not exist.

    The schema checks the scopes of a request before it runs; this class decides which customers a viewer reaches, and
    the one that it extends which statements it may record.
    """

    __slots__ = ("_reads",)

    def __init__(self, graph: IdentityGraph, viewer: Viewer, budget: LookupBudget = UNLIMITED) -> None:
        super().__init__(graph, viewer, budget)
        self._reads = ViewerReads(graph, viewer, self.accessed)

    def take_accessed(self) -> Accessed:
        """Return what was accessed since the last call, or since the beginning."""
        accessed = self.accessed
        self.accessed = self._reads.accessed = Accessed()
        return accessed

    # --- what concerns no person; the schema's scopes alone decide who may use it

    @property
    def rules(self) -> Rules:
        """The rules in effect."""
        return self._graph.rules

    @property
    def catalog(self) -> Catalog:
        """The attributes, purposes and channels that may be recorded."""
        return self._graph.catalog

    @property
    def rules_control(self) -> RulesControl:
        """What reads and applies rules."""
        return self._graph.rules_control

    @property
    def retention(self) -> RetentionControl:
        """What knows how long data is kept, and what has expired."""
        return self._graph.retention

    @property
    def statistics(self) -> StatisticsService:
        """What calculates statistics over all customers."""
        return self._graph.statistics

    @property
    def segments(self) -> Segments:
        """What defines segments and knows their members by id."""
        return self._graph.segments

    async def create_segment(self, name: str, values: Values) -> Segment:
        """Create a segment."""
        self._count_rule(values)
        return await self._graph.segments.create(name, values, self.viewer.caller)

    async def update_segment(
        self, id: str, name: str | None, values: Values | None, expected_version: int | None
    ) -> Segment:
        """Change the name or the rule of a segment."""
        if values is not None:
            self._count_rule(values)
        return await self._graph.segments.update(id, name, values, expected_version)

    async def member_counts(self, ids: Sequence[str]) -> dict[str, int | None]:
        """Return the numbers of members by segment id, `None` for one that is about too few customers."""
        if self.viewer.reach is Reach.COUNT:
            return await self._graph.segment_counts.of_segments(ids)
        return {id: await self._graph.segments.count(id) for id in ids}

    async def preview_segment(self, values: Values, sample: int) -> tuple[PreviewCounts, Sequence[str]]:
        """Evaluate a rule; return the counts, and a sample of ids. Who sees only numbers gets no sample."""
        if self.viewer.reach is Reach.COUNT:
            self._count_rule(values)
            return await self._graph.segment_counts.preview(values), ()
        evaluation = await self._graph.segments.preview(values, sample)
        return PreviewCounts.exact(evaluation), evaluation.sample

    def _count_rule(self, values: Values) -> None:
        """Count a rule as a look-up of a viewer that sees only numbers: many rules would reveal what one does not."""
        if self.viewer.reach is Reach.COUNT:
            self._budget.spend([f"rule:{canonical_text(values)}"])

    async def segments_ready(self) -> bool:
        """Return whether the members of all segments are up to date."""
        return await self._graph.segment_worker.ready()

    async def products(self, skus: Sequence[str]) -> dict[str, Product]:
        """As `IdentityGraph.products`."""
        return await self._graph.products(skus)

    # --- refused records, which name anybody

    async def refused_records(self, filter: RefusedFilter, after: Position | None, first: int) -> Page[RefusedRecord]:
        """Return refused records, those that were delivered last first.

        Which of its words are values of whom is not known of a record, so the viewer is shown the texts of none, unless
        it sees all values of everybody whom the record may name.
        """
        self._require_reach(Reach.NONE)
        page = await self._graph.refused.page(filter, after, first, with_content=self._sees_everything)
        return Page(await self._shown_refused(page.items), page.has_more)

    async def refused_records_with(self, ids: Sequence[str]) -> list[RefusedRecord]:
        """Return the refused records with some ids, by id; unknown ids are left out."""
        self._require_reach(Reach.NONE)
        return await self._shown_refused(await self._graph.refused.get(ids))

    @property
    def _sees_everything(self) -> bool:
        return self.viewer.is_unrestricted and self.sees_all_values and self.viewer.may(PROFILE_UNMASKED)

    async def _shown_refused(self, records: Sequence[RefusedRecord]) -> list[RefusedRecord]:
        if not self._sees_everything:
            return [record.without_texts() for record in records]
        named = await self._graph.refused.customers_named(records)
        withheld = await self._restrictions.of(ByKey(key) for keys in named for key in keys)
        shown: list[RefusedRecord] = []
        for record, keys in zip(records, named, strict=True):
            if any(ByKey(key) in withheld for key in keys):
                shown.append(record.without_texts())
                continue
            self._note_keys((record.id, *keys))
            self._note_customers(keys.values())
            shown.append(record)
        return shown

    async def refused_counts(self) -> list[RefusedCount]:
        """Return how many refused records are kept, by source and code."""
        self._require_reach(Reach.NONE)
        return await self._graph.refused.counts()

    async def delete_refused_records(self, ids: Sequence[str]) -> int:
        """Delete 1 to 1,000 refused records by id, and return how many were kept; raises `InvalidInput`."""
        self._require_reach(Reach.NONE)
        return await self._graph.refused.delete(ids)

    # --- overrides, which stewards read

    async def overrides(self, key: str | None, after: tuple[int, str] | None, first: int) -> Page[Override]:
        """Return overrides in the order in which they were set."""
        self._require_reach()
        if key is not None:
            self._ask((key,))
        page = await self._graph.overrides(key, after, first)
        overrides = await self._restrictions.shown(page.items, _named_by_override)
        while page.has_more and not overrides:
            last = page.items[-1]
            page = await self._graph.overrides(key, (last.at, last.id), first)
            overrides = await self._restrictions.shown(page.items, _named_by_override)
        self._note_keys(key for override in overrides for key in override.keys)
        return Page([self.masks.override(override) for override in overrides], page.has_more)

    async def override_by_id(self, id: str) -> Override | None:
        """Return an override by its id; `None` for a viewer that may not read overrides."""
        may = self.viewer.may(GRAPH_READ) and self.viewer.is_unrestricted
        override = await self._graph.override_by_id(id) if may else None
        if override is None or not await self._restrictions.shown((override,), _named_by_override):
            return None
        self._note_keys(override.keys)
        return self.masks.override(override)

    # --- the history and the graph behind customers, which name identifiers of anybody

    async def _shown_entries(self, entries: Sequence[Entry]) -> list[Entry]:
        for entry in entries:
            self._note_customers((entry.change.customer, entry.change.other_customer))
        return list(map(self.masks.entry, await self._restrictions.entries(entries)))

    async def change_filter(self, filter: ChangeFilter, customer: str | None) -> ChangeFilter:
        """Return a filter of changes with all ids of a customer; raises `InvalidInput` if the viewer may not use it."""
        self._require_reach(Reach.IDS)
        filter.check()
        if filter.source and not self.viewer.may(HISTORY_READ):
            # What matches would tell the source of each change.
            message = f"filter: source requires the scope {HISTORY_READ}"
            raise InvalidInput("FORBIDDEN", message, ("filter", "source"))
        if filter.segment and await self._graph.segments.get(filter.segment) is None:
            message = f"filter: segmentId: segment {filter.segment[:60]!r} does not exist"
            raise InvalidInput("SEGMENT_NOT_FOUND", message, ("filter", "segmentId"))
        return filter if customer is None else replace(filter, customers=await self._graph.ids_of_customer(customer))

    async def filtered_changes(
        self, filter: ChangeFilter, after: int | None, first: int, newest_first: bool
    ) -> FeedPage:
        """Return a page of the changes that match a filter of `change_filter`."""
        page = await self._graph.filtered_changes(filter, after, first, newest_first)
        entries = await self._shown_entries(await self._with_consented_segments(page.entries))
        # What is withheld of a restricted customer must not be found by a filter either.
        return replace(page, entries=[entry for entry in entries if filter.matches(entry.change)])

    async def changes(self, after: int, first: int) -> Page[Entry]:
        """Return the changes after an entry's number."""
        self._require_reach(Reach.IDS)
        page = await self._graph.changes(after, first)
        entries = await self._with_consented_segments(page.items)
        while page.has_more and not entries:
            page = await self._graph.changes(page.items[-1].number, first)
            entries = await self._with_consented_segments(page.items)
        return Page(await self._shown_entries(entries), page.has_more)

    async def _with_consented_segments(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return entries without those that show in which segment somebody is, who has not consented to it."""
        refs = dict.fromkeys(ById(entry.change.customer) for entry in entries if _shows_segment(entry))
        consenting = await self._consenting(refs, Label.PROFILING)
        return [entry for entry in entries if not _shows_segment(entry) or ById(entry.change.customer) in consenting]

    async def _consenting(self, refs: Collection[CustomerRef], label: Label) -> Collection[CustomerRef]:
        """Return those of customers whose data with a label may be shown for the purpose of the request."""
        policies = self._policies
        if policies is None or label not in policies.labels_named or not refs:
            return refs
        views = await self._graph.customers(list(refs), Selection.of([CONSENTS]))
        return {
            ref
            for ref, view in zip(refs, views, strict=True)
            if view is not None and not policies.withholds(view, label)
        }

    async def new_changes(
        self, after: int | None, filter: ChangeFilter = ALL_CHANGES, place: FeedPlace | None = None
    ) -> AsyncGenerator[Entry, None]:
        """Yield the changes after an entry's number, or from now on, that match a filter, as they happen.

        With a `place` they are read for others, from there on, and the place moves along.
        """
        self._require_reach(Reach.IDS)
        broadcaster = self._graph.broadcaster
        source = broadcaster.changes(after) if place is None else broadcaster.changes(place.number, for_followers=True)
        async with aclosing(source) as entries:
            async for entry in entries:
                matching = (entry,) if filter.matches(entry.change) else ()
                for shown in await self._shown_entries(await self._with_consented_segments(matching)):
                    if filter.matches(shown.change):
                        if place is not None:
                            place.number = entry.number
                        yield shown
                if place is not None:
                    place.left = entry.number
                filter = followed(filter, entry.change)

    async def change(self, number: int) -> Entry | None:
        """Return an entry of the history by its number; `None` for a viewer that may not read changes."""
        may = self.viewer.may(CHANGES_READ) and self.viewer.reach in (Reach.ANY, Reach.IDS)
        entry = await self._graph.change(number) if may else None
        if entry is None or not await self._with_consented_segments((entry,)):
            return None
        (shown,) = await self._shown_entries((entry,))
        return shown

    async def why(self, a: str, b: str) -> Explanation:
        """Explain why two keys are or are not one customer.

        Raises `InvalidInput` if one of them belongs to a customer that is restricted for the viewer.
        """
        self._require_reach()
        self._ask((a, b))
        withheld = await self._restrictions.of((ByKey(a), ByKey(b)))
        for name, key in (("a", a), ("b", b)):
            if ByKey(key) in withheld:
                message = f"{name} belongs to a customer whose processing is restricted"
                raise InvalidInput("CUSTOMER_RESTRICTED", message, (name,))
        return self.masks.explanation(await self._graph.why(a, b))

    async def weakest_links(self, key: str, first: int) -> list[Link]:
        """Return the active links without which the customer of a key would split; none if it is withheld."""
        self._require_reach()
        if not key or await self._restrictions.of((ByKey(key),)):
            return []
        self._note_keys((key,))
        return [self.masks.link(link) for link in await self._graph.weakest_links(key, first)]

    async def health(self, kinds: frozenset[FindingKind], after: FindingPosition | None, first: int) -> Page[Finding]:
        """Return a page of suspicious findings in the graph."""
        self._require_reach()
        await self._graph.references.open()
        page = await self._graph.health(kinds, after, first)
        findings = await self._restrictions.shown(page.items, named_by_finding)
        while page.has_more and not findings:
            page = await self._graph.health(kinds, page.items[-1].position, first)
            findings = await self._restrictions.shown(page.items, named_by_finding)
        self._note_keys(finding.key for finding in findings if finding.key)
        self._note_customers(finding.customer for finding in findings)
        return Page([self.masks.finding(finding) for finding in findings], page.has_more)

    # --- customers

    async def customers(self, refs: Sequence[CustomerRef], selection: Selection) -> list[CustomerView | None]:
        """Return what the viewer sees of customers in the order of `refs`, `None` for one that it does not reach."""
        if not refs:
            return []
        self._ask([ref.id if isinstance(ref, ById) else ref.key for ref in refs])
        chosen = selection if self._policies is None else self._policies.selection(selection)
        views = await self._restrictions.views(await self._reads.customers(refs, chosen))
        if missed := views.count(None):
            self._budget.missed(missed)
        return await self._shown(views)

    async def profiled(self, ids: Sequence[str], selection: Selection) -> list[CustomerView | None]:
        """Return customers who are shown because a rule matches them; `None` where that may not be shown."""
        views = await self.customers([ById(id) for id in ids], Selection.of((*selection.pages, CONSENTS)))
        return [
            view
            if view is not None
            and view.may_be_profiled
            and not any(item.label is Label.PROFILING for item in view.withheld)
            else None
            for view in views
        ]

    async def customer_at(self, ref: CustomerRef, at: int, selection: Selection) -> CustomerView | None:
        """Return the customer as recorded at a time (microseconds), for viewers that see whole customers."""
        if not self.viewer.may(CUSTOMER_AT_TIME):
            raise InvalidInput("FORBIDDEN", f"at requires the scope {CUSTOMER_AT_TIME}", ("at",))
        self._ask([ref.id if isinstance(ref, ById) else ref.key])
        view = None
        if may_ask_by(self.viewer, ref, self.rules):
            view = await self._graph.customer_at(ref, at, selection)
        if view is None:
            self._budget.missed(1)
            return None
        self.accessed.customers[view.customer.id] = None
        if self._policies is not None:
            # The consents of now decide: what was shown before they were withdrawn is not shown again.
            (now,) = await self._graph.customers([ById(view.customer.id)], Selection.of([CONSENTS]))
            consents = EMPTY if now is None else now.pages[CONSENTS]
            view = replace(view, pages={**view.pages, CONSENTS: consents})
        # So do the restrictions of now.
        if await self._restrictions.of((ById(view.customer.id),)):
            return bare(view)
        (shown,) = await self._shown([view])
        return shown

    async def customer_changes(self, ref: CustomerRef, selection: Selection) -> AsyncGenerator[CustomerView | None]:
        """Yield what the viewer sees of a customer now, and again after each change of it.

        A viewer that does not see every customer is sent what it sees only if that has changed: events reveal that
        something happens to a customer. So does everybody from whom it is withheld because it is restricted.
        """
        before: CustomerView | None = None
        first = True
        async with aclosing(self._graph.broadcaster.customer(self._reads.watched(ref))) as changes:
            async for _ in changes:
                (view,) = await self.customers([ref], selection)
                withheld = self._restrictions.withholds(view)
                if first or (self.viewer.is_unrestricted and not withheld) or view != before:
                    yield view
                before, first = view, False

    async def orders(self, numbers: Sequence[str]) -> list[tuple[str, Order] | None]:
        """Return orders by their numbers, with their keys, `None` for one that the viewer may not see."""
        self._ask([f"{ORDER_NAMESPACE}={number}" for number in numbers])
        found = await self._graph.orders(numbers)
        orders = await self._with_consent(await self._visible_orders(numbers, found))
        withheld = await self._restrictions.of(ByKey(pair[0]) for pair in orders if pair is not None)
        orders = [None if pair is None or ByKey(pair[0]) in withheld else pair for pair in orders]
        self.accessed.refused += orders.count(None) - found.count(None)
        if missed := orders.count(None):
            self._budget.missed(missed)
        return orders

    async def _with_consent(self, orders: list[tuple[str, Order] | None]) -> list[tuple[str, Order] | None]:
        refs = dict.fromkeys(ByKey(pair[0]) for pair in orders if pair is not None)
        consenting = await self._consenting(refs, Label.CONTRACT)
        return [pair if pair is not None and ByKey(pair[0]) in consenting else None for pair in orders]

    async def _visible_orders(
        self, numbers: Sequence[str], orders: list[tuple[str, Order] | None]
    ) -> list[tuple[str, Order] | None]:
        match self.viewer.reach:
            case Reach.ANY | Reach.HELD | Reach.FOUND:
                return orders
            case Reach.SELF:
                keys = await self._reads.self_keys()
                return [pair if pair is not None and pair[0] in keys else None for pair in orders]
            case Reach.OWN:
                # Read for all numbers, whether or not anybody reported them: the response takes as long.
                reported = self._graph.order_keys(numbers)
                named = list(dict.fromkeys(key for key in reported if key is not None))
                own = await self._graph.orders_of_sources(named, self.viewer.sources or frozenset())
                return [None if key is None or key not in own else (key, own[key]) for key in reported]
        return [None for _ in orders]

    async def search(
        self, text: str, fields: Sequence[SearchField], after: SearchPosition | None, first: int
    ) -> Page[SearchResult]:
        """Return the customers that match all words of a text in some fields."""
        if SearchField.INTERACTIONS in fields and not self.viewer.may(BEHAVIOR_TEXT):
            raise InvalidInput("FORBIDDEN", f"fields: INTERACTIONS requires the scope {BEHAVIOR_TEXT}", ("fields",))
        if self.viewer.reach is Reach.FOUND and len(text.strip()) < MIN_SEARCH_LENGTH:
            message = f"text has {len(text.strip())} characters; {MIN_SEARCH_LENGTH} or more are required"
            raise InvalidInput("INVALID_LENGTH", message, ("text",))
        self.accessed.asked[text] = None
        # The text is a look-up, too: whether it finds somebody is an answer.
        self._budget.spend([f"search:{text.strip().casefold()}"])
        if self.masks.hides_anything:
            self._present_text(text)
        match self.viewer.reach:
            case Reach.ANY:
                page = await self._found(text, fields, after, first)
            case Reach.FOUND:
                best = await self._found(text, fields, None, MAX_SEARCH_HITS)
                page = page_after(best.items, lambda hit: hit.position, after, first)
            case _:
                page = EMPTY
        # Each hit is a look-up, whether or not its customer is read.
        self._budget.spend(dict.fromkeys(hit.customer for hit in page.items))
        if not page.items:
            self._budget.missed(1)
        return Page([self.masks.search_result(result) for result in page.items], page.has_more)

    async def _found(
        self, text: str, fields: Sequence[SearchField], after: SearchPosition | None, first: int
    ) -> Page[SearchResult]:
        """Return a page of hits without restricted customers; it is empty only if no hits follow."""
        page = await self._graph.search(text, fields, after, first)
        hits = await self._restrictions.shown(page.items, lambda hit: Named((hit.customer,)))
        while page.has_more and not hits:
            page = await self._graph.search(text, fields, page.items[-1].position, first)
            hits = await self._restrictions.shown(page.items, lambda hit: Named((hit.customer,)))
        return Page(hits, page.has_more)

    async def consents_of(self, key: str) -> list[RecordedDecision]:
        """Return the consent decisions that name an identifier, newest first; none for one that is not reached."""
        view = await self._of_address(key, Selection.of([CONSENTS]))
        if view is None:
            return []
        return [decision for decision in self._graph.insights(view).decisions if decision.key == key]

    async def is_contactable(self, key: str, purpose: str, channel: str) -> bool:
        """Return whether an identifier may be contacted now, for a purpose through a channel."""
        addresses = address_page(self.catalog, channel)
        selection = Selection.of((addresses, email_event_page(self.catalog), CONSENTS))
        view = await self._of_address(key, selection)
        if view is None:
            return False
        found = self._graph.insights(view).contactable(addresses, purpose, channel)
        return any(key_of(address.identifier) == key for address in found)

    async def _of_address(self, key: str, selection: Selection) -> CustomerView | None:
        """Return the view of who holds an identifier, of which only what is about the identifier may be shown."""
        if self.viewer.reach is Reach.IDS:
            # Who follows the feed learns by address what it may send.
            self._ask([key])
            (view,) = await self._graph.customers([ByKey(key)], selection)
            if view is not None:
                self.accessed.customers[view.customer.id] = None
        else:
            (view,) = await self.customers([ByKey(key)], selection)
        return None if self._restrictions.withholds(view) else view

    async def consent_proofs(self, keys: Sequence[str], reader: DecisionReader) -> dict[str, ConsentProof]:
        """Return the proofs of all decisions that were ever stored of some identifiers, by key."""
        self._require_reach()
        self._ask(keys)
        return await self._graph.consent_proofs(keys, reader)

    async def segment(self, id: str) -> Segment | None:
        """Return a segment by its id; `None` for a viewer that may not read segments."""
        return await self._graph.segments.get(id) if self.viewer.may(SEGMENT_READ) else None

    async def segments_of(self, ids: Sequence[str]) -> dict[str, list[tuple[Segment, int | None]]]:
        """Return the segments of customers that the viewer may see, by customer id.

        A viewer that sees parts of customers sees none: what a rule matches follows from the whole.
        """
        if self.viewer.reach in (Reach.OWN, Reach.NONE, Reach.COUNT):
            return {}
        found = await self._graph.segments.of_customers(ids)
        return {
            id: [membership for membership in memberships if self.viewer.sees_segment(membership[0].name)]
            for id, memberships in found.items()
        }

    async def traces_of(self, ref: CustomerRef) -> Traces:
        """Return under what a customer may be found in the audit log. What no longer exists is found as asked for.

        Not every entry names the customer: who looks up an order, or asks why two identifiers are one customer, is
        found by what was asked for. So all identifiers of the customer are looked for, whichever was given.
        """
        (view,) = await self.customers([ref], Selection())
        asked = [ref.key if isinstance(ref, ByKey) else ref.id]
        customers: dict[str, int | None] = {} if isinstance(ref, ByKey) else {ref.id: None}
        if view is not None:
            id = view.customer.id
            customers |= await self._graph.former_ids(id, ref.key if isinstance(ref, ByKey) else "")
            asked += await self._own_keys(id)
        return Traces(customers, tuple(dict.fromkeys(asked)))

    async def export_subject(self, ref: CustomerRef, audit: AuditReader) -> SubjectExport | None:
        """Return an export of everything about a customer, `None` if there is no such customer.

        It is the person's right to get all of it, so no policy withholds a part. Others' identifiers are masked.
        """
        self._require_reach()
        traces = await self.traces_of(ref)
        return await self._graph.exports.begin(ref, self.rules, audit, traces)

    async def table_rows(self) -> TableRows:
        """Return what makes rows for analysis of the records of the store. Raises `InvalidInput` for a part of it."""
        self._require_reach()
        await self._graph.references.open()
        references = self._graph.references
        return TableRows(
            self.viewer,
            self.rules,
            self.catalog,
            self._policies,
            lambda what, text: references.pseudonym(text, ROW + what.encode()),
        )

    async def holders_of_orders(self, hash_of: Callable[[str], str], hashes: Collection[str]) -> dict[str, str]:
        """Return whose orders were asked for, as the audit log names them: by keyed hashes of their identifiers."""
        return await self._graph.holders_of_orders(hash_of, hashes)

    async def later_ids(self, accesses: Sequence[CustomerAccess]) -> dict[str, LaterIds]:
        """Return under which ids the data of accessed customers is stored now, by the id of then."""
        return await self._graph.later_ids({access.id: access.first for access in accesses})

    def note_audit_log(self, caller: str) -> None:
        """Record that the audit log is read as such, or what one caller sent: its entries name customers."""
        self._note_keys((f"audit log={caller}",))

    async def _own_keys(self, id: str) -> list[str]:
        """Return the identifiers of a customer, without those that are known to be of several people."""
        page = all_identifiers(self.rules)
        (view,) = await self._graph.customers([ById(id)], Selection.of([page]))
        if view is None:
            return []
        return [item.identifier.key for item in view.pages[page].items if not (item.shared or item.blocked)]

    def insights(self, view: CustomerView) -> CustomerInsights:
        """Return what follows from a customer's view as of now."""
        return self._graph.insights(view)

    def match_status(self, match: Match) -> MatchStatus:
        """Return the status of a possible match."""
        return self._graph.match_status(match)
