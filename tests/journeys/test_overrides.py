"""Overrides, undo, explanations and simulation."""

import pytest

from tests.builders.clients import Client, identifiers, seen
from tests.builders.operations import UNDO, remove_override, set_override
from tests.builders.runs import Run
from tests.builders.stores import Fresh

WHY = """query($a: IdentifierInput!, $b: IdentifierInput!) { why(a: $a, b: $b) {
  sameCustomer summary
  chains { steps { from { value } to { value } link { observationCount sources tier } override { actor } }
    weakest { to { value } } }
  obstacles { kind message link { state reason { code } } identifier { value } override { id }
    conflictingChains { steps { from { value } to { value } } } } } }"""
HISTORY = """history { nodes { id kind customerId otherCustomerId identifiers { value } reason summary
  cause { source party actor } } }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def why(client: Client, a: str, b: str) -> dict:
    ref_a, ref_b = identifiers(a, b)
    return client.ask(WHY, {"a": ref_a, "b": ref_b})["why"]


def test_the_story_of_a_family_tablet(client: Client) -> None:
    # given: two people, each with an email address, and a tablet that both use
    (ann,) = client.link(seen("email=ann@example.com", "login=ann", at="2026-01-01T00:00:00Z"))
    (ben,) = client.link(seen("email=ben@example.com", "phone=030 1234567", at="2026-01-02T00:00:00Z"))
    client.link(seen("email=ann@example.com", "device=family-tablet", at="2026-02-01T00:00:00Z"))
    (merge,) = client.link(seen("email=ben@example.com", "device=family-tablet", at="2026-03-01T00:00:00Z"))
    assert merge["merges"][0]["retiredCustomerId"] == ben["customerId"]
    # when: why are they one customer?
    explanation = why(client, "email=ann@example.com", "email=ben@example.com")
    # then
    assert explanation["sameCustomer"] is True
    (chain,) = explanation["chains"]
    assert [step["to"]["value"] for step in chain["steps"]] == ["family-tablet", "ben@example.com"]
    assert "family-tablet" in explanation["summary"]
    # when: the merge is undone
    nodes = client.customer("email=ann@example.com", HISTORY)["history"]["nodes"]
    change = next(node for node in nodes if node["kind"] == "CUSTOMERS_MERGED")
    assert "were seen together" in change["reason"]
    assert change["cause"]["source"] == "web"
    undone = client.ask(UNDO, {"input": {"changeId": change["id"], "actor": "sue"}})["undoMerge"]
    # then: both ids are back, and the tablet is with its newest user
    assert undone["errors"] == []
    assert undone["override"]["kind"] == "APART"
    assert {customer["id"] for customer in undone["customers"]} == {ann["customerId"], ben["customerId"]}
    assert client.customer("email=ben@example.com")["id"] == ben["customerId"]
    assert client.customer("email=ann@example.com")["id"] == ann["customerId"]
    (not_restored,) = undone["notRestored"]
    assert not_restored["identifier"]["value"] == "family-tablet"
    assert not_restored["previousCustomerId"] == ann["customerId"]
    assert not_restored["currentCustomerId"] == ben["customerId"]
    assert "saw" in not_restored["reason"]
    # when: the next observation arrives
    client.link(seen("email=ann@example.com", "device=family-tablet", at="2026-04-01T00:00:00Z"))
    # then: they stay apart, and the explanation says who keeps them apart
    apart = why(client, "email=ann@example.com", "email=ben@example.com")
    assert apart["sameCustomer"] is False
    assert apart["obstacles"][0]["kind"] == "APART"
    assert "sue keeps" in apart["summary"]
    assert client.keys_of("email=ann@example.com")[-1] == "device=family-tablet"
    # when: the override is removed, the merge is redone
    remove_override(client, undone["override"]["id"])
    assert client.customer("email=ben@example.com")["id"] == ann["customerId"]


def test_only_merges_can_be_undone_and_only_once(client: Client) -> None:
    # given
    client.link(seen("email=ann@example.com"))
    client.link(seen("device=ann-tablet"))
    client.link(seen("email=ann@example.com", "device=ann-tablet"))
    nodes = client.customer("email=ann@example.com", HISTORY)["history"]["nodes"]
    merged = next(node["id"] for node in nodes if node["kind"] == "CUSTOMERS_MERGED")
    created = next(node["id"] for node in nodes if node["kind"] == "CUSTOMER_CREATED")

    def undo(change: str) -> list[str]:
        return [error["code"] for error in client.ask(UNDO, {"input": {"changeId": change}})["undoMerge"]["errors"]]

    # when, then
    assert undo(merged) == []
    assert undo(merged) == ["ALREADY_UNDONE"]
    assert undo(created) == ["NOT_A_MERGE"]
    assert undo("chg_999999") == ["CHANGE_NOT_FOUND"]
    assert undo("nonsense") == ["CHANGE_NOT_FOUND"]


def test_a_merge_that_later_changes_separated_cannot_be_undone(client: Client) -> None:
    # given
    client.link(seen("email=ann@example.com"))
    client.link(seen("device=ann-tablet"))
    client.link(seen("email=ann@example.com", "device=ann-tablet", id="wrong"))
    nodes = client.customer("email=ann@example.com", HISTORY)["history"]["nodes"]
    merged = next(node["id"] for node in nodes if node["kind"] == "CUSTOMERS_MERGED")
    client.ask(
        'mutation { revokeObservations(input: {observations: [{source: "web", id: "wrong"}]}) { errors { code } } }'
    )
    # when
    payload = client.ask(UNDO, {"input": {"changeId": merged}})["undoMerge"]
    # then
    assert [error["code"] for error in payload["errors"]] == ["NOTHING_TO_UNDO"]


def test_a_block_excludes_links_and_unblocking_restores_them(client: Client) -> None:
    # given
    client.link(seen("email=a@example.com", "phone=030 1234567"), seen("email=b@example.com", "phone=030 1234567"))
    assert len(client.keys_of("email=a@example.com")) == 3
    # when
    blocked = set_override(client, "blockIdentifier", "phone=030 1234567", actor="sue", reason="switchboard")
    # then
    assert (blocked["created"], blocked["override"]["kind"], blocked["override"]["actor"]) == (True, "BLOCKED", "sue")
    assert client.keys_of("email=a@example.com") == ["email=a@example.com"]
    client.link(seen("email=a@example.com", "phone=030 1234567"))
    assert client.keys_of("email=a@example.com") == ["email=a@example.com"], (
        "the block stays in effect against later data"
    )
    reasons = client.customer("email=a@example.com", "links { nodes { state reason { code } } }")["links"]["nodes"]
    assert reasons == [{"state": "EXCLUDED", "reason": {"code": "BLOCKED"}}]
    (obstacle, *_) = why(client, "email=a@example.com", "email=b@example.com")["obstacles"]
    assert (obstacle["kind"], obstacle["identifier"]["value"]) == ("BLOCKED", "+49301234567")
    # when
    unblocked = set_override(client, "unblockIdentifier", "phone=030 1234567")
    again = set_override(client, "unblockIdentifier", "phone=030 1234567")
    # then
    assert unblocked["errors"] == []
    assert len(client.keys_of("email=a@example.com")) == 3
    assert [error["code"] for error in again["errors"]] == ["OVERRIDE_NOT_FOUND"]


def test_contradicting_overrides_say_which_is_in_effect(client: Client) -> None:
    # given
    client.link(seen("email=a@example.com"), seen("email=b@example.com"))
    together = set_override(client, "keepTogether", "email=a@example.com", "email=b@example.com", actor="sue")
    assert together["conflict"] is None
    # when
    apart = set_override(client, "keepApart", "email=a@example.com", "email=b@example.com")
    again = set_override(client, "keepTogether", "email=b@example.com", "email=a@example.com")
    # then
    assert together["override"]["id"] in apart["conflict"]
    assert "this one takes precedence" in apart["conflict"]
    assert "an override that keeps customers apart takes precedence" in again["conflict"]
    # when
    assert remove_override(client, apart["override"]["id"])["errors"] == []
    # then: resolution continues as if it had never been set
    assert len(client.keys_of("email=a@example.com")) == 2
    removed_again = remove_override(client, apart["override"]["id"])
    assert [error["code"] for error in removed_again["errors"]] == ["OVERRIDE_NOT_FOUND"]


def test_overrides_are_listed_in_pages(client: Client) -> None:
    # given
    for number in range(5):
        set_override(client, "keepApart", "email=a@example.com", f"email=b{number}@example.com")
    set_override(client, "blockIdentifier", "phone=030 1234567")
    # when
    query = "{ overrides(first: 4%s) { nodes { kind b { value } } pageInfo { hasNextPage endCursor } } }"
    first = client.ask(query % "")["overrides"]
    second = client.ask(query % f', after: "{first["pageInfo"]["endCursor"]}"')["overrides"]
    of_phone = client.ask(query % ', identifier: {namespace: "phone", value: "0301234567"}')["overrides"]
    # then
    assert [len(page["nodes"]) for page in (first, second)] == [4, 2]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert of_phone["nodes"] == [{"kind": "BLOCKED", "b": None}]


def test_why_names_the_limit_and_the_stronger_links(client: Client) -> None:
    # given
    client.link(seen("crm_id=K1", "email=tom@example.com", at="2026-01-01T00:00:00Z"))
    client.link(seen("crm_id=K2", "email=sue@example.com", at="2026-01-01T00:00:00Z"))
    client.link(seen("email=tom@example.com", "cookie=shared-pc", at="2026-01-02T00:00:00Z"))
    client.link(seen("email=sue@example.com", "cookie=shared-pc", at="2026-01-03T00:00:00Z"))
    # when
    explanation = why(client, "crm_id=K1", "crm_id=K2")
    # then
    (obstacle,) = explanation["obstacles"]
    assert obstacle["kind"] == "LIMIT"
    assert obstacle["link"] == {"state": "SUSPENDED", "reason": {"code": "LIMIT"}}
    ends = {chain["steps"][-1]["to"]["value"] for chain in obstacle["conflictingChains"]}
    assert ends == {"K1", "K2"}
    assert "2 values of crm_id" in explanation["summary"]


def test_why_names_the_threshold_shared_identifiers_and_missing_evidence(client: Client) -> None:
    # given
    client.link(seen("email=a@example.com", "email=b@example.com", confidence=0.5))
    client.link(*(seen(f"login=user{n}", "device=till-1") for n in range(25)))
    # when
    guess = why(client, "email=a@example.com", "email=b@example.com")
    shared = why(client, "login=user1", "login=user2")
    nothing = why(client, "email=a@example.com", "login=user1")
    unseen = why(client, "email=a@example.com", "email=nobody@example.com")
    # then
    assert [obstacle["kind"] for obstacle in guess["obstacles"]] == ["BELOW_THRESHOLD"]
    assert "0.5 is below the threshold 0.9" in guess["summary"]
    assert [(obstacle["kind"], obstacle["identifier"]["value"]) for obstacle in shared["obstacles"]] == [
        ("SHARED", "till-1")
    ]
    assert [obstacle["kind"] for obstacle in nothing["obstacles"]] == ["NO_EVIDENCE"]
    assert [obstacle["kind"] for obstacle in unseen["obstacles"]] == ["NOT_SEEN"]


def test_why_of_one_identifier_with_itself_is_an_error(client: Client) -> None:
    query = """{ why(a: {namespace: "email", value: "a@example.com"},
      b: {namespace: "email", value: "A@example.com "}) { sameCustomer } }"""
    (error,) = client.send(query).json()["errors"]
    assert error["extensions"]["code"] == "DUPLICATE_IDENTIFIER"


def test_the_strongest_chain_is_first_and_names_its_weakest_step(client: Client) -> None:
    # given: two chains from the CRM number to the cookie
    client.link(
        seen("crm_id=K1", "email=a@example.com"),
        seen("email=a@example.com", "cookie=cookie-1"),
        seen("crm_id=K1", "device=device-1", party="THIRD_PARTY"),
        seen("device=device-1", "cookie=cookie-1", party="THIRD_PARTY"),
    )
    # when
    explanation = why(client, "crm_id=K1", "cookie=cookie-1")
    # then
    assert len(explanation["chains"]) == 2
    first, second = explanation["chains"]
    assert [step["link"]["tier"] for step in first["steps"]] == ["FIRST_PARTY", "FIRST_PARTY"]
    assert first["weakest"]["to"]["value"] == "cookie-1"
    assert {step["link"]["tier"] for step in second["steps"]} == {"THIRD_PARTY"}


def test_weakest_links_are_the_bridges(client: Client) -> None:
    # given: a triangle, and a cookie that is attached to it
    client.link(
        seen("crm_id=K1", "email=a@example.com", "phone=030 1234567"),
        seen("email=a@example.com", "cookie=cookie-1", party="SECOND_PARTY"),
        seen("cookie=cookie-1", "device=device-1", party="THIRD_PARTY"),
    )
    # when
    links = client.customer("crm_id=K1", "weakestLinks { a { value } b { value } tier }")["weakestLinks"]
    # then
    assert [(link["a"]["value"], link["b"]["value"]) for link in links] == [
        ("cookie-1", "device-1"),
        ("cookie-1", "a@example.com"),
    ]


def test_simulate_runs_a_scenario_and_stores_nothing(client: Client) -> None:
    text = "rules\n  crm limit=1\n  cookie\nseen\n  e1 crm=Tom cookie=1\n  e2 crm=Sue cookie=1\n"
    text += "expect\n  crm=Sue cookie=1\n  crm=Tom\n"
    query = """query($s: String!) { simulate(scenario: $s) {
      customers matchesExpected suspended { a b reason } rejected { reason } } }"""
    simulation = client.ask(query, {"s": text})["simulate"]
    assert simulation["customers"] == [["cookie=1", "crm=Sue"], ["crm=Tom"]]
    assert simulation["matchesExpected"] is True
    assert simulation["suspended"][0]["a"] == "cookie=1"
    (error,) = client.send(query, {"s": "nonsense"}).json()["errors"]
    assert error["extensions"]["code"] == "INVALID_SCENARIO"
    assert client.ask("{ changes { nodes { cursor } } }")["changes"]["nodes"] == []
