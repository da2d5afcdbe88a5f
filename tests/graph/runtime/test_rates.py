"""Measured rates."""

from graph.runtime.rates import HALF_LIFE_SECONDS, Rate


def test_nothing_is_known_before_the_first_measurement() -> None:
    assert Rate().seconds_for(1_000_000) == 0


def test_the_time_for_more_work_follows_from_what_was_done() -> None:
    # given
    rate = Rate()
    rate.begin(100.0)
    # when: 500 in 2 seconds
    rate.add(200, 101.0)
    rate.add(300, 102.0)
    # then
    assert 3.5 < rate.seconds_for(1000) < 4.5


def test_time_without_work_does_not_count() -> None:
    # given
    rate = Rate()
    rate.begin(0.0)
    rate.add(100, 1.0)
    # when
    rate.begin(1000.0)
    rate.add(100, 1001.0)
    # then
    assert rate.seconds_for(100) == 1


def test_a_rate_that_changes_is_soon_forgotten() -> None:
    # given
    rate = Rate()
    rate.begin(0.0)
    rate.add(1_000, 1.0)
    # when it is a tenth of that for a while
    for second in range(2, 2 + int(10 * HALF_LIFE_SECONDS)):
        rate.add(100, float(second))
    # then
    assert 9 < rate.seconds_for(1_000) <= 10
