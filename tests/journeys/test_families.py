"""People who share an address stay people: guards, from the first contradiction to its end."""

import pytest

from service.config import rules_file
from tests.builders.clients import Client, seen
from tests.builders.operations import REVOKE, remove_override, set_override, state
from tests.builders.runs import Run
from tests.builders.stores import Fresh

RULES = """
[[guard]]
attribute = "birth_date"
compare = "date"

[[namespace]]
name = "record"
known = true

[[namespace]]
name = "login"
known = true
guarded = false

[[namespace]]
name = "email"
normalize = ["lower", "email"]
"""
WHY = """query($a: IdentifierInput!, $b: IdentifierInput!) { why(a: $a, b: $b) { sameCustomer summary
  obstacles { kind message link { reason { code } }
    contradictions { attribute message a { ...Value } b { ...Value } } }
  contradictions { attribute message a { ...Value } b { ...Value } } } }
fragment Value on StatedValue { identifier { namespace value } value source since lastReportedAt }"""
HISTORY = "{ changes { nodes { kind reasonCode reason summary } } }"
HEALTH = """{ graphHealth(first: 100, kinds: [CONTRADICTING_CLAIMS, CONTRADICTING_VALUES, SHARED_IDENTIFIER]) { nodes {
  kind message suggestion count customerId identifier { value } suggestedApart { namespace value } } } }"""
MOTHER, CHILD, ADDRESS = "record=M-1", "record=C-1", "email=fam@example.com"


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run, rules_file.parse(RULES))


@pytest.fixture
def family(client: Client) -> Client:
    """A mother and a child with one address; the child's record named it last."""
    state(client, MOTHER, source="crm", at="2026-03-01T00:00:00Z", birthDate="1980-05-04")
    state(client, CHILD, source="shop", at="2026-04-02T00:00:00Z", birthDate="2010-11-23", id="s-1")
    client.link(seen(MOTHER, ADDRESS, at="2026-03-01T00:00:00Z"))
    (result,) = client.link(seen(CHILD, ADDRESS, at="2026-04-02T00:00:00Z"))
    # The newest claim has the address; the older link is suspended, so the answer names none of its own.
    assert (result["suspendedLinks"], result["merges"]) == ([], [])
    return client


def are_one(client: Client, *keys: str) -> bool:
    return len({client.customer(key)["id"] for key in keys}) == 1


def why(client: Client, a: str, b: str) -> dict:
    refs = [{"namespace": key.partition("=")[0], "value": key.partition("=")[2]} for key in (a, b)]
    return client.ask(WHY, {"a": refs[0], "b": refs[1]})["why"]


def link_changes(client: Client) -> list[tuple[str, str]]:
    changes = client.ask(HISTORY)["changes"]["nodes"]
    return [(change["kind"], change["reasonCode"]) for change in changes if change["kind"].startswith("LINK_")]


def test_a_family_is_several_customers_and_why_says_so_with_values_sources_and_dates(family: Client) -> None:
    # when
    explanation = why(family, MOTHER, CHILD)
    # then
    assert not explanation["sameCustomer"]
    assert are_one(family, CHILD, ADDRESS)
    (obstacle,) = explanation["obstacles"]
    assert (obstacle["kind"], obstacle["link"]["reason"]["code"]) == ("GUARD", "GUARD")
    assert obstacle["message"] == (
        f"{ADDRESS} and {MOTHER} were seen together, but birth_date is 1980-05-04 at {MOTHER} (crm, since 2026-03-01) "
        f"and 2010-11-23 at {CHILD} (shop, since 2026-04-02)"
    )
    (contradiction,) = obstacle["contradictions"]
    assert contradiction["attribute"] == "birth_date"
    assert contradiction["a"] == [
        {
            "identifier": {"namespace": "record", "value": "M-1"},
            "value": "1980-05-04",
            "source": "crm",
            "since": "2026-03-01T00:00:00Z",
            "lastReportedAt": "2026-03-01T00:00:00Z",
        }
    ]
    assert [value["value"] for value in contradiction["b"]] == ["2010-11-23"]
    assert explanation["contradictions"] == []


def test_a_link_that_a_guard_suspends_is_named_in_the_answer(family: Client) -> None:
    # when: the mother's record names the address once more, but not as the newest claim
    (result,) = family.link(seen(MOTHER, ADDRESS, at="2026-03-05T00:00:00Z"))
    # then
    (link,) = result["suspendedLinks"]
    assert link["reason"]["code"] == "GUARD"
    assert "birth_date" in link["reason"]["message"]


def test_a_correction_merges_in_the_same_answer_and_its_revocation_splits(family: Client) -> None:
    # when
    result = state(family, CHILD, source="shop", at="2026-05-01T00:00:00Z", birthDate="1980-05-04", id="s-2")
    # then
    assert len(result["merges"]) == 1
    assert are_one(family, MOTHER, CHILD, ADDRESS)
    # when
    family.ask(REVOKE, {"o": [{"source": "shop", "id": "s-2"}]})
    # then: what the shop said before counts again
    assert not are_one(family, MOTHER, CHILD)
    assert link_changes(family) == [
        ("LINK_SUSPENDED", "GUARD"),
        ("LINK_RESTORED", "GUARD"),
        ("LINK_SUSPENDED", "GUARD"),
    ]


