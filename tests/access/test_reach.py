"""Who sees which part of which customer: a shop, its customers, and viewers of every reach."""

from pathlib import Path
from typing import Any

import pytest

from graph.domain.access.viewer import Viewer
from graph.domain.model.identifiers import Identifier
from graph.domain.model.observations import Observation, Party
from tests.builders.clients import identifiers, order, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.viewers import ViewerClient, shop, viewer

ANNA, BEN, CLARA = "email=anna.berg@example.com", "email=ben.berg@example.com", "email=clara.diaz@example.com"
COOKIE = "cookie=ck-anna-laptop"
VIEW = """
  id requestedId known createdAt
  identifiers(first: 100) { nodes { namespace value firstSeenAt lastSeenAt observationCount sources shared blocked } }
  emails { value } devices { value } loyaltyCards { value }
  orders(first: 100) { nodes { number total } pageInfo { hasNextPage } }
  profile { givenName { value } }
  consents { purpose }
  timeline(first: 100) { nodes { __typename ... on Interaction { type identifier { value } } ... on Order { number } } }
  metrics { orderCount revenue { amount } }
  engagement { churnRisk interactionCounts { type count } }
  viewedNotPurchased { sku }
  journey { stage }
"""
CUSTOMER = f"query($i: IdentifierInput!) {{ customer(by: {{identifier: $i}}) {{ {VIEW} }} }}"
CUSTOMER_OF_TILL = """query($i: IdentifierInput!) { customer(by: {identifier: $i}) {
  identifiers(first: 100) { nodes { namespace value } } orders { nodes { number total } } metrics { orderCount } } }"""
SMALL = "query($i: IdentifierInput!) { customer(by: {identifier: $i}) { id orders { nodes { number } } } }"
BY_ID = "query($id: ID!) { customer(by: {id: $id}) { id } node(id: $id) { id } }"


@pytest.fixture
def client(fresh: Fresh, run: Run, tmp_path: Path) -> ViewerClient:
    return shop(fresh(), run, tmp_path)


def by(key: str) -> dict[str, Any]:
    return {"i": identifiers(key)[0]}


def viewed(*keys: str, at: str, id: str, source: str = "web", **more: Any) -> dict[str, Any]:
    """An `InteractionInput`."""
    seen_there = {"source": source, "id": id, "occurredAt": at, "identifiers": identifiers(*keys)}
    return {"type": "product_viewed", **seen_there, **more}


RECORD = "mutation($i: RecordInteractionsInput!) { recordInteractions(input: $i) { errors { message } } }"


def user(subject: str) -> Viewer:
    """A user of a storefront, who reads unmasked, so that a mask hides nothing that it must not be shown."""
    return viewer("storefront", "contact:read", subject=subject)


def values(customer: dict[str, Any]) -> set[str]:
    return {node["value"] for node in customer["identifiers"]["nodes"]}


def test_the_user_of_a_storefront_sees_its_own_customer_only(client: ViewerClient) -> None:
    # given
    anna, ben = (user(f"login={login}") for login in ("anna.b", "ben77"))
    # when
    hers = client.seen_by(anna, CUSTOMER, by(ANNA))["customer"]
    # then
    assert {"anna.berg@example.com", "KC100001", "anna.b", "ck-anna-laptop"} <= values(hers)
    assert {node["number"] for node in hers["orders"]["nodes"]} == {"W-5001", "W-5007", "S1/2026-0001"}
    assert client.seen_by(ben, CUSTOMER, by(ANNA))["customer"] is None
    # A cookie that the user's browser sends along decides nothing.
    with_cookie = client.seen_by(ben, CUSTOMER, by(COOKIE))["customer"]
    assert "ben77" in values(with_cookie)
    assert "anna" not in str(with_cookie)


