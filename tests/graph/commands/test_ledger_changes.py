"""What the decisions of one write change: each sees what those before it changed."""

import pytest

from graph.commands.ledger_changes import LedgerChanges
from graph.domain.audiences.targets import Target
from graph.domain.model.audiences import ABSENT, Audience, Delivery, DeliveryStatus, HeldDelivery
from graph.domain.model.segments import DUE_FIRST
from graph.domain.model.store_values import Writes

NOW = 1_000
AUDIENCE = Audience("aud_1", "mail-tool", "seg_1", "newsletter", "EMAIL", ("email",))
KEY = "email=ann@example.com"
TARGET = Target("aud_1", KEY, "1")


def held(customer: str, holder: str) -> HeldDelivery:
    """A delivery that was decided for a customer, and which of them holds the address now."""
    return HeldDelivery(Delivery("aud_1", "mail-tool", KEY, customer, "1", "1", DeliveryStatus.DONE, 5), holder)


def decided(before: list[HeldDelivery], **targets: list[Target]) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """For whom deliveries are by now, with the states that are wanted, and which customers are due."""
    changes = LedgerChanges(before, [AUDIENCE], NOW)
    for customer, wanted in targets.items():
        changes.decide(customer, wanted)
    writes = Writes()
    changes.add_to(writes)
    return [(one.customer, one.wanted) for one in writes.deliveries], dict(writes.segmentation_due)


@pytest.mark.parametrize("order", [("ann", "ben"), ("ben", "ann")])
def test_an_address_that_moved_between_two_customers_of_a_write_is_never_taken_out(order: tuple[str, str]) -> None:
    # given: the address was Ann's and is Ben's
    targets = {"ann": [], "ben": [TARGET]}
    # when
    deliveries, due = decided([held("ann", "ben")], **{customer: targets[customer] for customer in order})
    # then
    assert deliveries == [("ben", "1")]
    assert due == {}


def test_an_address_that_moved_to_a_customer_of_another_write_waits_for_that_one() -> None:
    # when
    deliveries, due = decided([held("ann", "ben")], ann=[])
    # then
    assert deliveries == [("ben", "1")]
    assert due == {"ben": DUE_FIRST}


def test_an_address_that_moved_and_is_not_wanted_is_removed() -> None:
    assert decided([held("ann", "ben")], ann=[], ben=[]) == ([("ben", ABSENT)], {})


def test_what_has_not_changed_is_not_written() -> None:
    assert decided([held("ann", "ann")], ann=[TARGET]) == ([], {})


def test_deliveries_of_other_customers_are_left_alone() -> None:
    assert decided([held("ann", "ann")], ben=[]) == ([], {})