def test_a_value_that_is_taken_back_or_revoked_contradicts_nothing(family: Client) -> None:
    # when
    result = state(family, CHILD, source="shop", at="2026-05-01T00:00:00Z", birthDate=None, id="s-2")
    # then
    assert len(result["merges"]) == 1
    # when: the withdrawal is revoked, then the statement itself
    family.ask(REVOKE, {"o": [{"source": "shop", "id": "s-2"}]})
    assert not are_one(family, MOTHER, CHILD)
    family.ask(REVOKE, {"o": [{"source": "shop", "id": "s-1"}]})
    # then
    assert are_one(family, MOTHER, CHILD)


def test_a_typing_error_in_a_statement_splits_a_customer_and_its_correction_brings_the_id_back(client: Client) -> None:
    # given: one person with two records
    state(client, MOTHER, source="crm", at="2026-03-01T00:00:00Z", birthDate="1980-05-04")
    client.link(seen(MOTHER, ADDRESS, at="2026-03-01T00:00:00Z"), seen(CHILD, ADDRESS, at="2026-04-02T00:00:00Z"))
    id = client.customer(MOTHER)["id"]
    assert are_one(client, MOTHER, CHILD)
    # when
    state(client, CHILD, source="shop", at="2026-04-03T00:00:00Z", birthDate="2010-11-23")
    # then
    assert not are_one(client, MOTHER, CHILD)
    # when
    state(client, CHILD, source="shop", at="2026-04-04T00:00:00Z", birthDate="1980-05-04")
    # then
    assert are_one(client, MOTHER, CHILD)
    assert client.customer(MOTHER)["id"] == id


def test_a_steward_joins_them_in_spite_of_it_and_why_says_that_values_contradict(family: Client) -> None:
    # when
    override = set_override(family, "keepTogether", MOTHER, CHILD, reason="one person")
    # then
    assert are_one(family, MOTHER, CHILD)
    explanation = why(family, MOTHER, CHILD)
    assert explanation["sameCustomer"]
    assert [contradiction["attribute"] for contradiction in explanation["contradictions"]] == ["birth_date"]
    assert "But its values contradict each other: birth_date is 1980-05-04" in explanation["summary"]
    # when
    remove_override(family, override["override"]["id"])
    # then
    assert not are_one(family, MOTHER, CHILD)
    assert link_changes(family)[-1] == ("LINK_SUSPENDED", "GUARD")


def test_health_shows_the_shared_address_once(family: Client) -> None:
    # given: a third person with the address
    state(family, "record=F-1", source="crm", at="2026-01-01T00:00:00Z", birthDate="1955-01-01")
    family.link(seen("record=F-1", ADDRESS, at="2026-01-01T00:00:00Z"))
    # when
    (finding,) = family.ask(HEALTH)["graphHealth"]["nodes"]
    # then: what guards keep apart is not reported as a shared identifier too
    assert (finding["kind"], finding["identifier"]["value"], finding["count"]) == (
        "CONTRADICTING_CLAIMS",
        "fam@example.com",
        3,
    )
    assert "keepTogether" in finding["suggestion"]


def test_health_shows_a_customer_with_two_birth_dates_and_its_suggestion_separates_them(family: Client) -> None:
    # given: both records have one login, which is not guarded
    family.link(seen(MOTHER, "login=fam", at="2026-03-01T00:00:00Z"), seen(CHILD, "login=fam"))
    assert are_one(family, MOTHER, CHILD)
    # when
    (finding,) = family.ask(HEALTH)["graphHealth"]["nodes"]
    # then
    assert (finding["kind"], finding["customerId"]) == ("CONTRADICTING_VALUES", family.customer(MOTHER)["id"])
    assert f"birth_date is 2010-11-23 at {CHILD} (shop, since 2026-04-02)" in finding["message"]
    # when: a steward does what it suggests
    keys = [f"{identifier['namespace']}={identifier['value']}" for identifier in finding["suggestedApart"]]
    set_override(family, "keepApart", *keys)
    # then
    assert not are_one(family, MOTHER, CHILD)
    assert [node["kind"] for node in family.ask(HEALTH)["graphHealth"]["nodes"]] == []
    assert link_changes(family)[-1] == ("LINK_SUSPENDED", "APART")


def test_a_scenario_with_a_guard_says_why_a_link_is_suspended(client: Client) -> None:
    # given
    scenario = """rules
  guard birth_date date
  record
  email
seen
  e1 record=A email=fam birth_date:1980-05-04
  e2 record=B email=fam birth_date:2010-11-23
expect
  record=A
  record=B email=fam
"""
    # when
    query = "query($s: String!) { simulate(scenario: $s) { matchesExpected suspended { a b reason } } }"
    simulation = client.ask(query, {"s": scenario})["simulate"]
    # then
    assert simulation["matchesExpected"]
    assert simulation["suspended"] == [
        {"a": "email=fam", "b": "record=A", "reason": "birth_date is 1980-05-04 at record=A and 2010-11-23 at record=B"}
    ]
