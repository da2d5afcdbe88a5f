"""Attributes and consent through merges, splits and undos, with source and history."""

import pytest

from tests.builders.clients import Client, identifiers, seen
from tests.builders.operations import ATTRIBUTES, CONSENTS, REVOKE, UNDO, decide, remove_override, set_override, state
from tests.builders.runs import Run
from tests.builders.stores import Fresh

TEXT = "{ value source party reportedAt alternatives { value source } }"


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def given_name(client: Client, key: str) -> dict | None:
    return client.customer(key, f"profile {{ givenName {TEXT} }}")["profile"]["givenName"]


def decision_of(client: Client, key: str, **arguments: str) -> str:
    (identifier,) = identifiers(key)
    query = """query($i: IdentifierInput!, $p: String!, $c: ConsentChannel) {
      consent(identifier: $i, purpose: $p, channel: $c) { decision } }"""
    values = {"i": identifier, "p": arguments.get("purpose", "newsletter"), "c": arguments.get("channel")}
    return client.ask(query, values)["consent"]["decision"]


def test_the_profile_shows_one_value_with_its_source_and_the_alternatives(client: Client) -> None:
    # given
    state(client, "crm_id=C-1", "email=ann@example.com", givenName="Ann", birthDate="1980-05-31", language="de-AT")
    state(client, "email=ann@example.com", source="shop", at="2026-02-01T00:00:00Z", givenName="Anna")
    state(
        client, "email=ann@example.com", source="game", at="2026-01-15T00:00:00Z", givenName="ANN", party="THIRD_PARTY"
    )
    address = {"street": "Ring 1", "postalCode": "1010", "city": "Wien", "region": "W", "country": "AT"}
    state(client, "crm_id=C-1", at="2026-01-02T00:00:00Z", address=address)
    state(client, "crm_id=C-1", at="2026-01-03T00:00:00Z", customAttributes=[{"name": "interests", "value": "jazz"}])
    state(client, "email=ann@example.com", source="shop", customAttributes=[{"name": "interests", "value": "chess"}])
    # when
    profile = client.customer(
        "email=ann@example.com",
        f"""profile {{ givenName {TEXT} familyName {TEXT} birthDate {{ value }} language {{ value }}
          address {{ value {{ street postalCode city region country }} source }}
          textAttributes(names: ["interests"]) {{ name value values alternatives {{ value }} }}
          addressAttributes {{ name }} }}""",
    )["profile"]
    # then: the newest value, and no alternative that equals another
    assert profile["givenName"] == {
        "value": "Anna",
        "source": "shop",
        "party": "FIRST_PARTY",
        "reportedAt": "2026-02-01T00:00:00Z",
        "alternatives": [{"value": "ANN", "source": "game"}],
    }
    assert profile["familyName"] is None
    assert profile["birthDate"] == {"value": "1980-05-31"}
    assert profile["language"] == {"value": "de-AT"}
    assert profile["address"] == {"value": address, "source": "crm"}
    assert profile["textAttributes"] == [
        {"name": "interests", "value": "jazz", "values": ["jazz", "chess"], "alternatives": []},
    ]
    assert profile["addressAttributes"] == [{"name": "address"}]


def test_a_source_withdraws_its_value_and_a_revocation_removes_a_statement(client: Client) -> None:
    # given
    client.link(seen("email=ann@example.com"))
    state(client, "email=ann@example.com", givenName="Ann", id="s-1")
    state(client, "email=ann@example.com", source="shop", at="2026-02-01T00:00:00Z", givenName="Anna", id="s-2")
    # when
    state(client, "email=ann@example.com", source="shop", at="2026-02-02T00:00:00Z", givenName=None, id="s-3")
    # then
    assert given_name(client, "email=ann@example.com")["value"] == "Ann"
    # when: the withdrawal is revoked, then all statements are
    client.ask(REVOKE, {"o": [{"source": "shop", "id": "s-3"}]})
    assert given_name(client, "email=ann@example.com")["value"] == "Anna"
    client.ask(REVOKE, {"o": [{"source": "shop", "id": "s-2"}, {"source": "crm", "id": "s-1"}]})
    assert given_name(client, "email=ann@example.com") is None


