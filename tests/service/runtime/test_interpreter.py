"""How threads take turns while requests are worked on."""

import sys
from collections.abc import Iterator

import pytest

from service.runtime.interpreter import BESIDE_SECONDS, LARGE_BYTES, SWITCH_SECONDS, WorkedOn
from tests.builders.runs import Run
from tests.builders.turns import SLICES, turns_of_others


@pytest.fixture(autouse=True)
def interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    yield
    sys.setswitchinterval(before)


def oftener() -> bool:
    """Whether threads take turns oftener than they usually do."""
    usual = sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    assert usual or sys.getswitchinterval() == pytest.approx(BESIDE_SECONDS)
    return not usual


def test_threads_take_turns_oftener_while_small_requests_and_large_ones_are_worked_on() -> None:
    with WorkedOn(LARGE_BYTES):
        assert not oftener()
        with WorkedOn(LARGE_BYTES - 1):
            assert oftener()
            # When others begin and end meanwhile
            with WorkedOn(LARGE_BYTES), WorkedOn(LARGE_BYTES - 1):
                pass
            assert oftener()
        assert not oftener()
    with WorkedOn(LARGE_BYTES - 1):
        assert not oftener()


def test_a_request_that_fails_leaves_things_as_they_were() -> None:
    with WorkedOn(LARGE_BYTES):
        with pytest.raises(ValueError, match="bad"), WorkedOn(0):
            raise ValueError("bad")
        assert not oftener()


def test_work_in_bulk_stands_aside_for_a_small_request(run: Run) -> None:
    with WorkedOn(LARGE_BYTES - 1):
        assert turns_of_others(run) > 3 * SLICES
    with WorkedOn(LARGE_BYTES):
        assert turns_of_others(run) == SLICES - 1
