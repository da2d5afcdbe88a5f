"""The bounds of reported times."""

import pytest

from graph.domain.model.dates import SECOND
from graph.domain.model.times import EARLIEST, LAST
from graph.domain.model.validation import MAX_CLOCK_SKEW, check_expiry, check_time

NOW = 1_772_524_800 * SECOND


@pytest.mark.parametrize("value", [None, EARLIEST, NOW, NOW + MAX_CLOCK_SKEW])
def test_a_time_from_1990_to_5_minutes_ahead_is_allowed(value: int | None) -> None:
    assert check_time("seenAt", value, NOW) is None


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        (EARLIEST - 1, "TIMESTAMP_TOO_OLD", "seenAt is before 1990"),
        (NOW // 1000, "TIMESTAMP_TOO_OLD", "in another unit"),
        (0, "TIMESTAMP_TOO_OLD", "before 1990"),
        (NOW + MAX_CLOCK_SKEW + SECOND, "TIMESTAMP_IN_FUTURE", "seenAt is 301 seconds ahead"),
    ],
)
def test_any_other_time_is_a_problem_of_its_field(value: int, code: str, words: str) -> None:
    # when
    problem = check_time("seenAt", value, NOW)
    # then
    assert problem is not None
    assert (problem.code, problem.path) == (code, ("seenAt",))
    assert words in problem.message


def test_an_end_may_lie_ahead_but_not_before_1990() -> None:
    assert check_expiry("expiresAt", None) is check_expiry("expiresAt", LAST) is None
    problem = check_expiry("expiresAt", EARLIEST - 1)
    assert problem is not None
    assert problem.code == "TIMESTAMP_TOO_OLD"
