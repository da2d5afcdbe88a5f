"""Customers: look-ups, orders, merges, revocations, overrides and pages."""

import pytest

from tests.builders.clients import Client, identifiers, order, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh

REVOKE = """mutation($source: String!, $id: String!) {
  revokeObservations(input: {observations: [{source: $source, id: $id}]}) { results {
    ... on ObservationRevoked { found } ... on Rejected { problem { code } } } } }"""
KEEP_APART = """mutation($input: KeepApartInput!) { keepApart(input: $input) {
  override { id kind actor reason } created customers { id emails { value } } errors { code } } }"""
KEEP_TOGETHER = KEEP_APART.replace("KeepApart", "KeepTogether").replace("keepApart", "keepTogether")


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def test_a_customer_is_found_by_any_identifier_in_any_notation(client: Client) -> None:
    # given
    client.link(seen("crm_id=K1", "email=Ann@Example.com ", "phone=0171 2345678"))
    # when
    keys = ["email= ANN@example.COM", "phone=+49 (171) 234-5678", "crm_id= K1 "]
    ids = [client.customer(key, "id known")["id"] for key in keys]
    # then
    assert len(set(ids)) == 1
    assert client.customer("crm_id=K1", "known") == {"known": True}


def test_an_anonymous_visitor_becomes_known(client: Client) -> None:
    # given
    client.link(seen("cookie=visitor-1"))
    assert client.customer("cookie=visitor-1", "known") == {"known": False}
    # when
    client.link(seen("cookie=visitor-1", "login=ann"))
    # then
    assert client.customer("cookie=visitor-1", "known") == {"known": True}


def test_a_merge_keeps_the_older_id_and_the_other_redirects(client: Client) -> None:
    # given
    (older,) = client.link(seen("email=ann@example.com"))
    (newer,) = client.link(seen("device=ann-tablet"))
    # when
    (merged,) = client.link(seen("email=ann@example.com", "device=ann-tablet"))
    # then
    assert merged["customerId"] == older["customerId"]
    (merge,) = merged["merges"]
    assert (merge["customerId"], merge["retiredCustomerId"]) == (older["customerId"], newer["customerId"])
    assert "seen together" in merge["reason"]
    query = "query($id: ID!) { customer(by: {id: $id}) { id requestedId } node(id: $id) { id } }"
    data = client.ask(query, {"id": newer["customerId"]})
    assert data["customer"] == {"id": older["customerId"], "requestedId": newer["customerId"]}
    assert data["node"] == {"id": older["customerId"]}
    assert client.ask(query, {"id": older["customerId"]})["customer"]["requestedId"] is None


def test_a_revocation_undoes_the_merge_and_the_id_returns(client: Client) -> None:
    # given
    (older,) = client.link(seen("email=ann@example.com"))
    (newer,) = client.link(seen("device=ann-tablet"))
    client.link(seen("email=ann@example.com", "device=ann-tablet", id="wrong"))
    # when
    data = client.ask(REVOKE, {"source": "web", "id": "wrong"})
    # then
    assert data["revokeObservations"]["results"] == [{"found": True}]
    assert client.customer("email=ann@example.com")["id"] == older["customerId"]
    assert client.customer("device=ann-tablet")["id"] == newer["customerId"]


def test_an_id_whose_identifiers_are_all_revoked_returns_an_empty_customer(client: Client) -> None:
    # given
    (result,) = client.link(seen("cookie=visitor-1", id="only"))
    # when
    client.ask(REVOKE, {"source": "web", "id": "only"})
    # then
    query = "query($id: ID!) { customer(by: {id: $id}) { id known identifiers { nodes { value } } } }"
    customer = client.ask(query, {"id": result["customerId"]})["customer"]
    assert customer == {"id": result["customerId"], "known": False, "identifiers": {"nodes": []}}
    assert client.customer("cookie=visitor-1") is None


