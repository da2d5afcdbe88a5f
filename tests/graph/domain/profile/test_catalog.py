"""Rules are checked against the attributes that exist."""

import pytest

from graph.domain.model.errors import RulesError
from graph.domain.model.rules import Composite, Guard, NamespaceRule, Rules
from graph.domain.profile.catalog import Catalog

NAMESPACES = (NamespaceRule("crm"), NamespaceRule("home"))


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("nonsense", "guard: attribute 'nonsense' does not exist; known are"),
        ("givenName", "guard: attribute 'givenName' does not exist"),
        ("address", "guard: 'address' is not a part of an address; allowed are address.street"),
        ("address.town", "guard: 'address.town' is not a part of an address"),
        ("birth_date.year", "guard: 'birth_date.year' names a part, but birth_date is not an address"),
    ],
)
def test_a_guard_names_an_attribute_that_exists(attribute: str, message: str) -> None:
    with pytest.raises(RulesError) as error:
        Catalog().check_rules(Rules(NAMESPACES, guards=(Guard(attribute, "exact"),)))
    assert error.value.message.startswith(message)


def test_a_composite_key_names_attributes_that_exist() -> None:
    with pytest.raises(RulesError, match="composite: attribute 'street' does not exist"):
        Catalog().check_rules(Rules(NAMESPACES, composites=(Composite("home", ("family_name", "street")),)))


def test_attributes_and_parts_of_addresses_are_accepted() -> None:
    composite = Composite("home", ("family_name", "address.street"))
    Catalog().check_rules(Rules(NAMESPACES, guards=(Guard("address.city", "exact"),), composites=(composite,)))
