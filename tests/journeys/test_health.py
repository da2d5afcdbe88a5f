"""Findings of the health query, and what their suggestions do."""

import pytest

from tests.builders.clients import Client, seen
from tests.builders.operations import set_override
from tests.builders.runs import Run
from tests.builders.stores import Fresh

HEALTH = """{ graphHealth(first: 100) { nodes { kind message suggestion count identifier { value } customerId namespace
  link { a { value } b { value } } suggestedApart { namespace value } } } }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def test_health_finds_two_people_with_one_tablet_and_its_suggestion_separates_them(client: Client) -> None:
    # given
    client.link(
        seen("email=ann@example.com", "login=ann"),
        seen("email=ben@example.com", "phone=030 1234567"),
        seen("email=ann@example.com", "device=family-tablet"),
        seen("email=ben@example.com", "device=family-tablet"),
    )
    # when
    (bridge,) = weak_bridges(client)
    # then
    assert {bridge["link"]["a"]["value"], bridge["link"]["b"]["value"]} & {"family-tablet"}
    assert "keepApart" in bridge["suggestion"]
    # when: a steward does what it suggests
    keys = [f"{identifier['namespace']}={identifier['value']}" for identifier in bridge["suggestedApart"]]
    set_override(client, "keepApart", *keys)
    # then
    assert client.customer("email=ann@example.com")["id"] != client.customer("email=ben@example.com")["id"]
    assert weak_bridges(client) == []


def weak_bridges(client: Client) -> list[dict]:
    return [finding for finding in client.ask(HEALTH)["graphHealth"]["nodes"] if finding["kind"] == "WEAK_BRIDGE"]


def test_health_finds_shared_identifiers_oversized_customers_and_useless_namespaces(client: Client) -> None:
    # given: a phone claimed by five, and a customer with very many cookies
    client.link(*(seen(f"crm_id=Key{n}", "phone=030 1234567", at=f"2026-01-0{n + 1}T00:00:00Z") for n in range(5)))
    client.link(*(seen("login=collector", f"cookie=cookie-{n}") for n in range(120)))
    # when
    findings = {finding["kind"]: finding for finding in client.ask(HEALTH)["graphHealth"]["nodes"]}
    # then
    assert findings["SHARED_IDENTIFIER"]["identifier"]["value"] == "+49301234567"
    assert findings["SHARED_IDENTIFIER"]["count"] == 5
    assert "blockIdentifier" in findings["SHARED_IDENTIFIER"]["suggestion"]
    assert findings["OVERSIZED_CUSTOMER"]["count"] == 121
    assert findings["OVERSIZED_CUSTOMER"]["customerId"] == client.customer("login=collector")["id"]
    assert (findings["NAMESPACE_RULES"]["namespace"], findings["NAMESPACE_RULES"]["count"]) == ("cookie", 120)


def test_findings_are_returned_in_pages_and_by_kind(client: Client) -> None:
    # given: two customers with very many cookies, and a phone claimed by five
    client.link(*(seen("login=first", f"cookie=first-{n}") for n in range(120)))
    client.link(*(seen("login=second", f"cookie=second-{n}") for n in range(110)))
    client.link(*(seen(f"crm_id=Key{n}", "phone=030 1234567", at=f"2026-01-0{n + 1}T00:00:00Z") for n in range(5)))
    query = """query($after: String) { graphHealth(first: 1, after: $after, kinds: [OVERSIZED_CUSTOMER]) {
      nodes { count } pageInfo { hasNextPage endCursor } } }"""
    # when
    first = client.ask(query)["graphHealth"]
    second = client.ask(query, {"after": first["pageInfo"]["endCursor"]})["graphHealth"]
    # then
    assert [first["nodes"], second["nodes"]] == [[{"count": 121}], [{"count": 111}]]
    assert [first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]] == [True, False]
