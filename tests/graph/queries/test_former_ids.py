"""Under which ids a customer was stored, and until when."""

from collections.abc import Sequence

from graph.domain.model.changes import Cause, Change, ChangeKind, Entry
from graph.queries.former_ids import former_ids
from tests.builders.runs import Run

MERGED, SPLIT, MOVED = ChangeKind.CUSTOMERS_MERGED, ChangeKind.CUSTOMER_SPLIT, ChangeKind.IDENTIFIERS_MOVED
EMAIL = "email=ann@example.com"


class History:
    """A store that has a history only."""

    def __init__(self, *changes: tuple[ChangeKind, str, str]) -> None:
        self._entries = [
            Entry(number, Change(kind, number * 10, Cause(), customer, other, keys=(EMAIL,)))
            for number, (kind, customer, other) in enumerate(changes, 1)
        ]

    async def history(self, ids: Sequence[str]) -> list[Entry]:
        return [entry for entry in self._entries if {entry.change.customer, entry.change.other_customer} & {*ids}]


def test_ids_that_merges_retired_belong_to_the_customer(run: Run) -> None:
    # given: c became part of b, and b of a
    store = History((MERGED, "b", "c"), (MERGED, "a", "b"), (MERGED, "x", "y"))
    # then
    assert run(former_ids(store, "a")) == {"a": None, "b": None, "c": None}


def test_the_id_that_a_split_left_belongs_to_the_customer_until_then(run: Run) -> None:
    # given: b was split off a, which others joined before and after
    store = History((MERGED, "a", "before"), (SPLIT, "a", "b"), (MERGED, "a", "after"))
    # then
    assert run(former_ids(store, "b")) == {"b": None, "a": 20, "before": 20}
    assert run(former_ids(store, "a")) == {"a": None, "before": None, "after": None}


def test_the_id_that_an_identifier_moved_from_belongs_to_it_until_then(run: Run) -> None:
    # given: the address moved from b, which lives on, and was of nobody before
    store = History((MOVED, "b", ""), (MERGED, "b", "before"), (MOVED, "a", "b"), (MERGED, "b", "after"))
    # then
    assert run(former_ids(store, "a", EMAIL)) == {"a": None, "b": 30, "before": 30}
    # and: what did not move was never of b
    assert run(former_ids(store, "a", "crm_id=1")) == {"a": None}
