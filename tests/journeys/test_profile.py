"""Who a customer is, and what they allow: through merges, splits and undos, with origin and history."""

import pytest

from tests.builders.clients import Client, identifiers, seen
from tests.builders.operations import ATTRIBUTES, CONSENTS, REVOKE, UNDO, decide, mark, remove, state
from tests.builders.runs import Run
from tests.builders.stores import Fresh

TEXT = "{ value source party statedAt alternatives { value source } }"


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def given_name(client: Client, key: str) -> dict | None:
    return client.customer(key, f"profile {{ givenName {TEXT} }}")["profile"]["givenName"]


def allowed(client: Client, key: str, **asked: str) -> str:
    (one,) = identifiers(key)
    query = """query($i: IdentifierInput!, $p: String!, $c: ConsentChannel) {
      consent(identifier: $i, purpose: $p, channel: $c) { decision } }"""
    values = {"i": one, "p": asked.get("purpose", "newsletter"), "c": asked.get("channel")}
    return client.ask(query, values)["consent"]["decision"]


def test_the_profile_shows_one_value_with_its_origin_and_the_others(client: Client) -> None:
    # given
    state(client, "crm_id=C-1", "email=ann@example.com", givenName="Ann", birthDate="1980-05-31", language="de-AT")
    state(client, "email=ann@example.com", source="shop", at="2026-02-01T00:00:00Z", givenName="Anna")
    state(client, "email=ann@example.com", source="game", at="2026-01-15T00:00:00Z", givenName="ANN", party="THIRD")
    address = {"street": "Ring 1", "postcode": "1010", "city": "Wien", "country": "AT"}
    state(client, "crm_id=C-1", at="2026-01-02T00:00:00Z", address=address)
    state(client, "crm_id=C-1", at="2026-01-03T00:00:00Z", others=[{"name": "interests", "value": "jazz"}])
    state(client, "email=ann@example.com", source="shop", others=[{"name": "interests", "value": "chess"}])
    # when
    found = client.customer(
        "email=ann@example.com",
        f"""profile {{ givenName {TEXT} familyName {TEXT} birthDate {{ value }} language {{ value }}
          address {{ value {{ street postcode city country }} source }}
          texts(names: ["interests"]) {{ name value values alternatives {{ value }} }} addresses {{ name }} }}""",
    )["profile"]
    # then: the newest, and of what says the same nothing twice
    assert found["givenName"] == {
        "value": "Anna",
        "source": "shop",
        "party": "FIRST",
        "statedAt": "2026-02-01T00:00:00Z",
        "alternatives": [{"value": "ANN", "source": "game"}],
    }
    assert found["familyName"] is None
    assert found["birthDate"] == {"value": "1980-05-31"}
    assert found["language"] == {"value": "de-AT"}
    assert found["address"] == {"value": address, "source": "crm"}
    assert found["texts"] == [
        {"name": "interests", "value": "jazz", "values": ["jazz", "chess"], "alternatives": []},
    ]
    assert found["addresses"] == [{"name": "address"}]


def test_a_source_takes_back_what_it_said_and_a_revocation_unsays_it(client: Client) -> None:
    # given
    client.link(seen("email=ann@example.com"))
    state(client, "email=ann@example.com", givenName="Ann", id="s-1")
    state(client, "email=ann@example.com", source="shop", at="2026-02-01T00:00:00Z", givenName="Anna", id="s-2")
    # when
    state(client, "email=ann@example.com", source="shop", at="2026-02-02T00:00:00Z", givenName=None, id="s-3")
    # then
    assert given_name(client, "email=ann@example.com")["value"] == "Ann"
    # when: taking it back is taken back, then all is
    client.ask(REVOKE, {"o": [{"source": "shop", "id": "s-3"}]})
    assert given_name(client, "email=ann@example.com")["value"] == "Anna"
    client.ask(REVOKE, {"o": [{"source": "shop", "id": "s-2"}, {"source": "crm", "id": "s-1"}]})
    assert given_name(client, "email=ann@example.com") is None


