"""Undo a merge: the customers that were merged are kept apart, and their ids return."""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from graph.commands.group_commit import GroupCommit
from graph.commands.overrides import mark_pair
from graph.domain.model.changes import Change, ChangeKind, Entry
from graph.domain.model.errors import InvalidInput
from graph.domain.model.idempotency import Once
from graph.domain.model.identifiers import pair
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.profile.pages import ByKey, CustomerView, Selection
from graph.domain.resolution.replay import Replay
from graph.ports import CustomerHistoryStore, CustomerStore

Explain = Callable[[str, str], Awaitable[str]]
"""Says in words why two keys are one customer, or are not."""
LOOK_UP = 500
"""Identifiers looked up at once."""


class Stayed(Struct, frozen=True, gc=False):
    """An identifier that did not go back to the id that it had before the merge, which id has it (or none), and why."""

    key: str
    was_with: str
    is_with: str
    reason: str


class Undone(Struct, frozen=True, gc=False):
    """What an undo did: the mark it set (removing it redoes the merge), whom it touched, and what did not go back."""

    mark: Mark
    customers: tuple[str, ...]
    stayed: tuple[Stayed, ...]


async def merge_to_undo(store: CustomerHistoryStore, no: int, undone: bool = False) -> Change:
    """The merge with a number in the history; raises where it is none, or cannot be undone (any more).

    With `undone` the same request has undone it before, so that it need not be undoable now.
    """
    found = await store.changes(no - 1, 1) if no > 0 else []
    if not found or found[0].no != no:
        raise InvalidInput("UNKNOWN_CHANGE", "there is no such change", ("change",))
    change = found[0].change
    if change.kind is not ChangeKind.MERGED:
        message = f"the change is no merge but {change.kind.value.replace('_', ' ')}; only merges are undone"
        raise InvalidInput("NOT_A_MERGE", message, ("change",))
    if undone:
        return change
    a, b = change.anchors
    first, second = pair(a, b)
    for mark in await store.marks(a, None, 1_000):
        if mark.kind is MarkKind.APART and mark.pair == (first, second):
            raise InvalidInput("ALREADY_UNDONE", f"mark {mark.id} keeps {a} and {b} apart already", ("change",))
    holders = [None if view is None else view.customer.id for view in await _views(store, [a, b])]
    if None in holders or holders[0] != holders[1]:
        message = f"{a} and {b} are not one customer any more: later changes parted them"
        raise InvalidInput("NOTHING_TO_UNDO", message, ("change",))
    return change


async def undo(
    writer: GroupCommit,
    store: CustomerStore,
    no: int,
    entries: Sequence[Entry],
    explain: Explain,
    *,
    id: str,
    actor: str,
    reason: str,
    now: int,
    once: Once | None = None,
) -> Undone:
    """Set *apart* between the anchors of a merge that `merge_to_undo` let pass.

    `entries` is the history around its customers: from it follows who held what just before the merge. Identifiers
    that came later, or that newer evidence claims, follow the rule.
    """
    change = next(entry.change for entry in entries if entry.no == no)
    before = Replay(entry.change for entry in entries if entry.no < no)
    a, b = change.anchors
    marking = await mark_pair(writer, MarkKind.APART, a, b, id=id, actor=actor, reason=reason, now=now, once=once)
    touched: dict[str, None] = {}
    stayed: list[Stayed] = []
    for was_with in (change.customer, change.other):
        keys = sorted(before.parts.get(was_with, ()))
        for key, view in zip(keys, await _views(store, keys), strict=True):
            is_with = "" if view is None else view.customer.id
            if is_with:
                touched[is_with] = None
            if is_with != was_with:
                stayed.append(Stayed(key, was_with, is_with, await _reason(store, explain, key, is_with, (a, b))))
    return Undone(marking.mark, tuple(touched), tuple(stayed))


async def _reason(store: CustomerStore, explain: Explain, key: str, is_with: str, anchors: tuple[str, str]) -> str:
    """Why an identifier is where it is: what links it with the anchor that its customer holds now."""
    if not is_with:
        return "nothing valid names it any more"
    for anchor, view in zip(anchors, await _views(store, anchors), strict=True):
        if view is not None and view.customer.id == is_with and anchor != key:
            return await explain(key, anchor)
    return "later changes brought it there"


async def _views(store: CustomerStore, keys: Sequence[str]) -> list[CustomerView | None]:
    views: list[CustomerView | None] = []
    for start in range(0, len(keys), LOOK_UP):
        views += await store.customers([ByKey(key) for key in keys[start : start + LOOK_UP]], Selection())
    return views
