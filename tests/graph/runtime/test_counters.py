"""Counters of sizes."""

from hypothesis import given
from hypothesis import strategies as some

from graph.runtime.counters import SIZES, SizeCounter


@given(some.lists(some.integers(1, 2_000)))
def test_each_size_is_in_the_first_bucket_that_holds_it(sizes: list[int]) -> None:
    # when
    counter = SizeCounter()
    for size in sizes:
        counter.add(size)
    # then
    assert counter.total == sum(sizes)
    assert sum(counter.buckets) == len(sizes)
    for position, bound in enumerate(SIZES):
        assert sum(counter.buckets[: position + 1]) == sum(size <= bound for size in sizes)
