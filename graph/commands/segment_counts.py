"""Numbers of segments: exact ones, and those for viewers that work with numbers and not with people."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence

from msgspec import Struct

from graph.commands.segments import EVALUATED_KEY, SegmentationStore, SegmentEvaluation, Segments
from graph.commands.stored_secrets import stored_secret
from graph.domain.access.counts import FINGERPRINTED, fingerprint, published, published_total, rounded
from graph.domain.model.audiences import Audience
from graph.domain.model.segments import Segment
from graph.domain.segments.conditions import Condition, holding_parts, leaf_conditions
from graph.domain.segments.rule_parser import Values, canonical_text
from graph.ports import Ids

NOISE_KEY = "counts_noise"
"""The name of the stored secret that noise follows from."""
UNBOUNDED = 2**62
"""The total of what is not a part of all customers: addresses, of which one may have several."""
CHECK_SECONDS = 3600.0
"""How long it is known that the parts of a segment's rule are large enough."""
RETRY_SECONDS = 300.0
"""After how long it is looked again if they were not."""


class PreviewCounts(Struct, frozen=True, gc=False):
    """The counts of a preview; `None` for one that would be about too few customers."""

    total_customers: int | None
    evaluated_customers: int | None
    complete: bool
    matching_customers: int | None
    estimated_count: int | None

    @classmethod
    def exact(cls, evaluation: SegmentEvaluation) -> "PreviewCounts":
        """Return the counts of a preview as they are."""
        return cls(
            evaluation.total_customers,
            evaluation.evaluated_customers,
            evaluation.evaluated_customers == evaluation.total_customers,
            evaluation.matching_customers,
            evaluation.estimated_count,
        )


class _Tally(Struct):
    """How many of the evaluated customers match a rule and each of its parts, and the first that match the rule."""

    parts: list[int]
    first: list[str]

    def add(self, id: str, parts: Sequence[bool]) -> None:
        """Count a customer."""
        self.parts = [count + holds for count, holds in zip(self.parts, parts, strict=True)] if self.parts else [*parts]
        if parts[0] and len(self.first) < FINGERPRINTED:
            self.first.append(id)

    def copy(self) -> "_Tally":
        """Return a copy."""
        return _Tally(list(self.parts), list(self.first))


