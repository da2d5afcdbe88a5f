"""The writes of segments and memberships, each one transaction."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.commands.ledger_changes import LedgerChanges
from graph.domain.audiences.targets import Target
from graph.domain.model.audiences import Audience
from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind
from graph.domain.model.errors import InvalidInput, NameTaken, VersionConflict
from graph.domain.model.segments import Membership, Segment, SegmentState
from graph.domain.model.store_values import Writes
from graph.domain.profile.timeline import NO_END
from graph.domain.segments.rule_parser import MAX_SEGMENTS
from graph.ports import ReadAudiences, ReadDeliveries, ReadSegments, ReadSegmentStates, Request, Write

CAUSE_TYPE = CauseType.SEGMENT_EVALUATION


class Saved(Struct, frozen=True):
    """What was saved: how many entries of the history, and the destinations that something is owed to by now.

    `targets` are those of the customers whose evaluation was saved.
    """

    entries: int
    destinations: set[str]
    targets: tuple[Target, ...] = ()


class Evaluation(Struct, frozen=True, gc=False):
    """The segment ids of a customer at a `version`; they stay the same without a write until `until` (microseconds).

    `keys` are the identifiers that entries of the history name if the customer enters or exits a segment.
    """

    id: str
    version: int
    segments: frozenset[str]
    until: int
    targets: tuple[Target, ...] = ()
    """The addresses of the customer that audiences should have."""
    keys: tuple[str, ...] = ()


def create(segment: Segment) -> Generator[Request, Any, Segment]:
    """Store a new segment; if one with the same name and rule exists, return that one.

    Raises `NameTaken` if one with the same name has another rule.
    """
    segments: list[Segment] = yield ReadSegments()
    for existing in segments:
        if existing.name == segment.name:
            if existing.rule == segment.rule:
                return existing
            raise NameTaken(f"a segment named {segment.name!r} already exists ({existing.id})", ("name",))
    if len(segments) >= MAX_SEGMENTS:
        message = f"{len(segments)} segments exist; {MAX_SEGMENTS} are allowed"
        raise InvalidInput("INVALID_COUNT", message, ("name",))
    yield Write(Writes(segments=[segment]))
    return segment


def update(
    id: str, name: str | None, rule: str | None, expected_version: int | None
) -> Generator[Request, Any, Segment]:
    """Change the name or rule of a segment; raises `VersionConflict` if `expected_version` is not its version."""
    segments: list[Segment] = yield ReadSegments()
    before = _segment_by_id(segments, id)
    after = replace(before, name=name or before.name, rule=rule or before.rule, version=before.version + 1)
    for existing in segments:
        if existing.name == after.name and existing.id != id:
            raise NameTaken(f"a segment named {after.name!r} already exists ({existing.id})", ("name",))
    if (after.name, after.rule) == (before.name, before.rule):
        return before
    if expected_version not in (None, before.version):
        raise VersionConflict(
            f"the segment is at version {before.version}, not {expected_version}", ("expectedVersion",)
        )
    yield Write(Writes(segments=[after]))
    return after


def delete(id: str, actor: str, now: int) -> Generator[Request, Any, Segment]:
    """Delete a segment and its memberships; the history records a single change."""
    segments: list[Segment] = yield ReadSegments()
    segment = _segment_by_id(segments, id)
    change = Change(ChangeKind.SEGMENT_DELETED, now, Cause(CAUSE_TYPE, id=id, actor=actor), reason=segment.name)
    yield Write(Writes(deleted_segments=[id], changes=[change]))
    return segment


def _segment_by_id(segments: Sequence[Segment], id: str) -> Segment:
    for segment in segments:
        if segment.id == id:
            return segment
    raise InvalidInput("SEGMENT_NOT_FOUND", f"segment {id[:60]!r} does not exist", ("id",))


def save_evaluations(
    evaluations: Sequence[Evaluation], segments: Sequence[Segment], audiences: Sequence[Audience], now: int
) -> Generator[Request, Any, Saved | None]:
    """Record the memberships of customers that have not changed since their evaluation; the others stay due.

    What destinations should hold of their addresses changes with them. Returns what was written, `None` if segments or
    audiences have changed since they were read.
    """
    by_id: Mapping[str, Segment] = {segment.id: segment for segment in segments}
    stored: list[Segment] = yield ReadSegments()
    if {(segment.id, segment.version) for segment in stored} != {(segment.id, segment.version) for segment in segments}:
        return None
    if (yield ReadAudiences()) != list(audiences):
        return None
    recorded: list[SegmentState] = yield ReadSegmentStates([evaluation.id for evaluation in evaluations])
    states = {state.id: state for state in recorded}
    writes = Writes()
    targets: list[Target] = []
    ledger = None
    if audiences:
        places = [(target.audience, target.key) for evaluation in evaluations for target in evaluation.targets]
        held = yield ReadDeliveries([evaluation.id for evaluation in evaluations], places)
        ledger = LedgerChanges(held, audiences, now)
    for evaluation in evaluations:
        customer = evaluation.id
        before = states.get(customer)
        if before is None or (before.live and before.version != evaluation.version):
            continue
        # Memberships of an id that was merged have passed to the survivor. One that was emptied is in no segment.
        after = evaluation.segments if before.live else frozenset[str]()
        due_at = evaluation.until if before.live else NO_END
        if due_at != before.due_at:
            writes.segmentation_due[customer] = due_at
        for id in sorted(after - before.segments.keys()):
            writes.memberships.append(Membership(id, customer, now))
            writes.changes.append(_membership_change(ChangeKind.SEGMENT_ENTERED, by_id[id], evaluation, now))
        for id in sorted(before.segments.keys() - after):
            writes.memberships.append(Membership(id, customer, None))
            writes.changes.append(_membership_change(ChangeKind.SEGMENT_EXITED, by_id[id], evaluation, now))
        if ledger is not None:
            wanted = evaluation.targets if before.live else ()
            ledger.decide(customer, wanted)
            targets += wanted
    if ledger is not None:
        ledger.add_to(writes)
    if not writes.empty:
        yield Write(writes)
    return Saved(len(writes.changes), {delivery.destination for delivery in writes.deliveries}, tuple(targets))


def _membership_change(kind: ChangeKind, segment: Segment, evaluation: Evaluation, now: int) -> Change:
    cause = Cause(CAUSE_TYPE, id=segment.id)
    return Change(kind, now, cause, evaluation.id, keys=evaluation.keys, reason=segment.name)