def test_the_user_of_a_storefront_is_found_by_its_id_and_nobody_else_is(client: ViewerClient) -> None:
    # given
    anna, ben = (user(f"login={login}") for login in ("anna.b", "ben77"))
    id = client.seen_by(anna, SMALL, by(ANNA))["customer"]["id"]
    # then
    assert client.seen_by(anna, BY_ID, {"id": id}) == {"customer": {"id": id}, "node": {"id": id}}
    assert client.seen_by(ben, BY_ID, {"id": id}) == {"customer": None, "node": None}
    assert client.seen_by(anna, '{ order(number: "W-5001") { customer { id } } }') == {
        "order": {"customer": {"id": id}}
    }
    assert client.seen_by(ben, '{ order(number: "W-5001") { number } }') == {"order": None}


def test_a_cookie_of_a_known_person_opens_what_a_fresh_cookie_would(client: ViewerClient) -> None:
    # given a cookie that was never seen with anybody, with the same facts as Anna's
    fresh_cookie = "cookie=ck-fresh-laptop"
    sources_and_times = [
        ("web", "2026-01-05T18:02:11Z"), ("web", "2026-01-05T18:20:40Z"), ("shop", "2026-01-06T20:00:00Z")
    ]  # fmt: skip
    for source, at in sources_and_times:
        client.link(seen(fresh_cookie, source=source, at=at))
    for cookie in (COOKIE, fresh_cookie):
        visit = viewed(cookie, at="2026-02-01T10:00:00Z", id=cookie, sku="LAMP-2")
        client.ask(RECORD, {"i": {"interactions": [visit]}})
    client.ask(RECORD, {"i": {"interactions": [viewed("login=anna.b", at="2026-02-02T10:00:00Z", id="v-anna")]}})
    nobody = viewer("storefront")
    # when
    hers, fresh = (client.as_(nobody, CUSTOMER, by(key)) for key in (COOKIE, fresh_cookie))
    # then
    customer = hers.json()["data"]["customer"]
    assert customer["known"] is False
    assert values(customer) == {"ck-anna-laptop"}
    assert [node["__typename"] for node in customer["timeline"]["nodes"]] == ["Interaction"]
    own_id, fresh_id = customer["id"], fresh.json()["data"]["customer"]["id"]
    assert own_id != fresh_id
    expected = fresh.text.replace("ck-fresh-laptop", "ck-anna-laptop").replace(fresh_id, own_id)
    assert hers.text == expected
    # Neither the id nor anything else opens more.
    assert client.seen_by(nobody, BY_ID, {"id": own_id}) == {"customer": None, "node": None}
    for key in (ANNA, "login=anna.b", "loyalty_card=KC-100001", "order=W-5001", "ip=192.0.2.17"):
        assert client.seen_by(nobody, CUSTOMER, by(key)) == {"customer": None}
    assert client.seen_by(nobody, '{ order(number: "W-5001") { number } }') == {"order": None}


def claim(client: ViewerClient, run: Run, *keys: str) -> None:
    """What a storefront records of a user who states an address, which no caller may send as it is stored."""
    identifiers = tuple(tuple(Identifier.from_key(key)) for key in keys)
    run(client.graph.link([Observation("web:claimed", identifiers, party=Party.THIRD_PARTY)]))


def test_a_claimed_address_links_and_widens_nothing(client: ViewerClient, run: Run) -> None:
    # given an attacker with a login of her own who types in the addresses of others
    mallory = user("login=mallory")
    client.link(seen("login=mallory", "cookie=ck-mallory", source="web"))
    before = client.seen_by(mallory, CUSTOMER, by("login=mallory"))["customer"]
    claim(client, run, "login=mallory", "email=ida@work.example")
    # then it is linked, and she sees no more than before
    assert client.customer("login=mallory", "id") == client.customer("email=ida@work.example", "id")
    after = client.seen_by(mallory, CUSTOMER, by("cookie=ck-mallory"))["customer"]
    assert values(after) == values(before) == {"mallory", "ck-mallory"}
    assert "ida" not in str(after)
    assert client.seen_by(mallory, SMALL, by("email=ida@work.example"))["customer"] is None
    # and what she sees does not reveal whether the address is known to anybody
    other = user("login=oscar")
    client.link(seen("login=oscar", "cookie=ck-oscar", source="web"))
    claim(client, run, "login=oscar", "email=nobody@example.com")
    unknown = client.seen_by(other, CUSTOMER, by("login=oscar"))["customer"]
    names = {"mallory": "oscar", "ck-mallory": "ck-oscar", after["id"]: unknown["id"]}
    shape = {key: value for key, value in after.items() if key not in ("identifiers", "createdAt", "id")}
    assert shape == {key: value for key, value in unknown.items() if key not in ("identifiers", "createdAt", "id")}
    assert {names[value] for value in values(after)} == values(unknown)
    # once another source has seen it with her, it is hers
    client.link(seen("login=mallory", "email=ida@work.example", source="crm"))
    assert "ida@work.example" in values(client.seen_by(mallory, CUSTOMER, by("login=mallory"))["customer"])