def test_a_contested_identifier_goes_to_the_newest_claim_and_the_result_says_so(client: Client) -> None:
    # given
    client.link(seen("crm_id=Tom1", "device=family-tablet", at="2026-01-01T00:00:00Z"))
    # when
    client.link(seen("crm_id=Sue1", "device=family-tablet", at="2026-02-01T00:00:00Z"))
    (late,) = client.link(seen("crm_id=Tom1", "device=family-tablet", at="2025-12-01T00:00:00Z"))
    # then
    assert client.keys_of("crm_id=Sue1") == ["crm_id=Sue1", "device=family-tablet"]
    (suspended,) = late["suspendedLinks"]
    assert suspended["reason"]["code"] == "LIMIT"
    assert "2 values of crm_id" in suspended["reason"]["message"]
    states = client.customer("crm_id=Tom1", "links { nodes { state observationCount } }")
    assert states == {"links": {"nodes": [{"state": "SUSPENDED", "observationCount": 2}]}}


def test_overrides_stay_in_effect_against_later_data(client: Client) -> None:
    # given
    client.link(seen("email=ann@example.com", "phone=030 1234567"), seen("email=bob@example.com", "phone=030 1234567"))
    a, b = identifiers("email=ann@example.com", "email=bob@example.com")
    # when
    apart = client.ask(KEEP_APART, {"input": {"a": a, "b": b, "reason": "two people"}})["keepApart"]
    client.link(seen("email=ann@example.com", "email=bob@example.com"))
    again = client.ask(KEEP_APART, {"input": {"a": b, "b": a}})["keepApart"]
    together = client.ask(KEEP_TOGETHER, {"input": {"a": a, "b": b}})["keepTogether"]
    # then
    assert apart["created"] is True
    assert (apart["override"]["kind"], apart["override"]["actor"], apart["override"]["reason"]) == (
        "APART",
        "local",
        "two people",
    )
    assert len(apart["customers"]) == 2
    assert (again["created"], again["override"]["id"]) == (False, apart["override"]["id"])
    assert len(together["customers"]) == 2, "an apart override beats a together override"


def test_an_override_on_identifiers_that_were_never_seen_creates_them(client: Client) -> None:
    a, b = identifiers("email=new@example.com", "crm_id=K77")
    data = client.ask(KEEP_TOGETHER, {"input": {"a": a, "b": b}})["keepTogether"]
    assert len(data["customers"]) == 1
    customer = client.customer("crm_id=K77", "emails { value firstSeenAt observationCount }")
    assert customer == {"emails": [{"value": "new@example.com", "firstSeenAt": None, "observationCount": 0}]}


def test_the_newest_statement_of_an_order_counts_whichever_arrives_first(client: Client) -> None:
    # given
    late = order("A1", "email=ann@example.com", total="20", status="SHIPPED", reportedAt="2026-03-03T00:00:00Z")
    early = order("A1", "email=bob@example.com", total="10", reportedAt="2026-03-01T00:00:00Z")
    # when
    client.record(late)
    (older,) = client.record(early)
    # then
    assert older["status"] == "SUPERSEDED"
    fields = "orders { nodes { total status } } metrics { orderCount revenue { amount currency } }"
    assert client.customer("email=ann@example.com", fields) == {
        "orders": {"nodes": [{"total": "20.00", "status": "SHIPPED"}]},
        "metrics": {"orderCount": 1, "revenue": [{"amount": "20.00", "currency": "EUR"}]},
    }
    assert client.customer("email=bob@example.com") is None


def test_metrics_do_not_count_canceled_orders_and_revenue_does_not_include_returned_orders(client: Client) -> None:
    # given
    client.record(
        order("A1", "email=ann@example.com", total="10", placedAt="2026-01-01T00:00:00Z"),
        order("A2", "email=ann@example.com", total="20.50", placedAt="2026-02-01T00:00:00Z"),
        order("A3", "email=ann@example.com", total="99", status="RETURNED", placedAt="2026-03-01T00:00:00Z"),
        order("A4", "email=ann@example.com", total="77", status="CANCELLED", placedAt="2026-04-01T00:00:00Z"),
        order("A5", "email=ann@example.com", total="1000", currency="JPY", placedAt="2025-12-01T00:00:00Z"),
    )
    # when
    fields = """metrics { orderCount revenue { amount currency } averageOrderValue { amount currency }
        firstOrderAt lastOrderAt }"""
    metrics = client.customer("email=ann@example.com", fields)["metrics"]
    # then
    assert metrics == {
        "orderCount": 4,
        "revenue": [{"amount": "30.50", "currency": "EUR"}, {"amount": "1000", "currency": "JPY"}],
        "averageOrderValue": [{"amount": "10.17", "currency": "EUR"}, {"amount": "1000", "currency": "JPY"}],
        "firstOrderAt": "2025-12-01T00:00:00Z",
        "lastOrderAt": "2026-03-01T00:00:00Z",
    }


