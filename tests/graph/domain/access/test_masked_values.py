"""Masks of values that a store may hold from before sources were checked; tests/journeys/test_masks.py has the rest."""

import json

import pytest

from graph.domain.access.masked_values import Masks
from graph.domain.access.scopes import CUSTOMER_READ
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.customers import Anchor, Customer
from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.observations import Party
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.pages import CustomerView, FactPage, Page
from tests.builders.graphs import small_rules

INTERACTIONS = FactPage(FactKind.INTERACTION, 10)
READER = Viewer("desk-1", "desk", frozenset({CUSTOMER_READ}), Reach.ANY)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ('{"note": "ann@example.com"}', {"note": "a•••@e•••.com"}),
        ('{"note": "\\ud800"}', {"note": "\ufffd"}),
        ('{"note": Infinity}', {"note": "inf"}),
        ('{"note": 12345678901234567890}', {"note": "•••90"}),
    ],
)
def test_an_interaction_is_masked_whatever_the_store_holds(stored: str, shown: object) -> None:
    # given
    fact = Fact("cookie=ck-1", 1, "shop", "1", Party.FIRST_PARTY, stored)
    view = CustomerView(
        Customer("cus_1", "cus_1", 0, Anchor("cookie=ck-1", 0)), pages={INTERACTIONS: Page([fact], has_more=False)}
    )
    # when
    masked = Masks(READER, small_rules(), Catalog()).view(view)
    # then
    (item,) = masked.pages[INTERACTIONS].items
    assert json.loads(item.facts) == shown