def test_a_customer_with_two_logins_shows_each_user_itself_only(client: ViewerClient) -> None:
    # given a steward who kept two people together
    mutation = """mutation($a: IdentifierInput!, $b: IdentifierInput!) {
        keepTogether(input: {a: $a, b: $b, reason: "one household"}) { errors { message } } }"""
    pair = {"a": identifiers("login=anna.b")[0], "b": identifiers("login=ben77")[0]}
    assert client.ask(mutation, pair) == {"keepTogether": {"errors": []}}
    assert client.customer("login=anna.b", "id") == client.customer("login=ben77", "id")
    # then
    for login in ("anna.b", "ben77"):
        customer = client.seen_by(user(f"login={login}"), CUSTOMER, by(COOKIE))["customer"]
        assert values(customer) == {login}
        assert customer["orders"]["nodes"] == []


def test_what_a_steward_keeps_together_with_a_user_is_its_own(client: ViewerClient) -> None:
    # given
    client.link(seen("email=anna@private.example", source="shop", at="2026-03-01T10:00:00Z"))
    mutation = """mutation($a: IdentifierInput!, $b: IdentifierInput!) {
        keepTogether(input: {a: $a, b: $b}) { errors { message } } }"""
    pair = {"a": identifiers("login=anna.b")[0], "b": identifiers("email=anna@private.example")[0]}
    client.ask(mutation, pair)
    # then
    hers = client.seen_by(user("login=anna.b"), CUSTOMER, by(COOKIE))["customer"]
    assert "anna@private.example" in values(hers)


def test_a_cookie_leads_a_user_to_nobody_else(client: ViewerClient) -> None:
    # given a shared cookie that links a stranger's address, without a limit that keeps them apart
    client.link(seen("cookie=ck-new", "login=nina", source="web", at="2026-03-01T10:00:00Z"))
    client.link(seen("cookie=ck-new", "email=stranger@example.com", source="web", at="2026-03-02T10:00:00Z"))
    assert client.customer("login=nina", "id") == client.customer("email=stranger@example.com", "id")
    # then
    hers = client.seen_by(user("login=nina"), CUSTOMER, by("cookie=ck-new"))["customer"]
    assert values(hers) == {"nina", "ck-new"}