def test_orders_are_paged_newest_first_and_pages_are_stable_under_writes(client: Client) -> None:
    # given
    client.record(*(order(f"A{n}", "email=a@example.com", placedAt=f"2026-01-0{n}T00:00:00Z") for n in range(1, 8)))
    fields = "orders(first: 3%s) { nodes { number } pageInfo { hasNextPage endCursor } }"
    # when
    first = client.customer("email=a@example.com", fields % "")["orders"]
    client.record(order("A9", "email=a@example.com", placedAt="2026-01-09T00:00:00Z"))
    after = f', after: "{first["pageInfo"]["endCursor"]}"'
    second = client.customer("email=a@example.com", fields % after)["orders"]
    after = f', after: "{second["pageInfo"]["endCursor"]}"'
    third = client.customer("email=a@example.com", fields % after)["orders"]
    # then
    numbers = [[node["number"] for node in page["nodes"]] for page in (first, second, third)]
    assert numbers == [["A7", "A6", "A5"], ["A4", "A3", "A2"], ["A1"]]
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second, third)] == [True, True, False]


def test_identifiers_and_links_are_paged_without_gaps(client: Client) -> None:
    # given
    client.link(*(seen("email=a@example.com", f"cookie=cookie-{n}", f"device=device-{n}") for n in range(7)))
    for name, fields, size in (
        ("identifiers", "namespace value", 15),
        ("links", "a { namespace value } b { namespace value }", 21),
    ):
        # when
        items, after = [], "null"
        while True:
            query = f"{name}(first: 4, after: {after}) {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }}"
            page = client.customer("email=a@example.com", query)[name]
            items += [str(node) for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = f'"{page["pageInfo"]["endCursor"]}"'
        # then
        assert len(items) == len(set(items)) == size


def test_possible_matches_are_confirmed_and_refuted(client: Client) -> None:
    # given
    client.link(
        seen("crm_id=K1", "email=a@example.com"),
        seen("crm_id=K2", "email=b@example.com"),
        seen("email=a@example.com", "email=b@example.com", confidence=0.5),
        seen("email=a@example.com", "phone=030 1234567", confidence=0.6),
        seen("email=a@example.com", "login=anna", confidence=0.7),
    )
    # when
    client.link(seen("crm_id=K1", "login=anna"))
    # then
    fields = "possibleMatches { nodes { status customerIds link { a { value } b { value } confidence state } } }"
    nodes = client.customer("crm_id=K1", fields)["possibleMatches"]["nodes"]
    statuses = {(node["link"]["a"]["value"], node["link"]["b"]["value"]): node["status"] for node in nodes}
    assert statuses == {
        ("a@example.com", "b@example.com"): "REFUTED",
        ("a@example.com", "+49301234567"): "POSSIBLE",
        ("a@example.com", "anna"): "CONFIRMED",
    }
    assert {node["link"]["state"] for node in nodes} == {"EXCLUDED"}


def test_customers_of_many_identifiers_are_returned_in_order(client: Client) -> None:
    # given
    client.link(seen("email=a@example.com"), seen("email=b@example.com"))
    by = identifiers("email=b@example.com", "email=nobody@example.com", "email=a@example.com")
    # when
    data = client.ask("query($by: [IdentifierInput!]!) { customers(by: $by) { emails { value } } }", {"by": by})
    # then
    assert data["customers"] == [
        {"emails": [{"value": "b@example.com"}]},
        None,
        {"emails": [{"value": "a@example.com"}]},
    ]
