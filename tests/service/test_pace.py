"""How threads take turns while requests are worked on."""

import sys
from collections.abc import Iterator

import pytest

from service.pace import LARGE_BYTES, LARGE_SECONDS, SWITCH_SECONDS, worked_on
from tests.conftest import Run
from tests.graph.test_turns import SLICES, turns_of_others


@pytest.fixture(autouse=True)
def interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    yield
    sys.setswitchinterval(before)


def test_threads_take_turns_oftener_while_a_large_request_is_worked_on() -> None:
    with worked_on(LARGE_BYTES):
        assert sys.getswitchinterval() == pytest.approx(LARGE_SECONDS)
        # When another begins and ends meanwhile
        with worked_on(LARGE_BYTES):
            pass
        assert sys.getswitchinterval() == pytest.approx(LARGE_SECONDS)
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)


def test_a_request_that_fails_leaves_things_as_they_were() -> None:
    with pytest.raises(ValueError, match="bad"), worked_on(LARGE_BYTES):
        raise ValueError("bad")
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)


def test_work_in_bulk_stands_aside_for_a_small_request(run: Run) -> None:
    with worked_on(LARGE_BYTES - 1):
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
        assert turns_of_others(run) > 3 * SLICES
    with worked_on(LARGE_BYTES):
        assert turns_of_others(run) == SLICES
