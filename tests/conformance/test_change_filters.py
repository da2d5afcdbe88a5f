"""Pages of the feed that match a filter, walked by their cursors in both orders, are what the filter matches of all."""

from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.commands.commit import commit
from graph.domain.model.change_filter import ChangeFilter
from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind, Entry
from graph.domain.model.dates import SECOND
from graph.domain.model.errors import InvalidInput
from graph.domain.model.segments import Segment
from graph.domain.model.store_values import Writes
from graph.ports import Store, Write
from graph.queries import filtered_feed as module
from graph.queries.filtered_feed import FeedPage, filtered_feed, followed, ids_of_customer
from tests.builders.graphs import NOW, CountingIds, observe, seen, small_rules
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.strategies import SETTINGS

RULES = small_rules()
CUSTOMERS = ["cus_1", "cus_2", "cus_3"]
causes = st.one_of(
    st.builds(lambda source: Cause(source=source, id="o1"), st.sampled_from(["shop", "till"])),
    st.builds(lambda id: Cause(CauseType.SEGMENT_EVALUATION, id=id), st.sampled_from(["seg_1", "seg_2"])),
    st.just(Cause(CauseType.EXPIRY)),
)
KINDS = [ChangeKind.CUSTOMER_CREATED, ChangeKind.SEGMENT_ENTERED, ChangeKind.SEGMENT_EXITED, ChangeKind.RESTRICTED]
changes = st.builds(
    lambda kind, at, cause, customer, other: Change(kind, at * SECOND, cause, customer, other),
    st.sampled_from(KINDS),
    st.integers(0, 3),
    causes,
    st.sampled_from(CUSTOMERS),
    st.sampled_from(["", *CUSTOMERS]),
)
filters = st.builds(
    ChangeFilter,
    st.frozensets(st.sampled_from(KINDS), max_size=3),
    st.frozensets(st.sampled_from(CUSTOMERS), max_size=2),
    st.sampled_from(["", "", "shop"]),
    st.sampled_from(["", "", "seg_1"]),
    st.none() | st.integers(0, 1).map(lambda at: at * SECOND),
    st.none() | st.integers(2, 4).map(lambda at: at * SECOND),
)


def write(store: Store, run: Run, items: Sequence[Change]) -> None:
    def work():
        yield Write(Writes(changes=list(items)))

    run(store.write(work))


def walk(store: Store, run: Run, filter: ChangeFilter, first: int, newest_first: bool) -> tuple[list[Entry], int]:
    """All entries page by page, and where the last page ends."""
    found: list[Entry] = []
    after: int | None = None
    for _ in count():
        page: FeedPage = run(filtered_feed(store, filter, after, first, newest_first))
        assert len(page.entries) <= first
        found += page.entries
        if not page.has_more:
            return found, page.position
        assert page.position != after
        after = page.position
    raise AssertionError


@settings(SETTINGS, max_examples=60)
@given(items=st.lists(changes, max_size=25), filter=filters, first=st.integers(1, 4), newest_first=st.booleans())
def test_pages_are_the_entries_that_match_in_order(
    fresh: Fresh, run: Run, items: list[Change], filter: ChangeFilter, first: int, newest_first: bool
) -> None:
    # given: a request that reads little, so that pages end before they are full
    store = fresh()
    write(store, run, items)
    entries = run(store.changes(0, 1_000))
    batch, most = module.BATCH, module.MAX_READ
    module.BATCH, module.MAX_READ = 3, 5
    try:
        # when
        found, position = walk(store, run, filter, first, newest_first)
    finally:
        module.BATCH, module.MAX_READ = batch, most
    # then
    expected = [entry for entry in entries if filter.matches(entry.change)]
    assert found == (expected[::-1] if newest_first else expected)
    # and: after the last page nothing matches, until something new does
    if position:
        rest = run(filtered_feed(store, filter, position, 10, newest_first))
        assert (rest.entries, rest.has_more) == ([], False)
    new = Change(ChangeKind.RESTRICTED, 2 * SECOND - 1, Cause(source="shop"), "cus_1")
    write(store, run, [new])
    resumed = run(filtered_feed(store, replace(filter, until=None), position, 10, newest_first=False))
    if not newest_first and filter.until is None:
        assert [entry.change for entry in resumed.entries] == ([new] if filter.matches(new) else [])


def test_times_are_found_in_a_long_history_without_reading_it(store: Store, run: Run) -> None:
    # given: an entry each day
    day = 24 * 3_600 * SECOND
    write(store, run, [Change(ChangeKind.RESTRICTED, at * day, Cause(), "cus_1") for at in range(200)])
    filter = ChangeFilter(since=150 * day, until=153 * day)
    # when, then
    for newest_first in (False, True):
        page = run(filtered_feed(store, filter, None, 10, newest_first))
        numbers = [151, 152, 153]
        assert [entry.number for entry in page.entries] == (numbers[::-1] if newest_first else numbers)
        assert not page.has_more
    # and: nothing is read of what was recorded an hour after the end, or later
    assert run(filtered_feed(store, filter, None, 10, newest_first=False)).position == 154


def test_no_entries_are_asked_for(store: Store, run: Run) -> None:
    # given
    write(store, run, [Change(ChangeKind.RESTRICTED, 0, Cause(), "cus_1") for _ in range(3)])
    # when, then
    for newest_first in (False, True):
        assert run(filtered_feed(store, ChangeFilter(), None, 0, newest_first)) == FeedPage([], True, 0)
        assert run(filtered_feed(store, ChangeFilter(), 2, 0, newest_first)) == FeedPage([], True, 2)


def test_the_ids_of_a_customer_are_those_that_were_merged_into_it(store: Store, run: Run) -> None:
    # given: three customers that become one
    ids = CountingIds()
    for observed in (["crm=a"], ["mail=a"], ["mail=b"], ["crm=a", "mail=a"], ["crm=a", "mail=b"]):
        run(store.write(lambda observed=observed: commit([observe(seen(*observed), RULES)], RULES, NOW, ids)))
    # when, then: whichever of them is named
    found = {run(ids_of_customer(store, id)) for id in ("cus_1", "cus_2", "cus_3")}
    assert found == {frozenset(["cus_1", "cus_2", "cus_3"])}
    with pytest.raises(InvalidInput, match="no customer has or had the id 'cus_9'"):
        run(ids_of_customer(store, "cus_9"))


def test_a_customer_that_is_merged_is_followed_as_the_survivor() -> None:
    # given
    filter = ChangeFilter(customers=frozenset(["cus_2"]))
    merge = Change(ChangeKind.CUSTOMERS_MERGED, 0, Cause(), "cus_1", "cus_2")
    # when, then
    assert followed(filter, merge).customers == {"cus_1", "cus_2"}
    assert followed(filter, replace(merge, other_customer="cus_3")) is filter
    assert followed(ChangeFilter(), merge) == ChangeFilter()


def test_segments_of_other_causes_do_not_match() -> None:
    # given
    filter = ChangeFilter(segment="seg_1")
    segment = Segment("seg_1", "one", "{}", 1, 0)
    # when, then
    assert filter.matches(Change(ChangeKind.SEGMENT_ENTERED, 0, Cause(CauseType.SEGMENT_EVALUATION, id=segment.id)))
    assert not filter.matches(Change(ChangeKind.CUSTOMER_CREATED, 0, Cause(id=segment.id)))
    with pytest.raises(InvalidInput, match="since must be before until"):
        ChangeFilter(since=5, until=5).check()
