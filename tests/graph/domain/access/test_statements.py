"""Which statements a viewer may record, and as what."""

from decimal import Decimal

import pytest

from graph.domain.access.statements import Statement, check_revocation, check_source, permitted
from graph.domain.access.viewer import Viewer
from graph.domain.model.errors import Problem
from graph.domain.model.observations import Observation, Party
from graph.domain.model.orders import Order, OrderStatement
from graph.domain.model.rules import Composite, NamespaceRule, Rules
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.interactions import Interaction, InteractionStatement
from tests.builders.viewers import viewer

RULES = Rules(
    (
        NamespaceRule("login", limit=1, normalize=("lower",)),
        NamespaceRule("email", normalize=("email",)),
        NamespaceRule("cookie"),
        NamespaceRule("order"),
        NamespaceRule("person"),
    ),
    composites=(Composite("person", ("name", "birth_date")),),
)
COOKIE = (("cookie", "ck-1"),)
LOGIN = (("login", "Ann"), *COOKIE)
EMAIL = (("email", "ann@example.com"), *COOKIE)
PARTNER = viewer("partner", caller="acme", sources=frozenset({"acme-app", "acme-web"}))
ANN = viewer("storefront", sources=frozenset({"web"}), subject="login=ann")


def statements(source: str, identifiers: tuple[tuple[str, str], ...]) -> list[Statement]:
    """A statement of each kind but orders."""
    return [
        Observation(source, identifiers),
        AttributesStatement(source, identifiers, {"name": "Ann"}),
        ConsentStatement(source, identifiers, "newsletter", Decision.GIVEN),
        InteractionStatement(Interaction(source, "page_viewed", 0), identifiers),
        ExternalSegmentStatement(source, identifiers, "movers"),
    ]


def source_of(statement: Statement) -> str:
    return statement.observation().source if not isinstance(statement, Observation) else statement.source


@pytest.mark.parametrize("statement", statements("crm", EMAIL), ids=lambda statement: type(statement).__name__)
def test_a_source_of_others_is_refused_and_named(statement: Statement) -> None:
    assert permitted(statement, PARTNER, RULES) == Problem(
        "SOURCE_NOT_YOURS", "source 'crm' is not one of those of 'acme': acme-app, acme-web", ("source",)
    )


def test_only_the_first_of_many_own_sources_are_named() -> None:
    # given
    many = viewer("ingest", sources=frozenset(f"s{number:02}" for number in range(30)))
    # when
    problem = check_source("crm", many)
    # then
    assert problem is not None
    assert problem.message.endswith("s08, s09, …")


def test_a_caller_without_any_source_may_record_none() -> None:
    problem = check_source("crm", viewer("partner", sources=frozenset()))
    assert problem is not None
    assert problem.message.endswith(": none")


@pytest.mark.parametrize("role", ["ingest", "developer", "partner"])
def test_nobody_sends_the_source_of_claims(role: str) -> None:
    problem = check_source("web:claimed", viewer(role, sources=frozenset({"web:claimed", "web"})))
    assert problem is not None
    assert (problem.code, problem.path) == ("SOURCE_NOT_YOURS", ("source",))
    assert "':claimed'" in problem.message


def test_a_party_nearer_than_the_callers_is_refused() -> None:
    problem = permitted(Observation("acme-app", EMAIL), PARTNER, RULES)
    assert problem == Problem(
        "PARTY_NOT_ALLOWED", "party is FIRST_PARTY; 'acme' may state SECOND_PARTY, THIRD_PARTY", ("party",)
    )


@pytest.mark.parametrize("party", [Party.SECOND_PARTY, Party.THIRD_PARTY])
def test_a_partner_states_the_parties_that_it_may(party: Party) -> None:
    statement = Observation("acme-app", EMAIL, party=party)
    assert permitted(statement, PARTNER, RULES) is statement


def test_who_may_not_record_consents_records_none_by_an_interaction() -> None:
    # given
    statement = InteractionStatement(Interaction("acme-app", "unsubscribed", 0), EMAIL, Party.SECOND_PARTY)
    ingest = viewer("ingest", sources=frozenset({"acme-app"}))
    # when
    problem = permitted(statement, PARTNER, RULES, {"unsubscribed"})
    # then
    assert isinstance(problem, Problem)
    assert (problem.code, problem.path) == ("FORBIDDEN", ("type",))
    assert permitted(statement, PARTNER, RULES) is statement
    assert permitted(statement, ingest, RULES, {"unsubscribed"}) is statement


