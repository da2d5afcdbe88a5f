"""What is sent of a delivery."""

from msgspec.structs import replace

from graph.domain.model.audiences import ABSENT, Delivery, DeliveryStatus
from service.destinations.updates import update_of

IN = Delivery("aud_1", "shop", "email:anna@shop.example", "cus_1", "digest", None, DeliveryStatus.OWED, changed_at=100)


def test_an_update_has_the_same_id_however_often_it_is_sent() -> None:
    # given
    again = replace(IN, sent="digest", attempts=3, due_at=200, answer="busy", reference="r")
    # when
    first, second = update_of(IN, None, {}), update_of(again, None, {})
    # then
    assert first.id == second.id
    assert second.changed_at == 100


def test_a_state_that_comes_back_has_another_id() -> None:
    # given: in, out, and in again; a delivery that is over is forgotten with its reference
    states = [IN, replace(IN, wanted=ABSENT, changed_at=200), replace(IN, changed_at=300)]
    # when
    updates = [update_of(delivery, None, {}) for delivery in states]
    # then
    assert [update.present for update in updates] == [True, False, True]
    assert len({update.id for update in updates}) == 3