class SegmentCounts:
    """The numbers of segments in which no fewer than `min_count` customers can be seen.

    Each part of a rule must match `min_count` customers, too: with a part that matches a known person, numbers would
    reveal whether this person matches the rest.
    """

    def __init__(self, store: SegmentationStore, ids: Ids, segments: Segments, min_count: int) -> None:
        self._store, self._ids, self._segments, self._k = store, ids, segments, min_count
        self._checked: dict[tuple[str, int], tuple[bool, float]] = {}
        self._checking = asyncio.Lock()

    async def of_segments(self, ids: Sequence[str]) -> dict[str, int | None]:
        """Return the published numbers of members by segment id; `None` until those of its present rule are found."""
        secret, total = await self._secret(), await self._store.count_customers()
        counts: dict[str, int | None] = dict.fromkeys(ids)
        for segment, count in (await self._large_segments(ids)).items():
            members = await self._store.members(segment.id, "", FINGERPRINTED)
            rule = canonical_text(segment.values)
            seed = fingerprint(secret, rule, [member.customer for member in members], count)
            counts[segment.id] = published(count, total, self._k, seed)
        return counts

    async def _large_segments(self, ids: Sequence[str]) -> dict[Segment, int]:
        """Return those of some segments that have enough members, as has each part of their rules, with how many."""
        segments = [segment for segment in await self._store.segments() if segment.id in ids]
        large = await self._with_large_parts(segments)
        evaluated = await self._store.get_value(EVALUATED_KEY)
        versions = json.loads(evaluated) if evaluated else {}
        found: dict[Segment, int] = {}
        for segment in segments:
            # Members of the rule before would be those of parts that nobody has checked.
            if versions.get(segment.id) == segment.version and large[segment.id]:
                count = await self._store.count_members(segment.id)
                if count >= self._k:
                    found[segment] = count
        return found

    async def preview(self, values: Values) -> PreviewCounts:
        """Return the published counts of a preview of a rule."""
        condition = self._segments.check(values)
        secret = await self._secret()
        (tally,), evaluated, complete = await self._tally([condition])
        total = evaluated if complete else await self._store.count_customers()
        matching = None
        if evaluated and min(tally.parts) >= self._k:
            seed = fingerprint(secret, canonical_text(values), tally.first, tally.parts[0])
            matching = published(tally.parts[0], evaluated, self._k, seed)
        estimated = None if matching is None else rounded(matching * total / evaluated, self._k)
        totals = published_total(total, self._k), published_total(evaluated, self._k)
        return PreviewCounts(*totals, complete, matching, estimated)

    async def of_addresses(self, audience: Audience, first: Sequence[str], count: int) -> int | None:
        """Return the published number of addresses that an audience has, `None` for a few or of a small segment.

        `first` are the first of them, or of the members that they belong to. The noise follows from what the audience
        asks for, not from the audience: with several alike, it could be averaged out.
        """
        segment = next(iter(await self._large_segments([audience.segment])), None)
        if segment is None:
            return None
        asked = [audience.purpose, audience.channel, *audience.namespaces]
        seed = fingerprint(await self._secret(), f"{canonical_text(segment.values)} {' '.join(asked)}", first, count)
        return published(count, UNBOUNDED, self._k, seed)

    async def of_deliveries(self, count: int, name: str) -> int | None:
        """Return the published number of deliveries in a state, `None` for a few. `name` says what is counted."""
        return published(count, UNBOUNDED, self._k, fingerprint(await self._secret(), name, (), count))

    async def _with_large_parts(self, segments: Sequence[Segment]) -> Mapping[str, bool]:
        """Return for each segment whether each part of its rule matches enough customers."""
        async with self._checking:
            now = time.monotonic()
            self._checked = {key: known for key, known in self._checked.items() if known[1] > now}
            conditions = {
                segment: condition
                for segment in segments
                if (segment.id, segment.version) not in self._checked
                and (condition := self._segments.condition_of(segment)) is not None
                # Of a rule without parts, the number of members says enough.
                and leaf_conditions(condition) != [condition]
            }
            if conditions:
                tallies, _, _ = await self._tally(list(conditions.values()))
                for segment, tally in zip(conditions, tallies, strict=True):
                    large = min(tally.parts, default=0) >= self._k
                    until = time.monotonic() + (CHECK_SECONDS if large else RETRY_SECONDS)
                    self._checked[segment.id, segment.version] = large, until
        return {segment.id: self._checked.get((segment.id, segment.version), (True, 0.0))[0] for segment in segments}

    async def _tally(self, conditions: Sequence[Condition]) -> tuple[list[_Tally], int, bool]:
        """Count matches; return them with the number of evaluated customers, and whether these are all.

        If time is too short for all, the counts are those of 1, 2, 4, 8 … pages: counts after any number of pages
        would give new noise each time.
        """
        tallies = [_Tally([], []) for _ in conditions]
        evaluated = page = 0
        kept = tallies, 0
        async for insights, complete in self._segments.pages(conditions):
            page += 1
            for customer in insights:
                evaluated += 1
                if customer is not None:
                    for condition, tally in zip(conditions, tallies, strict=True):
                        tally.add(customer.view.customer.id, holding_parts(condition, customer))
            if complete:
                return tallies, evaluated, True
            if page & (page - 1) == 0:
                kept = [tally.copy() for tally in tallies], evaluated
        return *kept, False

    async def _secret(self) -> str:
        """Return the store's secret, from which noise follows."""
        return await stored_secret(self._store, NOISE_KEY, self._ids.secret)