def test_a_partner_sees_what_its_sources_sent_of_a_customer(client: ViewerClient) -> None:
    # given a partner that knows Clara by her address, a card and an order
    club = viewer("partner", sources=frozenset({"club2"}))
    client.link(seen(CLARA, "loyalty_card=KC-900001", source="club2", at="2026-03-01T10:00:00Z"))
    client.record(order("P-1", CLARA, source="club2", total="5.00"))
    client.ask(RECORD, {"i": {"interactions": [viewed(CLARA, at="2026-03-03T10:00:00Z", id="p", source="club2")]}})
    client.ask(RECORD, {"i": {"interactions": [viewed(CLARA, at="2026-03-04T10:00:00Z", id="w", source="web")]}})
    # when
    customer = client.seen_by(club, CUSTOMER, by(CLARA))["customer"]
    # then
    assert values(customer) == {"clara.diaz@example.com", "KC900001", "P-1"}
    by_value = {node["value"]: node for node in customer["identifiers"]["nodes"]}
    address = by_value["clara.diaz@example.com"]
    assert (address["sources"], address["observationCount"]) == (["club2"], 3)
    assert customer["createdAt"] == "2026-03-01T10:00:00Z"
    assert [node["number"] for node in customer["orders"]["nodes"]] == ["P-1"]
    assert customer["metrics"] == {"orderCount": 1, "revenue": [{"amount": "5.00"}]}
    assert [node["__typename"] for node in customer["timeline"]["nodes"]] == ["Interaction", "Order"]
    # and nothing by what others sent
    for key in ("crm_id=C-1003", "loyalty_card=KC-100003", "cookie=ck-clara-1", "order=W-5003", ANNA):
        assert client.seen_by(club, CUSTOMER, by(key)) == {"customer": None}
    assert client.seen_by(club, '{ order(number: "W-5003") { number } }') == {"order": None}
    assert client.seen_by(club, '{ order(number: "P-1") { number customer { id } } }')["order"]["customer"] == {
        "id": customer["id"]
    }
    assert client.seen_by(club, BY_ID, {"id": customer["id"]})["customer"] == {"id": customer["id"]}
    anna = client.customer(ANNA, "id")["id"]
    assert client.seen_by(club, BY_ID, {"id": anna}) == {"customer": None, "node": None}


def test_an_id_tells_a_partner_nothing_of_who_else_knows_an_address(client: ViewerClient) -> None:
    # given two cookies of a partner's own
    club = viewer("partner", sources=frozenset({"club2"}))
    addresses = {"cookie=ck-club-1": CLARA, "cookie=ck-club-2": "email=nobody@unknown.example"}
    for cookie in addresses:
        client.link(seen(cookie, source="club2", at="2026-03-01T10:00:00Z"))
    before = {cookie: client.seen_by(club, SMALL, by(cookie))["customer"]["id"] for cookie in addresses}
    # when: it links each with an address, of which one is known to others
    for cookie, address in addresses.items():
        client.link(seen(cookie, address, source="club2", at="2026-03-02T10:00:00Z"))
    # then: both answer under the same ids as before, whose lengths are equal
    for cookie, address in addresses.items():
        for key in (cookie, address):
            assert client.seen_by(club, SMALL, by(key))["customer"]["id"] == before[cookie]
        assert client.seen_by(club, BY_ID, {"id": before[cookie]})["customer"] == {"id": before[cookie]}
    assert len({*map(len, before.values())}) == 1
    assert client.customer(CLARA, "id")["id"] not in before.values()
    # and they are nothing to another partner
    other = viewer("partner", sources=frozenset({"other"}))
    assert client.seen_by(other, BY_ID, {"id": before["cookie=ck-club-1"]}) == {"customer": None, "node": None}


@pytest.mark.parametrize("reported", ["2025-01-01T00:00:00Z", "2026-11-01T00:00:00Z"])
def test_a_partner_is_shown_an_order_of_others_as_one_that_only_itself_reports(
    client: ViewerClient, reported: str
) -> None:
    # given an order that the shop reports, and one that nobody does, both reported by a partner: earlier or later
    club = viewer("partner", sources=frozenset({"club2"}))
    known, new = "W-5003", "W-9903"
    for number, cookie in ((known, "cookie=ck-club-1"), (new, "cookie=ck-club-2")):
        client.record(order(number, cookie, source="club2", total="5.00", reportedAt=reported))
    view = """orders(first: 5) { nodes { number source total } } metrics { orderCount revenue { amount } }
        timeline(first: 5) { nodes { ... on Order { number } } }"""
    by_cookie = f"query($i: IdentifierInput!) {{ customer(by: {{identifier: $i}}) {{ {view} }} }}"
    by_number = "query($n: String!) { order(number: $n) { number source total reportedAt } }"
    # when
    answers = [
        (client.seen_by(club, by_cookie, by(cookie)), client.seen_by(club, by_number, {"n": number}))
        for number, cookie in ((known, "cookie=ck-club-1"), (new, "cookie=ck-club-2"))
    ]
    # then
    first, second = (str(answer).replace(known, new) for answer in answers)
    assert first == second
    assert answers[0][0]["customer"]["orders"]["nodes"] == [{"number": known, "source": "club2", "total": "5.00"}]
    assert client.seen_by(viewer("partner", sources=frozenset({"other"})), by_number, {"n": known}) == {"order": None}


