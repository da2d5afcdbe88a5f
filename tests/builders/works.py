"""Writes that are run over given answers instead of a store."""

from collections.abc import Callable
from typing import Any, TypeVar

from graph.domain.model.store_values import Writes
from graph.ports import Request, Work, Write

T = TypeVar("T")


def run_over(work: Work[T], answer: Callable[[Request], Any]) -> tuple[T, list[Writes]]:
    """The result of a write whose reads are answered by a function, and what it has written."""
    written: list[Writes] = []
    answered: object = None
    try:
        while True:
            request = work.send(answered)
            if isinstance(request, Write):
                written.append(request.writes)
                answered = None
            else:
                answered = answer(request)
    except StopIteration as stop:
        return stop.value, written
