"""The interaction types that Kith knows are ones that a source may send, with properties that segments may ask for."""

import pytest

from graph.domain.model.interaction_types import INTERACTION_PROPERTIES, INTERACTION_TYPES, OUTBOUND_TYPES
from graph.domain.profile import property_filters
from graph.domain.profile.interactions import Interaction, InteractionStatement, check_interaction


@pytest.mark.parametrize("type", INTERACTION_TYPES)
def test_a_known_type_is_accepted_with_its_properties(type: str) -> None:
    # given
    properties = dict.fromkeys((*INTERACTION_PROPERTIES, *INTERACTION_TYPES[type].properties), "x" * 200)
    interaction = Interaction("web", type, 1, properties=properties)
    conditions = [{"name": name, "in": ["X" * 200]} for name in INTERACTION_TYPES[type].properties]
    # when
    filters = property_filters.parse(conditions or None, ("properties",))
    # then
    assert check_interaction(InteractionStatement(interaction, ())) is None
    assert all(condition.matches(properties) for condition in filters)


def test_what_a_customer_does_is_not_the_companys() -> None:
    assert not OUTBOUND_TYPES & {"email_opened", "unsubscribed", "call", "ticket", "points_earned", "review"}
