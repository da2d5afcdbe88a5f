"""Which answers are given up, by what the server says of its transactions."""

import pytest

from graph.stores.neo4j.answer_watch import IDLE_TICKS, LATE_TICKS, MAX_IDLE_TICKS, Operation, RunningTransaction

BUSY, IDLE = RunningTransaction("t1", True), RunningTransaction("t1", False)


def late(ticks: int, steps: int, is_patient: bool = False) -> Operation:
    """An operation that got some steps far, and then nothing for some ticks."""
    operation = Operation("o1", is_patient)
    operation.steps = steps
    operation.is_late()
    for _ in range(ticks - (steps == 0)):
        operation.is_late()
    return operation


def test_an_answer_is_late_only_without_news() -> None:
    # given
    operation = Operation("o1")
    # when / then: something arrives before each tick
    for _ in range(2 * LATE_TICKS):
        operation.steps += 1
        assert not operation.is_late()
    # when / then: nothing arrives
    assert [operation.is_late() for _ in range(LATE_TICKS)] == [False] * (LATE_TICKS - 1) + [True]


@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize("is_patient", [False, True])
def test_a_running_query_is_never_lost_and_an_absent_one_always(steps: int, is_patient: bool) -> None:
    operation = late(2 * MAX_IDLE_TICKS, steps, is_patient)
    assert not operation.is_lost(BUSY)
    assert operation.is_lost(None)


@pytest.mark.parametrize(
    ("steps", "is_patient", "ticks"),
    [
        (1, False, IDLE_TICKS),
        # the server may still plan its query
        (1, True, MAX_IDLE_TICKS),
        # the transaction exists, so its query arrived
        (0, False, MAX_IDLE_TICKS),
    ],
)
def test_a_transaction_that_runs_no_query_is_lost_after_a_while(steps: int, is_patient: bool, ticks: int) -> None:
    assert not late(ticks - 1, steps, is_patient).is_lost(IDLE)
    assert late(ticks, steps, is_patient).is_lost(IDLE)
