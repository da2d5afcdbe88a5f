"""Segments: kept, asked for, tried out, and judged: see `graph.segment_worker` for who keeps them up to date."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct

from graph.commands.segment_writes import Judged, change, create, drop
from graph.domain.model.errors import InvalidInput
from graph.domain.model.products import Product
from graph.domain.model.rules import Rules
from graph.domain.model.segments import Membership, Segment
from graph.domain.model.validation import check_text
from graph.domain.profile.catalog import Catalogue
from graph.domain.profile.insights import ORDERS, Known
from graph.domain.profile.pages import ById, CustomerView, Page, PageRequest, Selection
from graph.domain.profile.prediction import Model
from graph.domain.profile.rfm import Population
from graph.domain.profile.timeline import NO_END
from graph.domain.segments.conditions import Criterion, leaves
from graph.domain.segments.definition import Values, parse, rule_text
from graph.ports import Clock, CustomerStore, Ids, SegmentStore, WriteStore

PAGE = 100
LONGEST_PREVIEW = 5.0
MOST_SAMPLES = 100

Latest = Callable[[], Awaitable[tuple[Population | None, Model | None]]]


class SegmentationStore(WriteStore, CustomerStore, SegmentStore, Protocol):
    """Segments, the customers that are judged, and writes."""


class Tried(Struct, frozen=True, gc=False):
    """What a rule would hold: `matching` of the `looked_at` of all `customers`, and some of them."""

    customers: int
    looked_at: int
    matching: int
    sample: tuple[str, ...]

    @property
    def estimate(self) -> int:
        """How many of all it would hold, by those that were looked at: ids are random, so they are a fair sample."""
        return round(self.matching * self.customers / self.looked_at) if self.looked_at else 0


class Segments:
    """All about segments. `changed` is told when one was, `news` when entries of the history were written.

    `rules` and `latest` tell the rules in force, and what customers are compared with.
    """

    def __init__(
        self,
        store: SegmentationStore,
        clock: Clock,
        ids: Ids,
        catalogue: Catalogue,
        rules: Callable[[], Rules],
        latest: Latest,
        news: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self._store, self._clock, self._ids = store, clock, ids
        self.catalogue, self.rules, self.latest = catalogue, rules, latest
        self._news, self._changed = news, changed
        self._parsed: dict[tuple[str, int], Criterion] = {}

    # --- what is kept

    def check(self, values: Values) -> Criterion:
        """The condition of a rule; raises `InvalidInput` that names the field and the value."""
        return parse(values, self.catalogue, self.rules())

    async def create(self, name: str, values: Values, actor: str) -> Segment:
        """Keep a new segment; the same request again is answered as it stands."""
        self._check_name(name)
        self.check(values)
        segment = Segment(self._ids.segment(), name, rule_text(values), 1, self._clock.now(), actor)
        return self._woken(await self._store.write(lambda: create(segment)))

    async def change(self, id: str, name: str | None, values: Values | None, expected: int | None) -> Segment:
        """Give a segment another name or rule, if `expected` (where it is given) is its version."""
        if name is not None:
            self._check_name(name)
        if values is not None:
            self.check(values)
        rule = None if values is None else rule_text(values)
        return self._woken(await self._store.write(lambda: change(id, name, rule, expected)))

    async def drop(self, id: str, actor: str) -> Segment:
        """Let a segment go with all its memberships."""
        now = self._clock.now()
        gone = self._woken(await self._store.write(lambda: drop(id, actor, now)))
        self._news()
        return gone

    def _check_name(self, name: str) -> None:
        if problem := check_text("name", name, 200):
            raise InvalidInput(problem.code, problem.message, problem.path)

    def _woken(self, segment: Segment) -> Segment:
        self._changed()
        return segment

    async def all(self) -> list[Segment]:
        """All segments, by name."""
        return await self._store.segments()

    async def one(self, id: str) -> Segment | None:
        """A segment by its id."""
        return next((one for one in await self._store.segments() if one.id == id), None)

    async def members(self, id: str, after: str, first: int) -> Page[Membership]:
        """Who belongs to a segment, as it is recorded, by id."""
        found = await self._store.members(id, after, first + 1)
        return Page(found[:first], len(found) > first)

    async def count(self, id: str) -> int:
        """How many belong to a segment, as it is recorded."""
        return await self._store.count_members(id)

    # --- who belongs where

    async def of(self, ids: Sequence[str]) -> dict[str, list[tuple[Segment, int | None]]]:
        """The segments of customers as of now, each with since when that is recorded (`None`: not yet)."""
        segments, belongings = await asyncio.gather(self._store.segments(), self._store.belongings(ids))
        if not segments:
            return {}
        recorded = {one.id: one.segments for one in belongings}
        found: dict[str, list[tuple[Segment, int | None]]] = {}
        for one in await self.judge(ids, segments):
            held = recorded.get(one.id, {})
            found[one.id] = [(segment, held.get(segment.id)) for segment in segments if segment.id in one.segments]
        return found

    def criterion(self, segment: Segment) -> Criterion | None:
        """What a segment asks; `None` where the attributes or rules of now know it no more: then nobody belongs."""
        key = segment.id, segment.version
        if key not in self._parsed:
            try:
                self._parsed[key] = self.check(segment.values)
            except InvalidInput:
                return None
        return self._parsed[key]

    async def judge(self, ids: Sequence[str], segments: Sequence[Segment]) -> list[Judged]:
        """Who of some ids belongs where as of now, and until when that stays so by itself."""
        asked = {segment.id: one for segment in segments if (one := self.criterion(segment)) is not None}
        judged: list[Judged] = []
        for id, known in zip(ids, await self._known(ids, list(asked.values())), strict=True):
            if known is None or known.view.customer.id != id:
                judged.append(Judged(id, -1, frozenset(), NO_END))
                continue
            verdicts = {name: one.judge(known) for name, one in asked.items()}
            held = frozenset(name for name, one in verdicts.items() if one.holds)
            until = min((one.until for one in verdicts.values()), default=NO_END)
            judged.append(Judged(id, known.view.customer.version, held, until))
        return judged

    async def _known(self, ids: Sequence[str], asked: Sequence[Criterion]) -> list[Known | None]:
        """All that the conditions ask of some customers, in one read, and one more for articles where they matter."""
        now = self._clock.now()
        pages: list[PageRequest] = [page for one in asked for page in one.pages(now)]
        every = [leaf for one in asked for leaf in leaves(one)]
        population, model = await self.latest() if any(one.relative for one in every) else (None, None)
        views = await self._store.customers([ById(id) for id in ids], Selection.of(pages))
        products = await self._products(views) if any(one.by_product for one in every) else {}
        by = frozenset(self.rules().known)
        return [
            None if view is None else Known(now, view, self.catalogue, by, population, model, products)
            for view in views
        ]

    async def _products(self, views: Sequence[CustomerView | None]) -> dict[str, Product]:
        skus = {
            line.sku for view in views if view for one in view.pages[ORDERS].items for line in one.order.lines
        }  # fmt: skip
        return await self._store.products(sorted(skus)) if skus else {}

    async def preview(self, values: Values, sample: int) -> Tried:
        """What a rule would hold, as far as it can be told within some seconds."""
        asked = self.check(values)
        ends = time.monotonic() + LONGEST_PREVIEW
        looked_at = matching = 0
        found: list[str] = []
        after = ""
        complete = False
        while not complete and (looked_at == 0 or time.monotonic() < ends):
            ids = await self._store.customer_ids(after, PAGE)
            complete = len(ids) < PAGE
            for known in await self._known(ids, [asked]) if ids else ():
                looked_at += 1
                if known is not None and asked.judge(known).holds:
                    matching += 1
                    found += [known.view.customer.id] if len(found) < min(sample, MOST_SAMPLES) else []
            after = ids[-1] if ids else after
        customers = looked_at if complete else await self._store.count_customers()
        return Tried(customers, looked_at, matching, tuple(found))
