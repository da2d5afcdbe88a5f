"""Ids of requests: taken over if they are valid, otherwise new."""

import re

import pytest

from service.observability.request_ids import request_id

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("id", ["a", "req-1_B", "0f8fad5b-d9cb-469f-a165-70867728950e", "x" * 64])
def test_a_valid_id_is_taken_over(id: str) -> None:
    assert request_id(id, f"00-{TRACE}-00f067aa0ba902b7-01") == id


@pytest.mark.parametrize("id", ["", "x" * 65, "ann@mail.example", "a b", "a\nb", "Zoë", "+4917012345", "id\n"])
def test_any_other_id_is_replaced_by_the_trace_id(id: str) -> None:
    assert request_id(id, f"00-{TRACE}-00f067aa0ba902b7-01") == TRACE


@pytest.mark.parametrize(
    "traceparent", ["", "nonsense", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{TRACE.upper()}-1-1"]
)
def test_without_either_a_new_one_is_made(traceparent: str) -> None:
    first, second = (request_id("", traceparent) for _ in range(2))
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first != second