def test_attributes_follow_their_identifiers_through_merge_and_undo(client: Client) -> None:
    # given
    state(client, "email=ann@example.com", "cookie=ck-ann", givenName="Ann")
    state(client, "email=ben@example.com", "cookie=ck-ben", at="2026-02-01T00:00:00Z", givenName="Annie")
    # when
    client.link(seen("email=ann@example.com", "email=ben@example.com"))
    # then
    assert given_name(client, "cookie=ck-ann") == given_name(client, "cookie=ck-ben")
    assert given_name(client, "cookie=ck-ann")["alternatives"] == [{"value": "Ann", "source": "crm"}]
    # when
    history = client.customer("cookie=ck-ben", "history { nodes { id kind } }")["history"]["nodes"]
    merge = next(change["id"] for change in history if change["kind"] == "CUSTOMERS_MERGED")
    client.ask(UNDO, {"input": {"changeId": merge}})
    # then
    assert [given_name(client, f"cookie=ck-{name}")["value"] for name in ("ann", "ben")] == ["Ann", "Annie"]
    assert given_name(client, "cookie=ck-ann")["alternatives"] == []


def test_a_withdrawal_stays_with_the_address(client: Client) -> None:
    # given: two addresses of one customer
    client.link(seen("email=ann@example.com", "email=ann@work.example"))
    decide(client, "email=ann@example.com", "email=ann@work.example", decision="GIVEN", at="2026-01-01T00:00:00Z")
    # when
    decide(client, "email=ann@work.example", decision="WITHDRAWN", at="2026-02-01T00:00:00Z", policyVersion="v2")
    # then
    assert decision_of(client, "email=ann@example.com") == "GIVEN"
    assert decision_of(client, "email=ann@work.example") == "WITHDRAWN"
    fields = 'consent(purpose: "newsletter") { decision identifier { value } current { policyVersion source } }'
    consent = client.customer("email=ann@example.com", fields)["consent"]
    assert consent == {
        "decision": "WITHDRAWN",
        "identifier": {"value": "ann@work.example"},
        "current": {"policyVersion": "v2", "source": "shop"},
    }
    # when: they are kept apart, and no longer
    apart = set_override(client, "keepApart", "email=ann@example.com", "email=ann@work.example")
    assert client.customer("email=ann@example.com", fields)["consent"]["decision"] == "GIVEN"
    assert decision_of(client, "email=ann@work.example") == "WITHDRAWN"
    remove_override(client, apart["override"]["id"])
    # then: only a later consent for the same address ends the withdrawal
    decide(client, "email=ann@example.com", decision="GIVEN", at="2026-03-01T00:00:00Z")
    assert client.customer("email=ann@example.com", fields)["consent"]["decision"] == "WITHDRAWN"
    decide(client, "email=ann@work.example", decision="GIVEN", at="2026-03-02T00:00:00Z")
    assert client.customer("email=ann@example.com", fields)["consent"]["decision"] == "GIVEN"


def test_an_address_without_a_decision_has_none_and_never_inherits(client: Client) -> None:
    client.link(seen("email=ann@example.com", "phone=030 1234567"))
    decide(client, "email=ann@example.com", decision="GIVEN", at="2026-01-01T00:00:00Z")
    assert decision_of(client, "email=ann@example.com") == "GIVEN"
    assert decision_of(client, "phone=030 1234567") == "NONE"
    assert decision_of(client, "email=stranger@example.com") == "NONE"
    assert decision_of(client, "email=ann@example.com", purpose="profiling") == "NONE"


def test_channels_and_late_reports(client: Client) -> None:
    # given: a refusal for email that is older than the consent for all channels, and is reported later
    decide(client, "email=ann@example.com", decision="GIVEN", at="2026-02-01T00:00:00Z")
    decide(client, "email=ann@example.com", decision="REFUSED", at="2026-01-01T00:00:00Z", channel="EMAIL")
    assert decision_of(client, "email=ann@example.com", channel="EMAIL") == "GIVEN"
    # when
    decide(client, "email=ann@example.com", decision="WITHDRAWN", at="2026-03-01T00:00:00Z", channel="EMAIL")
    # then
    assert decision_of(client, "email=ann@example.com", channel="EMAIL") == "WITHDRAWN"
    assert decision_of(client, "email=ann@example.com", channel="POSTAL_MAIL") == "GIVEN"
    assert decision_of(client, "email=ann@example.com") == "GIVEN"
    consents = client.customer(
        "email=ann@example.com",
        "consents { purpose channel decision current { decidedAt } history { decision channel } }",
    )["consents"]
    assert [(consent["channel"], consent["decision"], len(consent["history"])) for consent in consents] == [
        ("EMAIL", "WITHDRAWN", 3),
        (None, "GIVEN", 1),
    ]


