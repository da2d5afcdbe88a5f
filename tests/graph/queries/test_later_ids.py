"""Under which ids is stored now what a customer was at an earlier time."""

from collections.abc import Sequence

from graph.domain.model.changes import Cause, Change, ChangeKind, Entry
from graph.queries.later_ids import LaterIds, later_ids
from tests.builders.runs import Run

MERGED, SPLIT, MOVED = ChangeKind.CUSTOMERS_MERGED, ChangeKind.CUSTOMER_SPLIT, ChangeKind.IDENTIFIERS_MOVED
EMPTIED, ERASED = ChangeKind.CUSTOMER_EMPTIED, ChangeKind.CUSTOMER_ERASED


class History:
    """A store that has a history only: the first change is at 10, the next at 20."""

    def __init__(self, *changes: tuple[ChangeKind, str, str]) -> None:
        self._entries = [
            Entry(number, Change(kind, number * 10, Cause(), customer, other))
            for number, (kind, customer, other) in enumerate(changes, 1)
        ]

    async def history(self, ids: Sequence[str]) -> list[Entry]:
        return [entry for entry in self._entries if {entry.change.customer, entry.change.other_customer} & {*ids}]


def ids(run: Run, store: History, **since: int) -> dict[str, tuple[str, ...]]:
    return {id: later.ids for id, later in run(later_ids(store, since)).items()}


def test_what_merges_retired_is_found_under_the_last_id(run: Run) -> None:
    # given: c became part of b, and b of a
    store = History((MERGED, "b", "c"), (MERGED, "a", "b"), (MERGED, "x", "y"))
    # then
    assert ids(run, store, c=0, a=0, y=0, unknown=0) == {
        "c": ("a",),
        "a": ("a",),
        "y": ("x",),
        "unknown": ("unknown",),
    }


def test_what_was_split_or_moved_later_is_found_under_each_id(run: Run) -> None:
    # given: b was split off a, which then lost an identifier to c, and d was part of b for a while
    store = History((SPLIT, "a", "b"), (MOVED, "c", "a"), (MERGED, "b", "d"), (SPLIT, "b", "d"))
    # then
    assert ids(run, store, a=0) == {"a": ("a", "b", "c", "d")}
    assert ids(run, store, a=15) == {"a": ("a", "c")}
    assert ids(run, store, a=25) == {"a": ("a",)}
    # and: what d was before it became part of b may be in both since they were split
    assert ids(run, store, d=0) == {"d": ("b", "d")}


def test_what_was_revoked_or_happened_before_is_not_found(run: Run) -> None:
    # given
    store = History((SPLIT, "a", "b"), (EMPTIED, "a", ""), (EMPTIED, "b", ""))
    # then
    assert ids(run, store, a=0) == {"a": ()}
    assert ids(run, store, b=99) == {"b": ("b",)}


def test_who_was_erased_is_named_as_erased(run: Run) -> None:
    # given: c became part of a, which was split before it was erased
    store = History((MERGED, "a", "c"), (SPLIT, "a", "b"), (ERASED, "a", ""), (ERASED, "c", ""))
    # then
    assert run(later_ids(store, {"c": 0, "b": 0})) == {"c": LaterIds(("b",), erased=True), "b": LaterIds(("b",))}
