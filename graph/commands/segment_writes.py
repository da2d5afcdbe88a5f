"""The writes behind segments: each is one transaction."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.changes import Cause, Change, ChangeKind
from graph.domain.model.errors import Conflict, InvalidInput
from graph.domain.model.segments import Belonging, Membership, Segment
from graph.domain.model.store_values import Writes
from graph.domain.profile.timeline import NO_END
from graph.domain.segments.definition import MOST_SEGMENTS
from graph.ports import ReadBelongings, ReadSegments, Request, Write

HOW = "segmented"


class Judged(Struct, frozen=True, gc=False):
    """What was found of a customer: its version then, its segments by id, and until when that holds by itself."""

    id: str
    version: int
    segments: frozenset[str]
    until: int


def create(segment: Segment) -> Generator[Request, Any, Segment]:
    """Keep a new segment; one of the same name and rule is answered as it stands."""
    found: list[Segment] = yield ReadSegments()
    for other in found:
        if other.name == segment.name:
            if other.rule == segment.rule:
                return other
            raise Conflict(f"there is a segment {segment.name!r} with another rule: {other.id}", ("name",))
    if len(found) >= MOST_SEGMENTS:
        raise InvalidInput("BAD_COUNT", f"there are {len(found)} segments; {MOST_SEGMENTS} are allowed", ("name",))
    yield Write(Writes(segments=[segment]))
    return segment


def change(id: str, name: str | None, rule: str | None, expected: int | None) -> Generator[Request, Any, Segment]:
    """Give a segment another name or rule, if `expected` is its version."""
    found: list[Segment] = yield ReadSegments()
    before = _one(found, id)
    after = replace(before, name=name or before.name, rule=rule or before.rule, version=before.version + 1)
    if any(other.name == after.name and other.id != id for other in found):
        raise Conflict(f"there is another segment {after.name!r}", ("name",))
    if (after.name, after.rule) == (before.name, before.rule):
        return before
    if expected not in (None, before.version):
        raise Conflict(f"the segment is at version {before.version}, not {expected}", ("expectedVersion",))
    yield Write(Writes(segments=[after]))
    return after


def drop(id: str, actor: str, now: int) -> Generator[Request, Any, Segment]:
    """Let a segment go with all that belong to it; one entry of the history tells so."""
    found: list[Segment] = yield ReadSegments()
    segment = _one(found, id)
    told = Change(ChangeKind.SEGMENT_DELETED, now, Cause(HOW, id=id, actor=actor), rule=segment.name)
    yield Write(Writes(dropped_segments=[id], changes=[told]))
    return segment


def _one(found: Sequence[Segment], id: str) -> Segment:
    for segment in found:
        if segment.id == id:
            return segment
    raise InvalidInput("UNKNOWN_SEGMENT", f"there is no segment {id[:60]!r}", ("id",))


def settle(judged: Sequence[Judged], segments: Sequence[Segment], now: int) -> Generator[Request, Any, int | None]:
    """Record who belongs where, for customers that are still as they were judged; the others stay due.

    Answers how many entries of the history that made; `None` where segments came, changed or went since they were read.
    """
    names: Mapping[str, Segment] = {segment.id: segment for segment in segments}
    there: list[Segment] = yield ReadSegments()
    if {(one.id, one.version) for one in there} != {(one.id, one.version) for one in segments}:
        return None
    found: list[Belonging] = yield ReadBelongings([one.id for one in judged])
    held = {one.id: one for one in found}
    writes = Writes()
    for one in judged:
        before = held.get(one.id)
        if before is None or (before.live and before.version != one.version):
            continue
        # An id that was merged or emptied belongs nowhere; its survivor is judged by itself.
        now_in = one.segments if before.live else frozenset[str]()
        writes.looked_at[one.id] = one.until if before.live else NO_END
        for id in sorted(now_in - before.segments.keys()):
            writes.memberships.append(Membership(id, one.id, now))
            writes.changes.append(_told(ChangeKind.SEGMENT_ENTERED, names[id], one.id, now))
        for id in sorted(before.segments.keys() - now_in):
            writes.memberships.append(Membership(id, one.id, None))
            writes.changes.append(_told(ChangeKind.SEGMENT_LEFT, names[id], one.id, now))
    if not writes.empty:
        yield Write(writes)
    return len(writes.changes)


def _told(kind: ChangeKind, segment: Segment, customer: str, now: int) -> Change:
    return Change(kind, now, Cause(HOW, id=segment.id), customer, rule=segment.name)