IDS = ("email=a@example.com",)
CUSTOM = "customAttributes"


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({}, "INVALID_COUNT", ["attributes"]),
        ({"birthDate": "2999-01-01"}, "TIMESTAMP_IN_FUTURE", ["birthDate"]),
        ({"birthDate": "1849-12-31"}, "TIMESTAMP_TOO_OLD", ["birthDate"]),
        ({"birthDate": "1980-02-30"}, "INVALID_TIMESTAMP", ["birthDate"]),
        ({"birthDate": "31.5.1980"}, "INVALID_TIMESTAMP", ["birthDate"]),
        ({"language": "german please"}, "INVALID_VALUE", ["language"]),
        ({"givenName": ""}, "INVALID_LENGTH", ["givenName"]),
        ({"givenName": "x" * 501}, "INVALID_LENGTH", ["givenName"]),
        ({"givenName": "a\x00b"}, "INVALID_CHARACTER", ["givenName"]),
        ({"address": {}}, "INVALID_VALUE", ["address"]),
        ({"address": {"city": "x" * 501}}, "INVALID_LENGTH", ["address", "city"]),
        ({CUSTOM: [{"name": "shoe_size", "value": "44"}]}, "UNKNOWN_ATTRIBUTE", [CUSTOM, "0", "value"]),
        ({CUSTOM: [{"name": "name", "address": {"city": "x"}}]}, "INVALID_VALUE", [CUSTOM, "0", "address"]),
        ({"name": "A", CUSTOM: [{"name": "name", "value": "B"}]}, "DUPLICATE_ATTRIBUTE", [CUSTOM, "0", "name"]),
        ({"name": "A", "reportedAt": "never"}, "INVALID_TIMESTAMP", ["reportedAt"]),
        ({"name": "A", "reportedAt": "2999-01-01T00:00:00Z"}, "TIMESTAMP_IN_FUTURE", ["reportedAt"]),
        ({"name": "A", "id": ""}, "INVALID_LENGTH", ["id"]),
        ({"name": "A", "source": ""}, "INVALID_LENGTH", ["source"]),
    ],
)
def test_an_invalid_statement_is_rejected_alone(client: Client, values: dict, code: str, path: list) -> None:
    # given
    valid = {"source": "crm", "identifiers": identifiers(*IDS), "name": "Ann"}
    invalid = {"source": "crm", "identifiers": identifiers(*IDS), **values}
    # when
    results = client.ask(ATTRIBUTES, {"input": {"attributes": [valid, invalid, valid | {"name": "Anna"}]}})
    # then
    first, rejected, last = results["recordAttributes"]["results"]
    assert (rejected["problem"]["code"], rejected["problem"]["path"]) == (code, path)
    assert first["customerId"] == last["customerId"]


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"purpose": "world domination"}, "UNKNOWN_PURPOSE", ["purpose"]),
        ({"decision": "NONE"}, "INVALID_VALUE", ["decision"]),
        ({"policyVersion": "v" * 101}, "INVALID_LENGTH", ["policyVersion"]),
        ({"decidedAt": "yesterday"}, "INVALID_TIMESTAMP", ["decidedAt"]),
        ({"identifiers": []}, "INVALID_COUNT", ["identifiers"]),
    ],
)
def test_an_invalid_decision_is_rejected_alone(client: Client, values: dict, code: str, path: list) -> None:
    valid = {"source": "s", "identifiers": identifiers(*IDS), "purpose": "newsletter", "decision": "GIVEN"}
    results = client.ask(CONSENTS, {"input": {"consents": [valid | values, valid]}})["recordConsents"]["results"]
    assert (results[0]["problem"]["code"], results[0]["problem"]["path"]) == (code, path)
    assert decision_of(client, *IDS) == "GIVEN"


def test_unknown_purposes_and_namespaces_are_errors_and_the_catalog_is_listed(client: Client) -> None:
    for query, code in (
        (
            '{ consent(identifier: {namespace: "email", value: "a@example.com"}, purpose: "nope") { decision } }',
            "UNKNOWN_PURPOSE",
        ),
        (
            '{ consent(identifier: {namespace: "nope", value: "x"}, purpose: "newsletter") { decision } }',
            "UNKNOWN_NAMESPACE",
        ),
    ):
        (error,) = client.send(query).json()["errors"]
        assert error["extensions"]["code"] == code
    assert "newsletter" in client.ask("{ consentPurposes }")["consentPurposes"]
    definitions = client.ask("{ attributeDefinitions { name type precedence personal sources } }")
    declared = {definition["name"]: definition for definition in definitions["attributeDefinitions"]}
    assert declared["birth_date"]["type"] == "DATE"
    assert declared["interests"] == {
        "name": "interests", "type": "TEXT", "precedence": "ALL", "personal": False, "sources": [],
    }  # fmt: skip
