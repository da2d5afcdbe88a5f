"""Nobody who said no is in an audience, whatever a marketer chooses and an operator removes from attributes.toml."""

import pytest

from graph.domain.model.audiences import Outcome, Status
from graph.domain.model.errors import InvalidInput
from graph.ports import Store
from tests.builders.audiences import Activation
from tests.builders.clients import seen
from tests.builders.erasing import by, erase
from tests.builders.operations import decide
from tests.builders.runs import Run

ANN = "email=ann@example.com"
MONDAY, TUESDAY = "2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z"
WITHOUT_NEWSLETTER = """
[[purpose]]
name = "third_party_sharing"
[[channel]]
name = "EMAIL"
namespaces = ["email"]
"""
WITHOUT_EMAIL = """
[[purpose]]
name = "newsletter"
[[channel]]
name = "SMS"
namespaces = ["phone"]
"""


@pytest.fixture
def shop(store: Store, run: Run) -> Activation:
    """Ann, who agreed to newsletters."""
    shop = Activation(store, run)
    shop.client.link(seen(ANN, "crm_id=c-1", source="crm"))
    decide(shop.client, ANN, decision="GIVEN", at=MONDAY)
    return shop


def test_no_other_channel_reaches_an_address_that_must_not_be_used(shop: Activation) -> None:
    # given
    segment = shop.segment("known", known=True)
    decide(shop.client, ANN, decision="WITHDRAWN", channel="EMAIL", at=TUESDAY)
    # when, then
    with pytest.raises(InvalidInput, match=r"^namespaces: email is no address of SMS, which has phone$"):
        shop.audience(segment, channel="SMS")


@pytest.mark.parametrize("attributes", [WITHOUT_NEWSLETTER, WITHOUT_EMAIL])
def test_an_audience_whose_purpose_or_channel_is_no_longer_declared_is_emptied(
    shop: Activation, store: Store, run: Run, attributes: str
) -> None:
    # given
    audience = shop.audience(shop.segment("known", known=True))
    shop.settle()
    assert shop.destination.addresses(audience) == {ANN}
    # when
    restarted = Activation(store, run, shop.destination, attributes)
    restarted.settle()
    # then: nobody could withdraw their consent by now
    assert shop.destination.addresses(audience) == set()


def test_the_removal_of_an_erased_address_is_no_repeat_of_an_earlier_removal(shop: Activation) -> None:
    # given: a removal that may have arrived, though its answer was lost
    shop.audience(shop.segment("known", known=True))
    shop.settle()
    shop.destination.answer = lambda _: Outcome(Status.RETRY)
    decide(shop.client, ANN, decision="WITHDRAWN", at=TUESDAY)
    shop.evaluate()
    shop.send()
    # when
    erase(shop.client, by=by(ANN))
    shop.send()
    # then
    _, removal, erasure = shop.destination.updates
    assert (removal.erased, erasure.erased) == (False, True)
    assert removal.id != erasure.id