@pytest.mark.parametrize("identifiers", [LOGIN, COOKIE], ids=["subject and cookie", "cookie"])
@pytest.mark.parametrize("number", range(5))
def test_a_storefront_records_what_its_token_proves(number: int, identifiers: tuple[tuple[str, str], ...]) -> None:
    statement = statements("web", identifiers)[number]
    if identifiers is LOGIN or not isinstance(statement, AttributesStatement):
        assert permitted(statement, ANN, RULES) is statement


@pytest.mark.parametrize("asker", [ANN, viewer("storefront")], ids=["a user", "nobody"])
def test_who_somebody_is_only_the_subject_states(asker: Viewer) -> None:
    # given: attributes of a cookie, which may be in the browser of a customer who is known
    statement = AttributesStatement("web", COOKIE, {"family_name": "Other"})
    # when
    claimed = permitted(statement, asker, RULES)
    # then
    assert isinstance(claimed, AttributesStatement)
    assert (claimed.source, claimed.party) == ("web:claimed", Party.THIRD_PARTY)


@pytest.mark.parametrize(
    "identifiers",
    [EMAIL, (("login", "ben"), *COOKIE), (("order", "W-1"), *LOGIN), (("email", "not an address"), *COOKIE)],
    ids=["an address", "another login", "an order number", "a value that is dropped"],
)
@pytest.mark.parametrize("number", range(5))
def test_a_storefront_claims_everything_else(number: int, identifiers: tuple[tuple[str, str], ...]) -> None:
    # given
    statement = statements("web", identifiers)[number]
    # when
    claimed = permitted(statement, ANN, RULES)
    # then
    assert not isinstance(claimed, Problem)
    assert (source_of(claimed), claimed.party) == ("web:claimed", Party.THIRD_PARTY)


def test_a_storefront_for_nobody_proves_no_login() -> None:
    claimed = permitted(Observation("web", LOGIN), viewer("storefront"), RULES)
    assert isinstance(claimed, Observation)
    assert claimed.source == "web:claimed"


def test_an_order_of_a_storefront_is_a_claim() -> None:
    # given
    order = Order("W-1", "web", 0, 0, "EUR", Decimal(5))
    # when
    claimed = permitted(OrderStatement(order, LOGIN), ANN, RULES)
    # then
    assert isinstance(claimed, OrderStatement)
    assert (claimed.order.source, claimed.party) == ("web:claimed", Party.THIRD_PARTY)


def test_an_identifier_that_attributes_make_up_is_a_claim() -> None:
    # given
    statement = AttributesStatement("web", LOGIN, {"name": "Ann", "birth_date": "1980-01-01"})
    # when
    claimed = permitted(statement, ANN, RULES)
    # then
    assert isinstance(claimed, AttributesStatement)
    assert claimed.source == "web:claimed"


def test_the_source_of_a_claim_leaves_room_for_its_end() -> None:
    # given
    long = viewer("storefront")
    # when
    problem = permitted(Observation("w" * 93, EMAIL), long, RULES)
    accepted = permitted(Observation("w" * 92, EMAIL), long, RULES)
    # then
    assert isinstance(problem, Problem)
    assert (problem.code, problem.path) == ("INVALID_LENGTH", ("source",))
    assert "93 characters; 92 are allowed" in problem.message
    assert isinstance(accepted, Observation)
    assert len(accepted.source) == 100


@pytest.mark.parametrize("source", ["acme-app", "acme-app:claimed"])
def test_own_observations_and_their_claims_are_revoked(source: str) -> None:
    assert check_revocation((source, "1"), PARTNER) is None


def test_observations_of_others_are_not_revoked() -> None:
    problem = check_revocation(("crm:claimed", "1"), PARTNER)
    assert problem is not None
    assert (problem.code, problem.path) == ("SOURCE_NOT_YOURS", ("source",))
    assert check_revocation(("crm", "1"), viewer("steward")) is None
