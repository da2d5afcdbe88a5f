"""Claims: the source that they are recorded under, and what follows from it."""

import pytest
from msgspec.structs import replace

from graph.domain.model.claims import claimed_source, is_claimed, origin_of
from graph.domain.model.guarded_values import guarded_values_of
from graph.domain.model.observations import EvidenceStatement, EvidenceTier
from graph.domain.model.orders import precedence
from graph.domain.model.rules import NamespaceRule, Rules, SourceRule
from tests.builders.graphs import family_rules


def test_a_claim_has_a_source_of_its_own_that_leads_back_to_its_origin() -> None:
    source = claimed_source("web")
    assert (source, is_claimed(source), origin_of(source)) == ("web:claimed", True, "web")
    assert (is_claimed("web"), origin_of("web")) == (False, "web")


@pytest.mark.parametrize("source", ["us-shop", "us-shop:claimed"])
def test_the_rules_of_a_source_hold_for_its_claims(source: str) -> None:
    # given
    rules = Rules((NamespaceRule("phone", normalize=("phone:DE",)),), sources={"us-shop": SourceRule("us-shop", "US")})
    # when, then
    assert rules.normalize_value("phone", "202 456 1111", source) == "+12024561111"


def test_a_claim_of_an_order_replaces_no_report_of_a_source() -> None:
    # given
    reported, claimed = precedence("shop", 0, 10), precedence("web:claimed", 0, 20)
    # when, then
    assert reported < claimed < precedence("web:claimed", 0, 15)


def test_a_claimed_birth_date_separates_nobody() -> None:
    # given
    stated = EvidenceStatement(
        "web", "1", ("mail=a",), EvidenceTier.FIRST_PARTY, 1, None, '{"birth_date": "1980-01-01"}', "mail=a"
    )
    claimed = replace(stated, source="web:claimed")
    # when, then
    assert guarded_values_of([stated], family_rules())["mail=a"]
    assert guarded_values_of([claimed], family_rules()) == {"mail=a": {}}
