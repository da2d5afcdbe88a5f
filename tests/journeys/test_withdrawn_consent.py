"""A consent that is withdrawn over GraphQL is withdrawn at each destination that is up, while another one is down."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.builders.destination_tools import read_in_node
from tests.builders.destinations import SECRET
from tests.builders.told_systems import PEOPLE, Systems, ToldService


@pytest.fixture
def told(tmp_path: Path) -> Iterator[ToldService]:
    with ExitStack() as stack:
        service = ToldService(tmp_path, Systems(tmp_path, stack))
        stack.callback(service.stop)
        service.prepare()
        yield service


def test_a_withdrawn_consent_is_a_removal_everywhere_while_one_destination_is_down(told: ToldService) -> None:
    # given
    ann, ben, *_ = PEOPLE
    told.decide(ann, "GIVEN")
    told.decide(ben, "GIVEN")
    # when
    told.decide(ann, "WITHDRAWN")
    # then: this has waited until no destination that is up holds Ann
    assert set(told.systems.holding(ben).values()) == {True}
    statuses = told.statuses()
    assert statuses.pop("down") == "FAILING"
    assert set(statuses.values()) == {"ACTIVE"}
    # and the library for Node finds the messages signed
    received = told.systems.webhook.received
    assert all(
        read_in_node([{"secret": SECRET, "headers": one.headers, "body": one.body.decode()} for one in received])
    )