def test_a_till_sees_a_customer_by_what_it_is_shown(client: ViewerClient) -> None:
    # given
    till = viewer("till")
    client.record(
        *(order(f"N-{n}", "loyalty_card=KC-100001", placedAt=f"2026-04-{n:02}T10:00:00Z") for n in range(1, 13))
    )
    orders = "id orders(first: 100%s) { nodes { number } pageInfo { hasNextPage endCursor } }"
    query = f"query($i: IdentifierInput!) {{ customer(by: {{identifier: $i}}) {{ {orders % ''} }} }}"
    # when
    customer = client.seen_by(till, query, by("loyalty_card=KC-100001"))["customer"]
    # then the newest orders, and no second page
    assert [node["number"] for node in customer["orders"]["nodes"]] == [f"N-{n}" for n in range(12, 2, -1)]
    assert customer["orders"]["pageInfo"]["hasNextPage"] is False
    after = f', after: "{customer["orders"]["pageInfo"]["endCursor"]}"'
    more = f"query($i: IdentifierInput!) {{ customer(by: {{identifier: $i}}) {{ {orders % after} }} }}"
    assert client.seen_by(till, more, by("loyalty_card=KC-100001"))["customer"]["orders"]["nodes"] == []
    # and nobody by what others have or can guess
    for key in (COOKIE, "order=W-5001", "device=dev-anna-phone"):
        assert client.seen_by(till, SMALL, by(key)) == {"customer": None}
    assert client.seen_by(till, BY_ID, {"id": customer["id"]}) == {"customer": None, "node": None}
    assert client.seen_by(till, '{ order(number: "W-5001") { number customer { id } } }')["order"] == {
        "number": "W-5001",
        "customer": None,
    }
    namespaces = (
        "query($i: IdentifierInput!) { customer(by: {identifier: $i}) { identifiers(first: 100) { nodes { value } } } }"
    )
    assert not {"N-1", "W-5001"} & values(client.seen_by(till, namespaces, by("loyalty_card=KC-100001"))["customer"])


def test_a_number_that_proves_nothing_leads_a_till_to_nobody(client: ViewerClient) -> None:
    # given a till that links an order number and a cookie of Anna's with addresses of its own
    till = viewer("till", "contact:read", sources=frozenset({"till"}))
    for known, address in (("order=W-5001", "email=evil1@x.example"), (COOKIE, "email=evil2@x.example")):
        client.link(seen(known, address, source="till", at="2026-11-01T10:00:00Z"))
    # when
    opened = [client.seen_by(till, CUSTOMER_OF_TILL, by(f"email=evil{n}@x.example"))["customer"] for n in (1, 2)]
    # then
    assert "berg" not in str(opened).lower()
    assert "KC100001" not in str(opened)
    # and the card opens her as before
    hers = client.seen_by(till, CUSTOMER_OF_TILL, by("loyalty_card=KC-100001"))["customer"]
    assert "anna.berg@example.com" in values(hers)


