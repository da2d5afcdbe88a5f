"""One batch of updates in several requests."""

from collections.abc import Sequence

import pytest

from service.destinations.adapter import DONE, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.batches import in_requests
from tests.builders.ad_platforms import update
from tests.builders.runs import Run
from tests.builders.senders import statuses


class Deliveries:
    """Delivers until it is unavailable, from the request with a number on."""

    def __init__(self, unavailable_from: int = 99) -> None:
        self.unavailable_from = unavailable_from
        self.requests: list[tuple[str, list[str]]] = []

    async def deliver(self, key: str, items: Sequence[tuple[MemberUpdate, str]]) -> list[Outcome]:
        self.requests.append((key, [item for _, item in items]))
        if len(self.requests) >= self.unavailable_from:
            raise Unavailable("busy", 5)
        return [Outcome(Status.DONE, reference=item) for _, item in items]


def prepare(update: MemberUpdate) -> str | Outcome:
    if update.value == "wrong":
        raise ValueError("it is wrong")
    return DONE if update.value == "done" else update.value.upper()


def domain(update: MemberUpdate) -> str:
    return update.value[0]


def test_updates_of_a_key_go_together_removals_first(run: Run) -> None:
    # given
    deliveries = Deliveries()
    updates = [update("a1"), update("b1"), update("wrong"), update("a2"), update("b2", present=False), update("done")]
    # when
    outcomes = run(in_requests(updates, prepare, domain, deliveries.deliver))
    # then
    assert deliveries.requests == [("b", ["B2", "B1"]), ("a", ["A1", "A2"])]
    assert [outcome.reference for outcome in outcomes] == ["A1", "B1", "", "A2", "B2", ""]
    assert outcomes[2] == Outcome(Status.DEAD, "it is wrong")


def test_an_unavailable_destination_is_told_if_nothing_was_delivered(run: Run) -> None:
    with pytest.raises(Unavailable):
        run(in_requests([update("a1"), update("b1")], prepare, domain, Deliveries(1).deliver))


def test_what_was_not_delivered_is_sent_again(run: Run) -> None:
    # given
    deliveries = Deliveries(2)
    updates = [update("a1"), update("b1"), update("c1")]
    # when
    outcomes = run(in_requests(updates, prepare, domain, deliveries.deliver))
    # then
    assert statuses(outcomes) == [Status.DONE, Status.RETRY, Status.RETRY]
    assert outcomes[1] == Outcome(Status.RETRY, "busy", retry_after=5)


def test_nothing_is_delivered_if_there_is_nothing(run: Run) -> None:
    assert run(in_requests([], prepare, domain, Deliveries(1).deliver)) == []