def test_attributes_follow_their_identifiers_through_merge_and_undo(client: Client) -> None:
    # given
    state(client, "email=ann@example.com", "cookie=ck-ann", givenName="Ann")
    state(client, "email=ben@example.com", "cookie=ck-ben", at="2026-02-01T00:00:00Z", givenName="Ben")
    # when
    client.link(seen("email=ann@example.com", "email=ben@example.com"))
    # then
    assert given_name(client, "cookie=ck-ann") == given_name(client, "cookie=ck-ben")
    assert given_name(client, "cookie=ck-ann")["alternatives"] == [{"value": "Ann", "source": "crm"}]
    # when
    history = client.customer("cookie=ck-ben", "history { nodes { id kind } }")["history"]["nodes"]
    merge = next(one["id"] for one in history if one["kind"] == "MERGED")
    client.ask(UNDO, {"input": {"change": merge}})
    # then
    assert [given_name(client, f"cookie=ck-{name}")["value"] for name in ("ann", "ben")] == ["Ann", "Ben"]
    assert given_name(client, "cookie=ck-ann")["alternatives"] == []


def test_a_withdrawal_stays_with_the_address(client: Client) -> None:
    # given: two addresses of one customer
    client.link(seen("email=ann@example.com", "email=ann@work.example"))
    decide(client, "email=ann@example.com", "email=ann@work.example", decision="GIVEN", at="2026-01-01T00:00:00Z")
    # when
    decide(client, "email=ann@work.example", decision="WITHDRAWN", at="2026-02-01T00:00:00Z", textVersion="v2")
    # then
    assert allowed(client, "email=ann@example.com") == "GIVEN"
    assert allowed(client, "email=ann@work.example") == "WITHDRAWN"
    fields = 'consent(purpose: "newsletter") { decision identifier { value } counts { textVersion source } }'
    answer = client.customer("email=ann@example.com", fields)["consent"]
    assert answer == {
        "decision": "WITHDRAWN",
        "identifier": {"value": "ann@work.example"},
        "counts": {"textVersion": "v2", "source": "shop"},
    }
    # when: they are kept apart, and put together with another
    apart = mark(client, "keepApart", "email=ann@example.com", "email=ann@work.example")
    assert client.customer("email=ann@example.com", fields)["consent"]["decision"] == "GIVEN"
    assert allowed(client, "email=ann@work.example") == "WITHDRAWN"
    remove(client, apart["mark"]["id"])
    # then: only a later yes naming the same address lifts it
    decide(client, "email=ann@example.com", decision="GIVEN", at="2026-03-01T00:00:00Z")
    assert client.customer("email=ann@example.com", fields)["consent"]["decision"] == "WITHDRAWN"
    decide(client, "email=ann@work.example", decision="GIVEN", at="2026-03-02T00:00:00Z")
    assert client.customer("email=ann@example.com", fields)["consent"]["decision"] == "GIVEN"


def test_an_address_without_a_decision_answers_none_and_never_inherits(client: Client) -> None:
    client.link(seen("email=ann@example.com", "phone=030 1234567"))
    decide(client, "email=ann@example.com", decision="GIVEN", at="2026-01-01T00:00:00Z")
    assert allowed(client, "email=ann@example.com") == "GIVEN"
    assert allowed(client, "phone=030 1234567") == "NONE"
    assert allowed(client, "email=stranger@example.com") == "NONE"
    assert allowed(client, "email=ann@example.com", purpose="profiling") == "NONE"


def test_channels_and_late_reports(client: Client) -> None:
    # given: a no on e-mail that is older than the yes on everything, and arrives later
    decide(client, "email=ann@example.com", decision="GIVEN", at="2026-02-01T00:00:00Z")
    decide(client, "email=ann@example.com", decision="REFUSED", at="2026-01-01T00:00:00Z", channel="EMAIL")
    assert allowed(client, "email=ann@example.com", channel="EMAIL") == "GIVEN"
    # when
    decide(client, "email=ann@example.com", decision="WITHDRAWN", at="2026-03-01T00:00:00Z", channel="EMAIL")
    # then
    assert allowed(client, "email=ann@example.com", channel="EMAIL") == "WITHDRAWN"
    assert allowed(client, "email=ann@example.com", channel="POST") == "GIVEN"
    assert allowed(client, "email=ann@example.com") == "GIVEN"
    found = client.customer(
        "email=ann@example.com",
        "consents { purpose channel decision counts { decidedAt } history { decision channel } }",
    )["consents"]
    assert [(one["channel"], one["decision"], len(one["history"])) for one in found] == [
        ("EMAIL", "WITHDRAWN", 3),
        (None, "GIVEN", 1),
    ]