def test_a_desk_searches_with_three_letters_and_sees_twenty_hits(client: ViewerClient) -> None:
    # given
    desk = viewer("desk")
    for number in range(30):
        client.link(seen(f"email=zora{number:02}@example.com", source="crm"))
    query = """query($text: String!, $first: Int!, $after: String) {
        searchCustomers(text: $text, first: $first, after: $after) {
            nodes { customer { id } } pageInfo { hasNextPage endCursor } } }"""
    # when
    first = client.seen_by(desk, query, {"text": "zora", "first": 15})["searchCustomers"]
    after = first["pageInfo"]["endCursor"]
    second = client.seen_by(desk, query, {"text": "zora", "first": 15, "after": after})["searchCustomers"]
    # then
    assert (len(first["nodes"]), first["pageInfo"]["hasNextPage"]) == (15, True)
    assert (len(second["nodes"]), second["pageInfo"]["hasNextPage"]) == (5, False)
    id = first["nodes"][0]["customer"]["id"]
    assert client.seen_by(desk, BY_ID, {"id": id}) == {"customer": {"id": id}, "node": {"id": id}}
    short = client.as_(desk, query, {"text": "zo", "first": 5}).json()
    assert short["errors"][0]["extensions"]["code"] == "INVALID_LENGTH"
    texts = client.as_(desk, '{ searchCustomers(text: "zora", fields: [INTERACTIONS]) { nodes { customer { id } } } }')
    assert texts.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_a_timeline_has_the_kinds_that_the_scopes_of_the_viewer_cover(client: ViewerClient) -> None:
    # given
    client.ask(RECORD, {"i": {"interactions": [viewed(ANNA, at="2026-02-01T10:00:00Z", id="v")]}})
    query = """query($i: IdentifierInput!) { customer(by: {identifier: $i}) { timeline(first: 100) {
        nodes { __typename } } } }"""

    def kinds(role: str, *less: str) -> set[str]:
        chosen = viewer(role)
        chosen = viewer(role, scopes=chosen.scopes - set(less))
        nodes = client.seen_by(chosen, query, by(ANNA))["customer"]["timeline"]["nodes"]
        return {node["__typename"] for node in nodes}

    # then
    assert kinds("privacy") == {"Interaction", "Order", "Change"}
    assert kinds("desk") == {"Interaction", "Order"}
    assert kinds("desk", "order:read") == {"Interaction"}


def test_an_object_is_found_by_its_id_by_those_who_may_read_its_type(client: ViewerClient) -> None:
    # given
    change = client.ask("{ changes(first: 1) { nodes { id } } }")["changes"]["nodes"][0]["id"]
    segment = client.ask(
        'mutation { createSegment(input: {name: "All", rule: {known: true}}) { segment { id } } }'
    )["createSegment"]["segment"]["id"]  # fmt: skip
    pair = {"a": identifiers("cookie=ck-a")[0], "b": identifiers("cookie=ck-b")[0]}
    override = client.ask(
        """mutation($a: IdentifierInput!, $b: IdentifierInput!) {
        keepApart(input: {a: $a, b: $b}) { override { id } } }""",
        pair,
    )["keepApart"]["override"]["id"]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename } }"

    def types(role: str) -> list[str | None]:
        nodes = client.seen_by(viewer(role), query, {"ids": [change, override, segment]})["nodes"]
        return [None if node is None else node["__typename"] for node in nodes]

    # then
    assert types("privacy") == ["Change", "Override", "Segment"]
    assert types("steward") == ["Change", "Override", None]
    for role in ("till", "desk", "partner", "storefront"):
        assert types(role) == [None, None, None]


def test_the_consent_of_an_address_is_answered_to_those_who_reach_it(client: ViewerClient) -> None:
    # given
    record = "mutation($i: RecordConsentsInput!) { recordConsents(input: $i) { errors { message } } }"
    for key, source in ((ANNA, "shop"), (COOKIE, "shop"), (CLARA, "club2")):
        decision = {"source": source, "identifiers": identifiers(key), "purpose": "newsletter", "decision": "GIVEN"}
        client.ask(record, {"i": {"consents": [decision]}})
    query = 'query($i: IdentifierInput!) { consent(identifier: $i, purpose: "newsletter") { decision } }'

    def consents(role: str, **values: Any) -> list[str]:
        asked = viewer(role, **values)
        return [client.seen_by(asked, query, by(key))["consent"]["decision"] for key in (ANNA, COOKIE, CLARA)]

    # then
    assert consents("storefront", subject="login=anna.b") == ["GIVEN", "GIVEN", "NONE"]
    assert consents("storefront") == ["NONE", "GIVEN", "NONE"]
    assert consents("partner", sources=frozenset({"club2"})) == ["NONE", "NONE", "GIVEN"]
    assert consents("till") == ["GIVEN", "NONE", "GIVEN"]
    assert consents("feed") == ["GIVEN", "GIVEN", "GIVEN"]


