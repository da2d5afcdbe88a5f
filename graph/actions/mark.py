"""Set stewards' marks."""

from graph.actions.commit import Marking, Refused
from graph.actions.group_commit import GroupCommit
from graph.domain.errors import InvalidInput, KithError
from graph.domain.identifiers import pair
from graph.domain.intake import RemoveMark, SetMark
from graph.domain.marks import Mark, MarkKind


async def mark_pair(
    writer: GroupCommit, kind: MarkKind, a: str, b: str, *, id: str, actor: str, reason: str, now: int
) -> Marking:
    """Set a *together* or *apart* mark on two keys; one that stands already is answered as it stands."""
    if a == b:
        raise InvalidInput("SAME_IDENTIFIER", f"a and b are the same identifier, {a}", ("b",))
    first, second = pair(a, b)
    (answer,) = await writer.run([SetMark(Mark(id, kind, first, second, actor, reason, now))])
    if not isinstance(answer, Marking):
        raise KithError(f"a mark was answered with {type(answer).__name__}")
    return answer


async def block(writer: GroupCommit, key: str, *, id: str, actor: str, reason: str, now: int) -> Marking:
    """Block an identifier: all its links become idle, nothing is deleted."""
    (answer,) = await writer.run([SetMark(Mark(id, MarkKind.BLOCKED, key, "", actor, reason, now))])
    if not isinstance(answer, Marking):
        raise KithError(f"a mark was answered with {type(answer).__name__}")
    return answer


async def remove(writer: GroupCommit, id: str, *, actor: str, now: int) -> Mark:
    """Remove a mark by its id: what would be without it comes back. Raises where there is no such mark."""
    (answer,) = await writer.run([RemoveMark(id, now, actor)])
    if isinstance(answer, Refused):
        raise InvalidInput(answer.problem.code, answer.problem.message, answer.problem.path)
    if not isinstance(answer, Marking):
        raise KithError(f"a mark was answered with {type(answer).__name__}")
    return answer.mark