IDS = ("email=a@example.com",)


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({}, "BAD_COUNT", ["attributes"]),
        ({"birthDate": "2999-01-01"}, "IN_THE_FUTURE", ["birthDate"]),
        ({"birthDate": "1980-02-30"}, "BAD_DATE", ["birthDate"]),
        ({"birthDate": "31.5.1980"}, "BAD_DATE", ["birthDate"]),
        ({"language": "german please"}, "BAD_VALUE", ["language"]),
        ({"givenName": ""}, "BAD_LENGTH", ["givenName"]),
        ({"givenName": "x" * 501}, "BAD_LENGTH", ["givenName"]),
        ({"givenName": "a\x00b"}, "BAD_TEXT", ["givenName"]),
        ({"address": {}}, "BAD_VALUE", ["address"]),
        ({"address": {"city": "x" * 501}}, "BAD_LENGTH", ["address", "city"]),
        ({"others": [{"name": "shoe_size", "value": "44"}]}, "UNKNOWN_ATTRIBUTE", ["others", 0, "value"]),
        ({"others": [{"name": "name", "address": {"city": "x"}}]}, "BAD_VALUE", ["others", 0, "address"]),
        ({"name": "A", "others": [{"name": "name", "value": "B"}]}, "SAME_ATTRIBUTE", ["others", 0, "name"]),
        ({"name": "A", "statedAt": "never"}, "BAD_DATE", ["statedAt"]),
        ({"name": "A", "statedAt": "2999-01-01T00:00:00Z"}, "IN_THE_FUTURE", ["statedAt"]),
        ({"name": "A", "id": ""}, "BAD_LENGTH", ["id"]),
        ({"name": "A", "source": ""}, "BAD_LENGTH", ["source"]),
    ],
)
def test_a_bad_statement_costs_only_itself(client: Client, values: dict, code: str, path: list) -> None:
    # given
    good = {"source": "crm", "identifiers": identifiers(*IDS), "name": "Ann"}
    bad = {"source": "crm", "identifiers": identifiers(*IDS), **values}
    # when
    results = client.ask(ATTRIBUTES, {"input": {"statements": [good, bad, good | {"name": "Anna"}]}})
    # then
    first, refused, last = results["recordAttributes"]["results"]
    assert (refused["problem"]["code"], refused["problem"]["path"]) == (code, path)
    assert first["customerId"] == last["customerId"]


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"purpose": "world domination"}, "UNKNOWN_PURPOSE", ["purpose"]),
        ({"decision": "NONE"}, "BAD_VALUE", ["decision"]),
        ({"textVersion": "v" * 101}, "BAD_LENGTH", ["textVersion"]),
        ({"decidedAt": "yesterday"}, "BAD_DATE", ["decidedAt"]),
        ({"identifiers": []}, "BAD_COUNT", ["identifiers"]),
    ],
)
def test_a_bad_decision_costs_only_itself(client: Client, values: dict, code: str, path: list) -> None:
    good = {"source": "s", "identifiers": identifiers(*IDS), "purpose": "newsletter", "decision": "GIVEN"}
    results = client.ask(CONSENTS, {"input": {"decisions": [good | values, good]}})["recordConsents"]["results"]
    assert (results[0]["problem"]["code"], results[0]["problem"]["path"]) == (code, path)
    assert allowed(client, *IDS) == "GIVEN"


def test_questions_that_cannot_be_answered_are_told_so(client: Client) -> None:
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
    assert "newsletter" in client.ask("{ purposes }")["purposes"]
    declared = {
        one["name"]: one for one in client.ask("{ attributes { name type precedence personal sources } }")["attributes"]
    }
    assert declared["birth_date"]["type"] == "DATE"
    assert declared["interests"] == {
        "name": "interests", "type": "TEXT", "precedence": "UNION", "personal": False, "sources": [],
    }  # fmt: skip
