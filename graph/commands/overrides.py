"""Set stewards' marks."""

from typing import Protocol

from graph.commands.commit import Answer, Marking, Refused, used_otherwise
from graph.commands.group_commit import GroupCommit
from graph.domain.model.errors import InvalidInput, KithError
from graph.domain.model.idempotency import Once
from graph.domain.model.identifiers import pair
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.resolution.intake import RemoveMark, SetMark
from graph.ports import HistoryStore, WriteStore

MOST_MARKS = 1_000
"""Marks that are looked through at one identifier."""


class OverrideStore(WriteStore, HistoryStore, Protocol):
    """Writes, and the marks that stand."""


async def mark_pair(
    writer: GroupCommit,
    kind: MarkKind,
    a: str,
    b: str,
    *,
    id: str,
    actor: str,
    reason: str,
    now: int,
    once: Once | None = None,
) -> Marking:
    """Set a *together* or *apart* mark on two keys; one that stands already is answered as it stands."""
    if a == b:
        raise InvalidInput("SAME_IDENTIFIER", f"a and b are the same identifier, {a}", ("b",))
    first, second = pair(a, b)
    (answer,) = await writer.run([SetMark(Mark(id, kind, first, second, actor, reason, now), once)])
    return _marking(answer)


async def block(
    writer: GroupCommit, key: str, *, id: str, actor: str, reason: str, now: int, once: Once | None = None
) -> Marking:
    """Block an identifier: all its links become idle, nothing is deleted."""
    (answer,) = await writer.run([SetMark(Mark(id, MarkKind.BLOCKED, key, "", actor, reason, now), once)])
    return _marking(answer)


async def unblock(
    writer: GroupCommit, store: OverrideStore, key: str, *, actor: str, now: int, once: Once | None = None
) -> Mark:
    """Take back the block of an identifier; raises where there is none."""
    if (before := await done_before(store, once)) is not None:
        return before.mark
    for mark in await store.marks(key, None, MOST_MARKS):
        if mark.kind is MarkKind.BLOCKED:
            return await remove(writer, mark.id, actor=actor, now=now, once=once)
    raise InvalidInput("UNKNOWN_MARK", f"{key} is not blocked", ("identifier",))


async def remove(writer: GroupCommit, id: str, *, actor: str, now: int, once: Once | None = None) -> Mark:
    """Remove a mark by its id: what would be without it comes back. Raises where there is no such mark."""
    (answer,) = await writer.run([RemoveMark(id, now, actor, once)])
    return _marking(answer).mark


def _marking(answer: Answer) -> Marking:
    if isinstance(answer, Refused):
        raise InvalidInput(answer.problem.code, answer.problem.message, answer.problem.path)
    if not isinstance(answer, Marking):
        raise KithError(f"a mark was answered with {type(answer).__name__}")
    return answer


async def done_before(store: WriteStore, once: Once | None) -> Marking | None:
    """What the same request was answered with when it came first; raises where its key was used for another one."""
    known = None if once is None else await store.answered(once.key)
    if once is None or known is None:
        return None
    if known.once.digest != once.digest:
        problem = used_otherwise(once)
        raise InvalidInput(problem.code, problem.message, problem.path)
    return Marking(known.mark, known.new)
