"""Take records of one source in: map them, record what they say with the rights of the source, keep what is refused."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.commands.batch import MAX_ITEMS
from graph.commands.commit import Accepted, Rejected
from graph.domain.access.roles import ROLES
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.commands import SourceStatement
from graph.domain.model.claims import claimed_source
from graph.domain.model.errors import Overloaded, Problem
from graph.domain.model.observations import Party
from graph.domain.model.products import Product
from graph.domain.model.refused_records import RefusedRecord
from graph.domain.model.rules import DroppedIdentifier
from graph.domain.model.times import iso, parse_time
from graph.domain.profile.interactions import InteractionStatement
from graph.identity_graph import IdentityGraph
from graph.runtime.scheduling import map_cooperatively
from graph.viewer_graph import ViewerGraph
from service.config.connectors_file import ConnectorSource
from service.connectors.mapping import MERGE, TIME_FIELDS, MappedStatement, RecordMapping
from service.connectors.merges import MergeStatement, parse_merge, record_merge
from service.connectors.refusals import must_not_be_kept, refused, sent
from service.connectors.values import Scope
from service.ingest.records import parse_record

MAX_SKEW = 300 * 1_000_000
"""Microseconds that the clock of a sender may be wrong without correction."""
_NOT_TAKEN = Problem("NOT_MAPPED", "no statement of the mapping takes this record")


Beside = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Result(Enum):
    """What became of a record."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """All that it says was stored before."""
    IGNORED = "ignored"
    """The mapping says that it means nothing to Kith."""
    REFUSED = "refused"
    """Nothing of it, or not all of it, was stored."""


class Outcome(Struct, frozen=True):
    """What became of a record: the result, the statements that it made, and the first problem of a refused one.

    `dropped` are the identifiers of its statements that were not used.
    """

    result: Result
    statements: int = 0
    problem: Problem | None = None
    dropped: tuple[DroppedIdentifier, ...] = ()


_Parsed = SourceStatement | Product | MergeStatement | Problem


class _Pending(Struct):
    """A statement on its way: the number of its record, and how it may be sent again with another time."""

    record: int
    mapped: MappedStatement
    statement: SourceStatement | Product | MergeStatement
    id: str


def viewer_of(source: ConnectorSource, caller: str = "") -> Viewer:
    """Return the viewer that records what a source says: it writes as this source only, and reads nothing.

    `caller` is who sends it, if it is not the source itself. Everybody has the key of a browser, so what such a source
    says of more than a cookie is a claim, as of a storefront without a user.
    """
    role = ROLES["ingest"]
    return Viewer(
        caller or f"connector:{source.name}",
        role.name,
        role.scopes,
        Reach.SELF if source.browser else role.reach,
        sources=frozenset((source.name,)),
        party=source.party,
    )


class Intake:
    """The way in of one source. It is safe to take the same records again: each has one effect.

    `caller` is who sends them, if it is not the source itself. Refused records are kept with `keeps_refused`. Only if
    the way in `is_live`, records arrive as they are sent, so that a sender's clock can be compared with this one.
    """

    def __init__(
        self,
        graph: IdentityGraph,
        source: ConnectorSource,
        mapping: RecordMapping,
        caller: str = "",
        keeps_refused: bool = True,
        is_live: bool = True,
    ) -> None:
        self._graph, self.source, self.mapping = graph, source, mapping
        self._keeps_refused, self._is_live = keeps_refused, is_live
        self.viewer = viewer_of(source, caller)
        # The source, and that of its claims, as an id is looked for: it is under one of them.
        self._names = (source.name, claimed_source(source.name)) if source.browser else (source.name,)
        links = "true" if source.link_traits else "false"
        self._beside = {**source.values, "source": source.name, "link_traits": links}
        self._waiting = 0
        self.counts: Counter[Result] = Counter()
        """What became of the records since the service started."""

    def require_room(self, records: int) -> None:
        """Raise `Overloaded` if so many records would have to wait that the sender has to slow down."""
        if self._waiting and self._waiting + records > self.source.max_waiting:
            message = f"{self._waiting} records of {self.source.name} wait to be stored; send these again later"
            raise Overloaded(message, 1.0)

    async def take(self, records: Sequence[Any], beside: Beside, received_at: int) -> list[Outcome]:
        """Record what records say, and return what became of each, in order.

        `beside` is what came with them, such as headers and parameters of the URL: with all of them, or with each.
        `received_at` is in microseconds. When this returns, everything is stored. Raises `Overloaded`, and
        `TemporaryFailure` if nothing is known to be stored: then the same records may be sent again.
        """
        self.require_room(len(records))
        self._waiting += len(records)
        try:
            came_with = self._with_own(beside, len(records))
            outcomes: list[Outcome] = []
            for start in range(0, len(records), MAX_ITEMS):
                part, their = records[start : start + MAX_ITEMS], came_with[start : start + MAX_ITEMS]
                found, problems = await self._take(part, their, received_at)
                if self._keeps_refused:
                    await self._keep_refused(part, problems, their, received_at)
                outcomes += found
                await asyncio.sleep(0)  # Others have their turn, even if all of these are ignored.
        finally:
            self._waiting -= len(records)
        self.counts.update(outcome.result for outcome in outcomes)
        return outcomes

    def _with_own(self, beside: Beside, count: int) -> list[Mapping[str, Any]]:
        """Return what came with each record, and the values of the source, which take precedence."""
        if isinstance(beside, Mapping):
            return [{**beside, **self._beside}] * count
        return [{**one, **self._beside} for one in beside]

    async def refuse(self, record: Any, beside: Mapping[str, Any], problem: Problem, received_at: int) -> Outcome:
        """Refuse a record that cannot be read or stored, keep it as others are kept, and return the outcome."""
        if self._keeps_refused:
            await self._keep_refused([record], [[problem]], self._with_own([beside], 1), received_at)
        self.counts[Result.REFUSED] += 1
        return Outcome(Result.REFUSED, 0, problem)

    async def take_again(self, kept: RefusedRecord) -> tuple[Outcome, RefusedRecord | None]:
        """Record what a refused record says now, and return what became of it.

        Also return it as it is to be kept, if it was refused again; `None` if it is not to be kept any longer. The
        record must not be cut. Raises as `take` does.
        """
        record, beside = sent(kept)
        beside = {**beside, **self._beside}
        # The time of a record without one is that of its delivery.
        (outcome,), (problems,) = await self._take([record], [beside], kept.received_at)
        if not problems or must_not_be_kept(problems):
            return outcome, None
        again = refused(self.source.name, self.mapping, record, beside, problems[0], kept.received_at)
        return outcome, replace(again, last_received_at=kept.last_received_at, count=kept.count)

    async def _take(
        self, records: Sequence[Any], beside: Sequence[Mapping[str, Any]], received_at: int
    ) -> tuple[list[Outcome], list[list[Problem]]]:
        """Record what records say; return what became of each, and its problems."""

        def read(number: int) -> list[tuple[MappedStatement, _Parsed]] | None:
            return self._read(records[number], beside[number], received_at)

        # A batch of 500 kB takes 30 ms, in which no till would get an answer.
        made = await map_cooperatively(range(len(records)), read)
        outcomes: list[Outcome | None] = [None] * len(records)
        counts, stored = [0] * len(records), [False] * len(records)
        problems: list[list[Problem]] = [[] for _ in records]
        dropped: list[tuple[DroppedIdentifier, ...]] = [()] * len(records)
        pending: list[_Pending] = []
        for number, statements in enumerate(made):
            if statements is None:
                outcomes[number] = Outcome(Result.IGNORED)
                continue
            for mapped, parsed in statements:
                if isinstance(parsed, Problem):
                    problems[number].append(parsed)
                else:
                    pending.append(_Pending(number, mapped, parsed, str(mapped.fields.get("id", ""))))
            if not statements:
                problems[number].append(_NOT_TAKEN)
        for one, result in zip(pending, await self._record(pending), strict=True):
            number = one.record
            if isinstance(result, Problem):
                problems[number].append(result)
            else:
                counts[number] += 1
                dropped[number] += tuple(result.dropped_identifiers) if isinstance(result, Accepted) else ()
                stored[number] = stored[number] or not (isinstance(result, Accepted) and result.duplicate)
        for number in range(len(records)):
            if problems[number]:
                outcomes[number] = Outcome(Result.REFUSED, counts[number], problems[number][0], dropped[number])
            elif outcomes[number] is None:
                became = Result.ACCEPTED if stored[number] else Result.DUPLICATE
                outcomes[number] = Outcome(became, counts[number], None, dropped[number])
        return [outcome for outcome in outcomes if outcome is not None], problems

    async def _keep_refused(
        self, records: Sequence[Any], problems: Sequence[list[Problem]], beside: Sequence[Mapping[str, Any]], at: int
    ) -> None:
        """Keep the records that were refused, as they were sent: nothing is dropped without a trace."""
        kept = []
        for record, found, one in zip(records, problems, beside, strict=True):
            if must_not_be_kept(found):
                self._graph.refused.deliveries[self.source.name, found[0].code] += 1
            elif found:
                kept.append(refused(self.source.name, self.mapping, record, one, found[0], at))
        if kept:
            await self._graph.refused.keep(kept)

    # --- what a record says

    def _read(
        self, record: Any, beside: Mapping[str, Any], received_at: int
    ) -> list[tuple[MappedStatement, _Parsed]] | None:
        """What the mapping makes of a record, each with the statement or the problem with it."""
        made = self.mapping.map(record, beside)
        return (
            None if made is None else [(mapped, self._parsed(mapped, record, beside, received_at)) for mapped in made]
        )

    def _parsed(self, mapped: MappedStatement, record: Any, beside: Mapping[str, Any], received_at: int) -> _Parsed:
        if mapped.problem is not None:
            return mapped.problem
        fields = mapped.fields
        if mapped.kind == MERGE:
            merge = parse_merge(fields, self.source.party)
            return _from(merge, mapped) if isinstance(merge, Problem) else merge
        time_field = TIME_FIELDS[mapped.kind]
        if (time := fields.get(time_field)) is None:
            fields[time_field] = iso(received_at)
        elif self.mapping.sent_at is not None and self._is_live:
            fields[time_field] = self._corrected(time, record, beside, received_at)
        statement = parse_record(fields, self.source.name).statement
        if isinstance(statement, Problem):
            return _from(statement, mapped)
        return self._of_party(statement)

    def _corrected(self, time: Any, record: Any, beside: Mapping[str, Any], received_at: int) -> Any:
        """The time of a record by this clock, if that of the sender is wrong (Segment's specification)."""
        assert self.mapping.sent_at is not None
        sent_at = self.mapping.sent_at.get(Scope(record, beside, record))
        if sent_at is None:
            return time
        try:
            skew = received_at - parse_time(sent_at).microseconds
            return time if abs(skew) <= MAX_SKEW else iso(parse_time(time).microseconds + skew)
        except ValueError:
            return time  # What is wrong with the time itself is said where it is read.

    def _of_party(self, statement: SourceStatement | Product) -> SourceStatement | Product:
        party = self.source.party
        if isinstance(statement, Product) or party is Party.FIRST_PARTY or statement.party >= party:
            return statement
        return replace(statement, party=party)

    # --- what is stored

    async def _record(self, pending: Sequence[_Pending]) -> list[Accepted | bool | Problem]:
        results = await self._send(pending)
        again = [
            position
            for position, (one, result) in enumerate(zip(pending, results, strict=True))
            if isinstance(result, Problem) and result.code == "ID_CONFLICT" and self._may_differ_in_time(one)
        ]
        if again:
            # The first delivery had another time: the clock of the sender, or that of its arrival.
            retimed = await self._with_stored_times([pending[position] for position in again])
            for position, result in zip(again, await self._send(retimed), strict=True):
                results[position] = result
        return results

    def _may_differ_in_time(self, one: _Pending) -> bool:
        return bool(one.id) and (self.mapping.sent_at is not None or not one.mapped.has_own_time)

    async def _with_stored_times(self, pending: Sequence[_Pending]) -> list[_Pending]:
        times = await self._graph.times_of([(name, one.id) for one in pending for name in self._names])
        found = [
            next((at for name in self._names if (at := times.get((name, one.id))) is not None), None) for one in pending
        ]
        return [
            _Pending(one.record, one.mapped, _at(one.statement, at), one.id)
            for one, at in zip(pending, found, strict=True)
        ]

    async def _send(self, pending: Sequence[_Pending]) -> list[Accepted | bool | Problem]:
        results: list[Accepted | bool | Problem] = []
        for start in range(0, len(pending), MAX_ITEMS):
            results += await self._send_part(pending[start : start + MAX_ITEMS])
        return results

    async def _send_part(self, pending: Sequence[_Pending]) -> list[Accepted | bool | Problem]:
        viewer = ViewerGraph(self._graph, self.viewer)
        products: list[tuple[int, Product]] = []
        merges: list[tuple[int, MergeStatement]] = []
        others: list[tuple[int, SourceStatement]] = []
        for at, one in enumerate(pending):
            match one.statement:
                case Product() as product:
                    products.append((at, product))
                case MergeStatement() as merge:
                    merges.append((at, merge))
                case statement:
                    others.append((at, statement))
        results: list[Accepted | bool | Problem] = [False] * len(pending)

        async def record_products() -> None:
            if products:
                recorded = await viewer.record_products([product for _, product in products])
                for (at, _), result in zip(products, recorded, strict=True):
                    results[at] = result

        async def record_others() -> None:
            if others:
                for (at, _), result in zip(others, await viewer.record([one for _, one in others]), strict=True):
                    if isinstance(result, Rejected):
                        results[at] = _from(result.problem, pending[at].mapped)
                    elif isinstance(result, Accepted):
                        results[at] = result

        async def record_merges() -> None:
            rules, title = self._graph.rules, self.mapping.title
            for (at, _), result in zip(
                merges,
                await asyncio.gather(*(record_merge(viewer, merge, rules, title) for _, merge in merges)),
                strict=True,
            ):
                results[at] = True if result is None else _from(result, pending[at].mapped)

        await asyncio.gather(record_products(), record_others(), record_merges())
        return results


def _at(statement: Any, time: int | None) -> Any:
    """A statement with another time in microseconds."""
    if time is None:
        return statement
    if isinstance(statement, InteractionStatement):
        return replace(statement, interaction=replace(statement.interaction, occurred_at=time))
    name = next(name for name in ("seen_at", "reported_at", "decided_at") if hasattr(statement, name))
    return replace(statement, **{name: time})


def _from(problem: Problem, mapped: MappedStatement) -> Problem:
    """A problem with the path in the record that the field comes from."""
    match problem.path:
        case ("attributes" | "properties" as first, str(name), *_):
            key = f"{first}.{name}"
        case ("identifiers", int(position), *_):
            entries = mapped.fields.get("identifiers", ())
            key = f"identifiers.{entries[position]['namespace']}" if position < len(entries) else ""
        case (str(first), *_):
            key = first
        case _:
            return problem
    paths = mapped.sources.get(key, ())
    return replace(problem, message=f"{problem.message} (from {' or '.join(paths)})") if paths else problem
