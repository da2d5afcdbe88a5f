"""Failures to sign in are limited by address, in bounded memory."""

import pytest

from service.access import throttle
from service.access.throttle import MAX_FAILURES, WINDOW_SECONDS, Failure, FailureThrottle


class Seconds:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_an_address_waits_after_too_many_failures_until_its_window_ends() -> None:
    # given
    now = Seconds()
    limited = FailureThrottle(now)
    # when
    first = [limited.failed("192.0.2.1") for _ in range(MAX_FAILURES)]
    now.at += 20
    over = limited.failed("192.0.2.1")
    other = limited.failed("192.0.2.2")
    now.at += 40
    later = limited.failed("192.0.2.1")
    # then
    assert first == [Failure(None, False), *[Failure(None, True)] * (MAX_FAILURES - 1)]
    assert over == Failure(int(WINDOW_SECONDS) - 20, True)
    assert other == later == Failure(None, False)


@pytest.mark.parametrize(
    ("one", "another", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("nonsense", "other nonsense", True),
        ("", "192.0.2.1", False),
    ],
)
def test_what_counts_as_one_address(one: str, another: str, same: bool) -> None:
    limited = FailureThrottle(Seconds())
    limited.failed(one)
    assert limited.failed(another).repeated is same


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_ADDRESSES", 3)
    limited = FailureThrottle(Seconds())
    for number in range(10):
        limited.failed(f"192.0.2.{number}")
    assert len(limited._windows) == 3
    assert limited.failed("192.0.2.9").repeated
    assert not limited.failed("192.0.2.0").repeated
