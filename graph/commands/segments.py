"""Segments: create, read, preview and evaluate them. `graph.segment_worker` keeps memberships up to date."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from typing import Protocol

from msgspec import Struct

from graph.commands.segment_writes import Evaluation, Saved, create, delete, save_evaluations, update
from graph.commands.write_gate import WriteGate
from graph.domain.audiences import targets
from graph.domain.audiences.targets import Target
from graph.domain.model.audiences import Audience
from graph.domain.model.errors import InvalidInput
from graph.domain.model.products import Product
from graph.domain.model.rules import Rules
from graph.domain.model.segments import Membership, Segment
from graph.domain.model.validation import check_text
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import EVERY_CHANNEL
from graph.domain.profile.insights import CONSENTS, ORDERS, CustomerInsights
from graph.domain.profile.objections import with_objections
from graph.domain.profile.pages import ById, CustomerView, IdentifierPage, Page, PageRequest, Selection
from graph.domain.profile.prediction import Model
from graph.domain.profile.rfm import RfmPopulation
from graph.domain.profile.timeline import NO_END
from graph.domain.segments.conditions import Condition, leaf_conditions
from graph.domain.segments.rule_parser import Values, parse, rule_text
from graph.ports import AudienceStore, Clock, CustomerStore, Ids, SegmentStore, WriteStore

EVALUATED_KEY = "segments_evaluated"
"""The name of the stored versions, by id, of the segments of which the recorded members are."""
PAGE_SIZE = 100
"""Customers that are read, or decided about in one write, at a time."""
MAX_KEYS = 100
"""Identifiers that an entry of the history names of a customer that enters or exits a segment."""
MAX_PREVIEW_SECONDS = 5.0
MAX_SAMPLES = 100

LatestStatistics = Callable[[], Awaitable[tuple[RfmPopulation | None, Model | None]]]


class SegmentationStore(WriteStore, CustomerStore, SegmentStore, AudienceStore, Protocol):
    """Segments and audiences, the customers they are evaluated for, and writes."""


class SegmentEvaluation(Struct, frozen=True, gc=False):
    """The customers that match a rule: the counts of all, evaluated and matching customers, and a sample of ids."""

    total_customers: int
    evaluated_customers: int
    matching_customers: int
    sample: tuple[str, ...]

    @property
    def estimated_count(self) -> int:
        """The estimated matches of all: ids are random, so the evaluated customers are a fair sample."""
        return (
            round(self.matching_customers * self.total_customers / self.evaluated_customers)
            if self.evaluated_customers
            else 0
        )


class Segments:
    """Manages and evaluates segments.

    `rules` returns the rules in effect, `latest` the statistics that customers are compared with. `on_segment_change`
    is called after a segment was written, `on_history_change` after entries of the history were written. `gate` may
    refuse changes of segments. `on_owed` is called with the destinations that something is owed to.
    """

    def __init__(
        self,
        store: SegmentationStore,
        clock: Clock,
        ids: Ids,
        catalog: Catalog,
        rules: Callable[[], Rules],
        latest: LatestStatistics,
        on_history_change: Callable[[], None],
        on_segment_change: Callable[[], None],
        gate: WriteGate | None = None,
        on_owed: Callable[[Collection[str]], None] = lambda _: None,
    ) -> None:
        self._store, self._clock, self._ids = store, clock, ids
        self._on_owed = on_owed
        self.catalog, self.rules, self.latest = catalog, rules, latest
        self._on_history_change, self._on_segment_change = on_history_change, on_segment_change
        self._gate = gate or WriteGate()
        self._parsed: dict[tuple[str, int], Condition] = {}

    # --- segments

    def check(self, values: Values) -> Condition:
        """Return the condition of a rule; raises `InvalidInput` that names the field and the value."""
        return parse(values, self.catalog, self.rules())

    async def create(self, name: str, values: Values, actor: str) -> Segment:
        """Store a new segment; a repeated request returns the existing one."""
        self._gate.check()
        self._check_name(name)
        self.check(values)
        segment = Segment(self._ids.segment(), name, rule_text(values), 1, self._clock.now(), actor)
        return self._wake_after(await self._store.write(lambda: create(segment)))

    async def update(self, id: str, name: str | None, values: Values | None, expected_version: int | None) -> Segment:
        """Change the name or rule of a segment; raises `VersionConflict` if a given `expected_version` is outdated."""
        self._gate.check()
        if name is not None:
            self._check_name(name)
        if values is not None:
            self.check(values)
        rule = None if values is None else rule_text(values)
        return self._wake_after(await self._store.write(lambda: update(id, name, rule, expected_version)))

    async def delete(self, id: str, actor: str) -> Segment:
        """Delete a segment and its memberships."""
        self._gate.check()
        now = self._clock.now()
        deleted = self._wake_after(await self._store.write(lambda: delete(id, actor, now)))
        self._on_history_change()
        return deleted

    def _check_name(self, name: str) -> None:
        if problem := check_text("name", name, 200):
            raise InvalidInput(problem.code, problem.message, problem.path)

    def _wake_after(self, segment: Segment) -> Segment:
        self._on_segment_change()
        return segment

    async def all(self) -> list[Segment]:
        """Return all segments, by name."""
        return await self._store.segments()

    async def get(self, id: str) -> Segment | None:
        """Return a segment by its id."""
        return next((segment for segment in await self._store.segments() if segment.id == id), None)

    async def members(self, id: str, after: str, first: int) -> Page[Membership]:
        """Return a page of the recorded members of a segment, by customer id."""
        memberships = await self._store.members(id, after, first + 1)
        return Page(memberships[:first], len(memberships) > first)

    async def count(self, id: str) -> int:
        """Return the number of recorded members of a segment."""
        return await self._store.count_members(id)

    # --- memberships

    async def of_customers(self, ids: Sequence[str]) -> dict[str, list[tuple[Segment, int | None]]]:
        """Return the segments of customers as of now, each with the time it was entered (`None`: not recorded yet)."""
        segments, states = await asyncio.gather(self._store.segments(), self._store.segment_states(ids))
        if not segments:
            return {}
        recorded = {state.id: state.segments for state in states}
        result: dict[str, list[tuple[Segment, int | None]]] = {}
        for evaluation in await self.evaluate(ids, segments):
            entered_at = recorded.get(evaluation.id, {})
            result[evaluation.id] = [
                (segment, entered_at.get(segment.id)) for segment in segments if segment.id in evaluation.segments
            ]
        return result

    def condition_of(self, segment: Segment) -> Condition | None:
        """Return the condition of a segment.

        Returns `None` if it uses attributes or namespaces that no longer exist: such a segment has no members.
        """
        key = segment.id, segment.version
        if key not in self._parsed:
            try:
                self._parsed[key] = self.check(segment.values)
            except InvalidInput:
                return None
        return self._parsed[key]

    async def evaluate(
        self, ids: Sequence[str], segments: Sequence[Segment], audiences: Sequence[Audience] | None = None
    ) -> list[Evaluation]:
        """Return the segments of customers as of now, and until when they stay the same without a write.

        With `audiences`, also return what is recorded with the segments: identifiers of the customers, and the
        addresses that audiences should have.
        """
        conditions = {
            segment.id: condition for segment in segments if (condition := self.condition_of(segment)) is not None
        }
        open_audiences = [audience for audience in audiences or () if not audience.ended]
        more = [page for audience in open_audiences for page in targets.pages(audience, self.catalog)]
        named = None if audiences is None else self._named_identifiers()
        if named is not None:
            more.append(named)
        evaluations: list[Evaluation] = []
        for id, insights in zip(ids, await self._insights(ids, list(conditions.values()), more), strict=True):
            if insights is None or insights.view.customer.id != id:
                evaluations.append(Evaluation(id, -1, frozenset(), NO_END))
                continue
            version = insights.view.customer.version
            held = () if named is None else insights.page(named)
            keys = tuple(item.identifier.key for item in held if not item.blocked)
            if not insights.view.may_be_profiled:
                evaluations.append(Evaluation(id, version, frozenset(), NO_END, keys=keys))
                continue
            results = {segment: condition.evaluate(insights) for segment, condition in conditions.items()}
            matching = frozenset(segment for segment, result in results.items() if result.holds)
            until = min((result.until for result in results.values()), default=NO_END)
            wanted: list[Target] = []
            for audience in open_audiences:
                if audience.segment in matching:
                    found, changes_at = targets.targets(audience, insights)
                    wanted += found
                    until = min(until, changes_at)
            evaluations.append(Evaluation(id, version, matching, until, tuple(wanted), keys))
        return evaluations

    def _named_identifiers(self) -> IdentifierPage:
        """Return the page of the identifiers that entries of the history name: addresses and known ones.

        The strongest come first: addresses such as cookies may be many.
        """
        rules = self.rules()
        named = self.catalog.addresses[EVERY_CHANNEL].union(rules.known_namespaces)
        return IdentifierPage(tuple(namespace for namespace in rules.names if namespace in named), MAX_KEYS)

    async def refresh(self, ids: Sequence[str], segments: Sequence[Segment] | None = None) -> Saved | None:
        """Evaluate customers now and record their memberships, and the addresses that audiences should have.

        Return what was saved; `None` if segments or audiences were changed meanwhile.
        """
        if segments is None:
            segments = await self._store.segments()
        audiences = await self._store.audiences()
        evaluations = await self.evaluate(ids, segments, audiences)
        now = self._clock.now()
        saved = await self._store.write(lambda: save_evaluations(evaluations, segments, audiences, now))
        if saved is not None:
            if saved.entries:
                self._on_history_change()
            if saved.destinations:
                self._on_owed(saved.destinations)
        return saved

    async def refresh_all(self, ids: Sequence[str]) -> list[Saved | None]:
        """Call `refresh` for any number of customers, `PAGE_SIZE` at a time, and return what each call returned."""
        return [await self.refresh(ids[start : start + PAGE_SIZE]) for start in range(0, len(ids), PAGE_SIZE)]

    async def _insights(
        self, ids: Sequence[str], conditions: Sequence[Condition], more: Sequence[PageRequest] = ()
    ) -> list[CustomerInsights | None]:
        """Return what the conditions need of customers, in one read, and another one of products if they matter.

        `more` are other pages to read.
        """
        now = self._clock.now()
        pages: list[PageRequest] = [page for condition in conditions for page in condition.pages(now)]
        pages += more
        leaves = [leaf for condition in conditions for leaf in leaf_conditions(condition)]
        population, model = await self.latest() if any(leaf.needs_statistics for leaf in leaves) else (None, None)
        selection = Selection.of((*pages, CONSENTS) if self.catalog.profiling_purposes else pages)
        views = await self._store.customers([ById(id) for id in ids], selection)
        views = with_objections(views, selection, self.catalog)
        products = await self._products(views) if any(leaf.needs_products for leaf in leaves) else {}
        known = frozenset(self.rules().known_namespaces)
        return [
            None if view is None else CustomerInsights(now, view, self.catalog, known, population, model, products)
            for view in views
        ]

    async def _products(self, views: Sequence[CustomerView | None]) -> dict[str, Product]:
        orders = [item.order for view in views if view for item in view.pages[ORDERS].items]
        skus = {line.sku for order in orders for line in order.lines}
        return await self._store.products(sorted(skus)) if skus else {}

    async def pages(
        self, conditions: Sequence[Condition]
    ) -> AsyncGenerator[tuple[list[CustomerInsights | None], bool], None]:
        """Yield what conditions need of customers, in pages by id, and whether a page is the last of all.

        Customers that may not be profiled are left out.

        No page begins after `MAX_PREVIEW_SECONDS`, but there is always one.
        """
        deadline = time.monotonic() + MAX_PREVIEW_SECONDS
        after, complete = "", False
        while not complete and (not after or time.monotonic() < deadline):
            ids = await self._store.customer_ids(after, PAGE_SIZE)
            complete = len(ids) < PAGE_SIZE
            page = await self._insights(ids, conditions) if ids else []
            yield [insights for insights in page if insights is None or insights.view.may_be_profiled], complete
            after = ids[-1] if ids else after

    async def preview(self, values: Values, sample: int) -> SegmentEvaluation:
        """Evaluate a rule for as many customers as `MAX_PREVIEW_SECONDS` allow."""
        condition = self.check(values)
        evaluated = matching = 0
        sampled_ids: list[str] = []
        complete = False
        async for page, last in self.pages([condition]):
            complete = last
            for insights in page:
                evaluated += 1
                if insights is not None and condition.evaluate(insights).holds:
                    matching += 1
                    if len(sampled_ids) < min(sample, MAX_SAMPLES):
                        sampled_ids.append(insights.view.customer.id)
        total = evaluated if complete else await self._store.count_customers()
        return SegmentEvaluation(total, evaluated, matching, tuple(sampled_ids))
