"""Possible matches under guards; limits and overrides are in the journey of customers."""

import pytest

from graph.domain.model.customers import Anchor, Customer
from graph.domain.model.links import Link
from graph.domain.model.observations import EvidenceTier
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.profile.pages import Match
from graph.queries.possible_matches import MatchStatus, status
from tests.builders.graphs import family_rules

RULES = family_rules()
ADULT, CHILD, TYPO = "1980-05-04", "2010-11-23", "1980-05-14"
JOINED = (Override("ovr_1", OverrideKind.TOGETHER, "record=A", "record=C"),)


def customer(id: str, *birth_dates: str) -> Customer:
    sets = {"birth_date": dict.fromkeys(birth_dates, 1)} if birth_dates else {}
    return Customer(id, id, 0, Anchor(f"record={id}", 0), value_sets=sets)


def match(a: Customer, b: Customer, key: str = "mail=fam", joined: tuple[Override, ...] = ()) -> Match:
    return Match(Link(key, "record=B", EvidenceTier.PROBABILISTIC, confidence=0.5), a, b, joined)


@pytest.mark.parametrize(
    ("birth_dates", "others", "expected"),
    [
        ([ADULT], [CHILD], MatchStatus.REFUTED),
        ([ADULT], [TYPO], MatchStatus.POSSIBLE),
        ([ADULT], [], MatchStatus.POSSIBLE),
        # one identifier of a customer is enough
        ([ADULT, CHILD], [CHILD], MatchStatus.REFUTED),
        # an identifier of which sources state different values fits both
        ([f"{ADULT}\n{CHILD}"], [CHILD], MatchStatus.POSSIBLE),
    ],
)
def test_customers_whose_values_contradict_each_other_refute_a_match(
    birth_dates: list[str], others: list[str], expected: MatchStatus
) -> None:
    assert status(match(customer("A", *birth_dates), customer("B", *others)), RULES) is expected


def test_a_namespace_without_guards_refutes_nothing() -> None:
    assert status(match(customer("A", ADULT), customer("B", CHILD), "login=L"), RULES) is MatchStatus.POSSIBLE


def test_what_stewards_joined_shares_its_values() -> None:
    # given
    joined = customer("A", ADULT, CHILD)
    # then: it refutes only what none of its values fits
    assert status(match(joined, customer("B", CHILD), joined=JOINED), RULES) is MatchStatus.POSSIBLE
    assert status(match(joined, customer("B", "1955-01-01"), joined=JOINED), RULES) is MatchStatus.REFUTED


def test_a_link_of_a_namespace_that_the_rules_no_longer_have_refutes_nothing() -> None:
    # given
    rules = Rules(RULES.namespaces[:1], guards=RULES.guards)
    # then
    assert status(match(customer("A", ADULT), customer("B", CHILD)), rules) is MatchStatus.POSSIBLE
