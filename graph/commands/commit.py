"""The one write behind all others: commands in, decided and stored in one transaction, an answer for each."""

from collections.abc import Generator, Sequence
from itertools import combinations
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.changes import Change
from graph.domain.model.errors import Problem, RulesMoved
from graph.domain.model.idempotency import Answered, Once, RequestKey
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link
from graph.domain.model.overrides import Mark
from graph.domain.model.receipts import ObservationKey, Standing
from graph.domain.model.rules import Dropped, Rules
from graph.domain.model.store_values import Around, Region, Support, Writes
from graph.domain.resolution.incremental import Step
from graph.domain.resolution.intake import Command, Delta, Intake, Observe, RemoveMark, Revoke, SetMark, Taken
from graph.ports import Ids, ReadAround, ReadRegion, ReadSupport, Request, Write


class Accepted(Struct, frozen=True, gc=False):
    """An observation that was taken in.

    `standing` tells whether it counts (a revocation or a newer statement of the order may have come before it),
    `repeated` that it was known already. `customer` is the id that answers for its identifiers (empty where none
    does), `key` one of them. `links` are those among its identifiers that this write touched, `merges` what it caused.
    """

    source: str
    id: str
    key: str
    customer: str
    standing: Standing
    repeated: bool
    dropped: Sequence[Dropped]
    links: Sequence[Link]
    merges: Sequence[Change]


class Refused(Struct, frozen=True, gc=False):
    """An item that was not taken in, with the reason."""

    problem: Problem


class Revocation(Struct, frozen=True, gc=False):
    """A revocation that holds; `known` tells whether the observation had come."""

    source: str
    id: str
    known: bool


class Marking(Struct, frozen=True, gc=False):
    """A mark that stands, and whether it was set only now."""

    mark: Mark
    new: bool


Answer = Accepted | Refused | Revocation | Marking


def commit(
    commands: Sequence[Command], rules: Rules, now: int, ids: Ids, version: int = 0
) -> Generator[Request, Any, list[Answer]]:
    """Decide and store commands as one step; a refused one leaves the others alone. `now` in microseconds.

    Raises `RulesMoved` where the store has another version of the rules than these.
    """
    around: Around = yield _first_read(commands)
    if around.rules_version != version:
        raise RulesMoved(f"the rules are at version {around.rules_version}, not {version}")
    intake = Intake(around.receipts)
    marks = _Marks(around, now)
    drafts = [_take(command, intake, marks) for command in commands]
    delta = intake.settle(marks.set, marks.removed)
    support: Support = {}
    if delta.withdrawn or delta.marks_removed:
        more: Around = yield _second_read(delta)
        around = _joined(around, more)
        if delta.withdrawn:
            support = yield ReadSupport(sorted({key for one in delta.withdrawn for key in one.keys}))
    step = Step(delta, around, support, rules, now, ids.customer)
    writes = yield from finished(step)
    writes.receipts.extend(intake.changed)
    writes.answered.extend(marks.answered)
    if not writes.empty:
        yield Write(writes)
    return [_answer(draft, intake, step) for draft in drafts]


def finished(step: Step) -> Generator[Request, Any, Writes]:
    """Read the regions that a step wants, until nothing is missing, and finish it."""
    while (wanted := step.wanted()) is not None:
        seeds, opened = wanted
        region: Region = yield ReadRegion(frozenset(seeds), frozenset(opened))
        step.add_region(region)
    return step.finish()


def _first_read(commands: Sequence[Command]) -> ReadAround:
    receipts: dict[ObservationKey, None] = {}
    orders: dict[str, None] = {}
    keys: dict[str, None] = {}
    pairs: dict[Pair, None] = {}
    marked: dict[str, None] = {}
    marks: list[str] = []
    requests: list[RequestKey] = []
    for command in commands:
        match command:
            case Observe():
                receipts[command.key] = None
                keys.update(dict.fromkeys(command.outcome.keys))
                pairs.update(dict.fromkeys(combinations(command.outcome.keys, 2)))
                if command.order_key:
                    orders[command.order_key] = None
            case Revoke():
                receipts[command.source, command.id] = None
            case SetMark(mark):
                keys.update(dict.fromkeys(mark.keys))
                marked.update(dict.fromkeys(mark.keys))
            case RemoveMark():
                marks.append(command.id)
        if isinstance(command, SetMark | RemoveMark) and command.once is not None:
            requests.append(command.once.key)
    return ReadAround(list(receipts), list(orders), sorted(keys), list(pairs), list(marked), marks, requests)