def test_a_till_sees_the_segments_that_are_meant_for_clerks(client: ViewerClient) -> None:
    # given
    for name in ("Frequent", "Secret"):
        client.ask(
            f'mutation {{ createSegment(input: {{name: "{name}", rule: {{known: true}}}}) {{ segment {{ id }} }} }}'
        )
    query = "query($i: IdentifierInput!) { customer(by: {identifier: $i}) { segments { segment { name } } } }"

    def names(asked: Any) -> list[str]:
        memberships = client.seen_by(asked, query, by(ANNA))["customer"]["segments"]
        return sorted(membership["segment"]["name"] for membership in memberships)

    # then
    assert names(viewer("desk")) == ["Frequent", "Secret"]
    assert names(viewer("till")) == []
    assert names(viewer("till", clerk_segments=frozenset({"Frequent"}))) == ["Frequent"]


def test_a_till_sees_the_external_segments_that_are_meant_for_clerks(client: ViewerClient) -> None:
    # given
    record = """mutation($s: [ExternalSegmentInput!]!) { recordExternalSegments(input: {segments: $s}) {
        errors { message } } }"""
    segments = [{"source": "dmp", "identifiers": identifiers(ANNA), "segment": name} for name in ("Frequent", "Secret")]
    client.ask(record, {"s": segments})
    query = "query($i: IdentifierInput!) { customer(by: {identifier: $i}) { externalSegments { segment } } }"

    def names(asked: Any) -> list[str]:
        memberships = client.seen_by(asked, query, by(ANNA))["customer"]["externalSegments"]
        return sorted(membership["segment"] for membership in memberships)

    # then
    assert names(viewer("desk")) == ["Frequent", "Secret"]
    assert names(viewer("till")) == []
    assert names(viewer("till", clerk_segments=frozenset({"Frequent"}))) == ["Frequent"]


def test_nobody_without_reach_sees_anybody(client: ViewerClient) -> None:
    # given roles to which every scope was given by mistake
    id = client.customer(ANNA, "id")["id"]
    every = viewer("developer").scopes
    for role in ("ingest", "admin", "marketer"):
        asked = viewer(role, scopes=every)
        assert client.seen_by(asked, SMALL, by(ANNA)) == {"customer": None}
        assert client.seen_by(asked, BY_ID, {"id": id}) == {"customer": None, "node": None}
        assert client.seen_by(asked, '{ order(number: "W-5001") { number } }') == {"order": None}
        assert client.seen_by(asked, '{ searchCustomers(text: "berg") { nodes { customer { id } } } }') == {
            "searchCustomers": {"nodes": []}
        }
        assert (
            client.as_(asked, "{ changes { nodes { id } } }").json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        )
    feed = viewer("feed", scopes=every)
    assert client.seen_by(feed, SMALL, by(ANNA)) == {"customer": None}
    assert client.seen_by(feed, BY_ID, {"id": id}) == {"customer": {"id": id}, "node": {"id": id}}


@pytest.mark.parametrize("role", ["till", "desk", "steward"])
def test_the_state_at_a_time_requires_its_scope(client: ViewerClient, role: str) -> None:
    query = """query($i: IdentifierInput!) {
        customer(by: {identifier: $i}, at: "2100-01-01T00:00:00Z") { id } }"""
    body = client.as_(viewer(role), query, by("email=anna.berg@example.com")).json()
    codes = [error["extensions"]["code"] for error in body.get("errors", [])]
    assert (codes == ["FORBIDDEN"]) == (role != "steward")
