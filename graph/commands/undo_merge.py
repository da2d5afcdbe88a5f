"""Undo a merge: the merged customers are kept apart.

The retired id returns if the survivor had the stronger anchor before the merge. Otherwise the surviving id stays with
the group of the strongest identifier, and the other group gets a new id (docs/internals/resolution-rule.md).
"""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from graph.commands.group_commit import GroupCommit
from graph.commands.overrides import set_override
from graph.domain.model.changes import Change, ChangeKind, Entry
from graph.domain.model.errors import InvalidInput
from graph.domain.model.idempotency import IdempotencyKey
from graph.domain.model.identifiers import pair
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.profile.pages import ByKey, CustomerView, Selection
from graph.domain.resolution.explanation import Explanation
from graph.domain.resolution.replay import Replay
from graph.ports import CustomerHistoryStore, CustomerStore

Explain = Callable[[str, str], Awaitable[Explanation]]
"""Explains why two keys are or are not one customer."""
LOOKUP_BATCH = 500
"""Identifiers of one look-up."""


class Unrestored(Struct, frozen=True, gc=False):
    """An identifier that did not return to its previous customer, and why: a sentence, or the explanation of a link.

    `current_customer_id` is empty if it is in none.
    """

    key: str
    previous_customer_id: str
    current_customer_id: str
    reason: Sentence | Explanation


class UndoResult(Struct, frozen=True, gc=False):
    """The result of an undo: the override that was set, the customers that changed, and the identifiers not restored.

    Removing the override redoes the merge.
    """

    override: Override
    customers: tuple[str, ...]
    not_restored: tuple[Unrestored, ...]


async def merge_to_undo(store: CustomerHistoryStore, number: int, already_undone: bool = False) -> Change:
    """Return the merge with a number in the history; raises `InvalidInput` if it is not a merge or cannot be undone.

    With `already_undone`, the same request has undone it before, so it need not be undoable now.
    """
    entries = await store.changes(number - 1, 1) if number > 0 else []
    if not entries or entries[0].number != number:
        raise InvalidInput("CHANGE_NOT_FOUND", f"change {number} does not exist", ("changeId",))
    change = entries[0].change
    if change.kind is not ChangeKind.CUSTOMERS_MERGED:
        message = f"change {number} is {change.kind.name}; only CUSTOMERS_MERGED can be undone"
        raise InvalidInput("NOT_A_MERGE", message, ("changeId",))
    if already_undone:
        return change
    a, b = change.anchors
    first, second = pair(a, b)
    for override in await store.overrides(a, None, 1_000):
        if override.kind is OverrideKind.APART and override.pair == (first, second):
            raise InvalidInput(
                "ALREADY_UNDONE", f"override {override.id} already keeps the two customers apart", ("changeId",)
            )
    holder_ids = [None if view is None else view.customer.id for view in await _views(store, [a, b])]
    if None in holder_ids or holder_ids[0] != holder_ids[1]:
        message = f"the customers of change {number} are no longer one customer: later changes separated them"
        raise InvalidInput("NOTHING_TO_UNDO", message, ("changeId",))
    return change


async def undo_merge(
    writer: GroupCommit,
    store: CustomerStore,
    number: int,
    entries: Sequence[Entry],
    explain: Explain,
    override: Override,
    idempotency_key: IdempotencyKey | None = None,
) -> UndoResult:
    """Undo a merge that `merge_to_undo` has accepted: set an *apart* `override` on its anchors.

    `entries` is the history around its customers, which determines the identifiers of each just before the merge.
    Identifiers that arrived later, or that newer evidence claims, follow the resolution rule.
    """
    change = next(entry.change for entry in entries if entry.number == number)
    before = Replay(entry.change for entry in entries if entry.number < number)
    a, b = change.anchors
    result = await set_override(writer, override, idempotency_key)
    touched: dict[str, None] = {}
    not_restored: list[Unrestored] = []
    for previous_customer_id in (change.customer, change.other_customer):
        keys = sorted(before.groups.get(previous_customer_id, ()))
        for key, view in zip(keys, await _views(store, keys), strict=True):
            current_customer_id = "" if view is None else view.customer.id
            if current_customer_id:
                touched[current_customer_id] = None
            if current_customer_id != previous_customer_id:
                not_restored.append(
                    Unrestored(
                        key,
                        previous_customer_id,
                        current_customer_id,
                        await _reason(store, explain, key, current_customer_id, (a, b)),
                    )
                )
    return UndoResult(result.override, tuple(touched), tuple(not_restored))


async def _reason(
    store: CustomerStore, explain: Explain, key: str, current_customer_id: str, anchors: tuple[str, str]
) -> "Sentence | Explanation":
    """Explain the current customer of an identifier by its links to the anchor that the customer holds."""
    if not current_customer_id:
        return Sentence(MessageCode.NOT_NAMED_ANYMORE)
    for anchor, view in zip(anchors, await _views(store, anchors), strict=True):
        if view is not None and view.customer.id == current_customer_id and anchor != key:
            return await explain(key, anchor)
    return Sentence(MessageCode.MOVED_LATER)


async def _views(store: CustomerStore, keys: Sequence[str]) -> list[CustomerView | None]:
    views: list[CustomerView | None] = []
    for start in range(0, len(keys), LOOKUP_BATCH):
        views += await store.customers([ByKey(key) for key in keys[start : start + LOOKUP_BATCH]], Selection())
    return views
