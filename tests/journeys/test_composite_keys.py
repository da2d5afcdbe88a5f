"""Composite keys through GraphQL: exact match rules, from the first statement to a change of the rules."""

import pytest

from service.config import rules_file
from tests.builders.clients import Client, identifiers
from tests.builders.operations import REVOKE, remove_override, set_override, state
from tests.builders.runs import Run
from tests.builders.stores import Fresh

NAMESPACES = """
[blocked]
patterns = ['(?i)\\W*(unknown|n/?a)\\W*']

[[namespace]]
name = "record"
known = true

[[namespace]]
name = "name_birth"
known = true

[[namespace]]
name = "email"
normalize = ["lower", "email"]
"""
RULES = f"""{NAMESPACES}
[[composite]]
namespace = "name_birth"
of = ["family_name", "given_name", "birth_date"]
"""
ANN = {"familyName": "O'Brien-Müller", "givenName": "Ann", "birthDate": "1980-05-04"}
KEY = "name_birth=obrien muller|ann|1980-05-04"
APPLY = """mutation($input: ApplyRulesInput!) { applyRules(input: $input) { errors { code message } } }"""
PREVIEW = """mutation($input: PreviewRulesInput!) { previewRules(input: $input) { errors { code message }
  preview { state impact { currentCustomers projectedCustomers mergingCustomers splittingCustomers changedCustomers
    sampleMerges { groups { namespace value } } sampleSplits { groups { namespace value } } } } } }"""
SEARCH = "query($text: String!) { searchCustomers(text: $text) { nodes { matches { field value } } } }"
WHY = "query($a: IdentifierInput!, $b: IdentifierInput!) { why(a: $a, b: $b) { sameCustomer summary } }"


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run, rules_file.parse(RULES))


def test_records_that_state_the_same_are_one_customer_and_why_names_the_key(client: Client) -> None:
    # when
    state(client, "record=A", source="crm", **ANN)
    state(client, "record=B", source="shop", **ANN | {"familyName": "O’BRIEN MULLER", "givenName": "ANN"})
    # then
    assert client.keys_of("record=A") == ["record=A", "record=B", KEY]
    a, b = identifiers("record=A", "record=B")
    why = client.ask(WHY, {"a": a, "b": b})["why"]
    assert why["sameCustomer"]
    assert KEY in why["summary"]


def test_a_key_is_looked_up_as_people_write_it_and_found_by_search(client: Client) -> None:
    # given
    state(client, "record=A", **ANN)
    # when, then
    assert client.keys_of("name_birth=O'Brien Müller | ANN | 1980-05-04") == ["record=A", KEY]
    (hit,) = client.ask(SEARCH, {"text": "muller ann"})["searchCustomers"]["nodes"]
    assert hit["matches"] == [{"field": "name_birth", "value": KEY.partition("=")[2]}]
    query = "query($i: IdentifierInput!) { customer(by: {identifier: $i}) { id } }"
    response = client.send(query, {"i": {"namespace": "name_birth", "value": "O'Brien|Ann"}}).json()
    assert "3 are required, separated by |: family_name, given_name, birth_date" in response["errors"][0]["message"]


def test_a_placeholder_in_a_part_makes_no_key_and_the_answer_says_so(client: Client) -> None:
    # when
    results = [state(client, f"record={record}", **ANN | {"givenName": "n/a"}) for record in "AB"]
    # then
    (dropped,) = results[0]["droppedIdentifiers"]
    assert (dropped["namespace"], dropped["code"]) == ("name_birth", "BLOCKED")
    assert dropped["reason"] == "has a blocked placeholder in given_name"
    assert [client.keys_of(f"record={record}") for record in "AB"] == [["record=A"], ["record=B"]]


def test_a_corrected_statement_keeps_its_key_until_it_is_revoked(client: Client) -> None:
    # given: a wrong birth date, which is another person's
    state(client, "record=A", id="1", **ANN | {"birthDate": "1991-07-08"})
    state(client, "record=B", source="shop", **ANN | {"birthDate": "1991-07-08"})
    # when
    state(client, "record=A", id="2", at="2026-02-01T00:00:00Z", **ANN)
    # then: the key of the first statement still joins them
    assert "record=B" in client.keys_of("record=A")
    # when
    client.ask(REVOKE, {"o": [{"source": "crm", "id": "1"}]})
    # then
    assert client.keys_of("record=A") == ["record=A", KEY]


def test_a_steward_can_take_a_key_from_a_record_and_give_it_back(client: Client) -> None:
    # given
    for record in "AB":
        state(client, f"record={record}", source=record, **ANN)
    # when
    done = set_override(client, "keepApart", "record=B", "name_birth=O'Brien-Müller|Ann|1980-05-04")
    # then
    assert done["errors"] == []
    assert client.keys_of("record=B") == ["record=B"]
    # when
    remove_override(client, done["override"]["id"])
    # then
    assert client.keys_of("record=B") == ["record=A", "record=B", KEY]


def test_new_rules_make_keys_of_stored_statements_and_a_preview_says_who_merges(client: Client, run: Run) -> None:
    # given
    run(client.wiring.prepare())
    version = apply(client, run, NAMESPACES)
    for record in "AB":
        state(client, f"record={record}", source=record, **ANN)
    assert client.keys_of("record=A") == ["record=A"]
    # when
    merging = client.ask(PREVIEW, {"input": {"rules": RULES, "maskValues": False}})["previewRules"]["preview"]["impact"]
    version = apply(client, run, RULES, version)
    # then
    assert (merging["currentCustomers"], merging["projectedCustomers"], merging["mergingCustomers"]) == (2, 1, 2)
    assert {"namespace": "name_birth", "value": KEY.partition("=")[2]} in merging["sampleMerges"][0]["groups"][0]
    assert client.keys_of("record=A") == ["record=A", "record=B", KEY]
    # when
    splitting = client.ask(PREVIEW, {"input": {"rules": NAMESPACES}})["previewRules"]["preview"]["impact"]
    apply(client, run, NAMESPACES, version)
    # then
    assert (splitting["projectedCustomers"], splitting["splittingCustomers"]) == (2, 1)
    assert client.keys_of("record=A") == ["record=A"]
    assert client.customer(KEY) is None
    profile = client.customer("record=B", "profile { givenName { value } }")["profile"]
    assert profile == {"givenName": {"value": "Ann"}}


@pytest.mark.parametrize("parts", ['"birth_date", "given_name", "family_name"', '"family_name", "birth_date"'])
def test_a_preview_of_other_parts_follows_a_key_to_what_it_would_be(client: Client, run: Run, parts: str) -> None:
    # given
    run(client.wiring.prepare())
    apply(client, run, RULES)
    for record in "AB":
        state(client, f"record={record}", source=record, **ANN)
    # when
    other = RULES.replace('"family_name", "given_name", "birth_date"', parts)
    preview = client.ask(PREVIEW, {"input": {"rules": other}})["previewRules"]["preview"]
    # then
    impact = preview["impact"]
    assert (impact["currentCustomers"], impact["projectedCustomers"], impact["changedCustomers"]) == (1, 1, 0)


def apply(client: Client, run: Run, text: str, version: int = 1) -> int:
    """Apply rules to all that is stored, and return their version."""
    payload = client.ask(APPLY, {"input": {"rules": text, "expectedVersion": version}})["applyRules"]
    assert payload["errors"] == []
    run(client.graph.rules_control.applied())
    return version + 1
