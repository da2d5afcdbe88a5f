"""References stand for texts and show nothing of them, and all processes accept them."""

import asyncio

import pytest

from graph.commands.references import CURSOR, IDENTIFIER, References
from graph.domain.model.errors import StoreUnavailable
from graph.ports import Store
from tests.builders.runs import Run


def test_processes_that_start_at_the_same_time_accept_the_references_of_each_other(store: Store, run: Run) -> None:
    # given
    first, second = References(store), References(store)

    async def open_both() -> None:
        await asyncio.gather(first.open(), second.open())

    # when
    run(open_both())
    reference = first.seal("email=ann@example.com", IDENTIFIER)
    # then
    assert second.unseal(reference, IDENTIFIER) == "email=ann@example.com"
    assert second.seal("email=ann@example.com", IDENTIFIER) == reference
    # and: one that starts later
    third = References(store)
    run(third.open())
    assert third.unseal(reference, IDENTIFIER) == "email=ann@example.com"


@pytest.mark.parametrize(
    "change", [lambda text: text[:-2], lambda text: text.swapcase(), lambda text: "ä", lambda _: ""]
)
def test_what_was_not_sealed_is_not_accepted(store: Store, run: Run, change) -> None:  # type: ignore[no-untyped-def]
    # given
    references = References(store)
    run(references.open())
    reference = references.seal("email=ann@example.com", IDENTIFIER)
    assert change(reference) != reference
    # when, then
    assert references.unseal(change(reference), IDENTIFIER) is None
    assert references.unseal(reference, CURSOR) is None


def test_nothing_is_sealed_before_the_secret_is_known(store: Store) -> None:
    # when, then
    with pytest.raises(StoreUnavailable):
        References(store).seal("x", CURSOR)