def _second_read(delta: Delta) -> ReadAround:
    """What surrounds statements and marks that were only found by the first read."""
    keys = {key for statement in delta.withdrawn for key in statement.keys}
    keys.update(key for mark in delta.marks_removed for key in mark.keys)
    pairs = {ends for statement in delta.withdrawn for ends in combinations(statement.keys, 2)}
    return ReadAround(keys=sorted(keys), pairs=sorted(pairs))


def _joined(a: Around, b: Around) -> Around:
    return Around(
        a.receipts, {**a.members, **b.members}, {**a.links, **b.links}, {**a.customers, **b.customers}, a.marks
    )


class _Marks:
    """The marks that commands set and remove, against those that stand; a request with a key is done once."""

    def __init__(self, around: Around, now: int) -> None:
        self._now = now
        self._answered = dict(around.answered)
        self.answered: list[Answered] = []
        self._standing = dict(around.marks)
        self._before = frozenset(around.marks)
        self._removed: dict[str, Mark] = {}

    def do(self, command: SetMark | RemoveMark) -> Marking | Refused:
        once = command.once
        known = None if once is None else self._answered.get(once.key)
        if once is not None and known is not None:
            if known.once.digest != once.digest:
                return Refused(used_otherwise(once))
            return Marking(known.mark, known.new)
        done = self._put(command.mark) if isinstance(command, SetMark) else self._take(command)
        if once is not None and isinstance(done, Marking):
            answered = self._answered[once.key] = Answered(once, done.mark, done.new, self._now)
            self.answered.append(answered)
        return done

    def _put(self, mark: Mark) -> Marking:
        for other in self._standing.values():
            if (other.kind, other.a, other.b) == (mark.kind, mark.a, mark.b):
                return Marking(other, new=False)
        self._standing[mark.id] = mark
        return Marking(mark, new=True)

    def _take(self, command: RemoveMark) -> Marking | Refused:
        mark = self._standing.pop(command.id, None)
        if mark is None:
            return Refused(Problem("UNKNOWN_MARK", f"there is no mark {command.id[:60]!r}", ("id",)))
        # The history tells who removed it.
        self._removed[command.id] = replace(mark, actor=command.actor)
        return Marking(mark, new=False)

    @property
    def set(self) -> list[Mark]:
        return [mark for id, mark in self._standing.items() if id not in self._before]

    @property
    def removed(self) -> list[Mark]:
        return [mark for id, mark in self._removed.items() if id in self._before]


def used_otherwise(once: Once) -> Problem:
    """That a caller used an idempotency key again for something else."""
    message = f"idempotencyKey {once.idempotency_key!r} was used for another request already"
    return Problem("ID_CONFLICT", message, ("idempotencyKey",))


_Draft = Taken | Problem | Answer


def _take(command: Command, intake: Intake, marks: _Marks) -> _Draft:
    match command:
        case Observe():
            return intake.observe(command)
        case Revoke():
            return Revocation(command.source, command.id, intake.revoke(command))
        case SetMark() | RemoveMark():
            return marks.do(command)


def _answer(draft: _Draft, intake: Intake, step: Step) -> Answer:
    if isinstance(draft, Problem):
        return Refused(draft)
    if not isinstance(draft, Taken):
        return draft
    source, id = draft.key
    return Accepted(
        source,
        id,
        draft.keys[0],
        step.id_of(draft.keys),
        intake.standing(draft.key),
        draft.repeated,
        draft.dropped,
        step.links_of(draft.keys),
        step.merges_by(source, id),
    )
