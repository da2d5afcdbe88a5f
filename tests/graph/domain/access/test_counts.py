"""Published numbers: none about the few, the same when asked again, and little about one person."""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.access.counts import FINGERPRINTED, fingerprint, noise, published, published_total, rounded

SIZES = st.integers(2, 40)
COUNTS = st.integers(0, 400)
SEEDS = st.integers(0, 2**64 - 1)


@given(COUNTS, COUNTS, SIZES, SEEDS)
def test_a_number_is_published_only_if_enough_are_counted_and_enough_are_not(
    count: int, others: int, k: int, seed: int
) -> None:
    number = published(count, count + others, k, seed)
    assert (number is None) == (count < k or others < k)
    if number is not None:
        assert number % k == 0
        assert k <= number <= count + others - k
        assert abs(number - count) <= 2.5 * k


@given(COUNTS, SIZES, SEEDS)
def test_for_one_fingerprint_more_customers_are_never_a_smaller_number(total: int, k: int, seed: int) -> None:
    numbers = [published(count, total, k, seed) for count in range(total + 1)]
    shown = [number for number in numbers if number is not None]
    assert shown == sorted(shown)


@pytest.mark.parametrize(
    ("count", "total", "expected"),
    [(3, 36, None), (35, 36, None), (36, 36, None), (0, 36, None), (9, 100, None), (91, 100, None)],
)
def test_numbers_about_the_few_are_withheld(count: int, total: int, expected: int | None) -> None:
    assert {published(count, total, 10, seed) for seed in range(100)} == {expected}


def test_a_number_is_rounded_with_noise() -> None:
    # given
    seeds = [fingerprint("secret", "rule", [str(number)], 1) for number in range(5_000)]
    # when
    numbers = Counter(published(140, 1_000, 10, seed) for seed in seeds)
    # then: near the count, to both sides alike, and close to it in most cases
    assert set(numbers) == {120, 130, 140, 150, 160}
    assert abs(sum(number * times for number, times in numbers.items() if number) / 5_000 - 140) < 1
    assert numbers[130] + numbers[140] + numbers[150] > 4_500
    # and never below the minimum
    assert min(published(10, 1_000, 10, seed) or 0 for seed in seeds) == 10
    assert max(published(990, 1_000, 10, seed) or 0 for seed in seeds) == 990


@given(SIZES, SEEDS)
def test_noise_is_bounded(k: int, seed: int) -> None:
    assert abs(noise(seed, k)) <= 2 * k


def test_one_customer_more_makes_no_number_much_more_likely() -> None:
    # given the noise of many fingerprints
    times = Counter(noise(fingerprint("secret", "rule", [str(number)], 1), 10) for number in range(200_000))
    # then
    for value in range(-8, 9):
        assert times[value] / times[value + 1] < math.exp(0.2) * 1.1
        assert times[value + 1] / times[value] < math.exp(0.2) * 1.1


@pytest.mark.parametrize(("total", "expected"), [(0, None), (9, None), (10, 10), (36, 30), (40, 40)])
def test_the_number_of_all_is_rounded_down(total: int, expected: int | None) -> None:
    assert published_total(total, 10) == expected


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (4.9, 0), (5, 10), (14, 10), (15, 20)])
def test_numbers_are_rounded_to_the_nearest_multiple(count: float, expected: int) -> None:
    assert rounded(count, 10) == expected


@given(st.sets(st.text("abc", min_size=1, max_size=4), max_size=20), st.text("xyz", min_size=1, max_size=3))
def test_noise_follows_from_the_rule_the_customers_and_the_secret(ids: set[str], more: str) -> None:
    members = sorted(ids)
    same = fingerprint("secret", "rule", members, len(members))
    assert same == fingerprint("secret", "rule", list(members), len(members))
    assert same != fingerprint("other", "rule", members, len(members))
    assert same != fingerprint("secret", "another rule", members, len(members))
    assert same != fingerprint("secret", "rule", members, len(members) + 1)
    assert same != fingerprint("secret", "rule", sorted({*ids, more}), len(members) + 1)


def test_the_first_members_and_their_number_suffice() -> None:
    members = [f"cus_{number:05}" for number in range(FINGERPRINTED + 5)]
    assert fingerprint("s", "r", members, 2_000) == fingerprint("s", "r", members[:FINGERPRINTED], 2_000)


def test_two_rules_that_differ_by_one_customer_are_told_apart_little_better_than_by_chance() -> None:
    # given some bystanders, and a rule that adds one person if a condition holds for this person
    random = Random(7)
    results: Counter[tuple[int, bool]] = Counter()
    for _ in range(6_000):
        size, inside = random.randrange(30, 300), random.random() < 0.5
        members = sorted(f"cus_{random.getrandbits(60):015x}" for _ in range(20))
        base = published(size, 1_000, 10, fingerprint("secret", "bystanders", members, size))
        asked = published(size + inside, 1_000, 10, fingerprint("secret", "and one more", members, size + inside))
        assert base is not None
        assert asked is not None
        results[(asked > base) - (asked < base), inside] += 1
    # then each result is possible in both cases, and the best guess is right in little more than half
    assert all(results[difference, inside] > 300 for difference in (-1, 0, 1) for inside in (False, True))
    correct = sum(max(results[difference, False], results[difference, True]) for difference in (-1, 0, 1))
    assert correct / 6_000 < 0.56


def test_fifty_customers_more_are_seen() -> None:
    seen = 0
    for number in range(500):
        small, large = (published(n, 1_000, 10, fingerprint("secret", f"{number} {n}", [], n)) for n in (100, 150))
        assert small is not None
        assert large is not None
        seen += large > small
    assert seen > 490
