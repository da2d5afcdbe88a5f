"""Segments over GraphQL: made, tried out, filled, entered and left, as facts arrive and as time passes."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.builders.clients import Client, identifiers, order, seen
from tests.builders.operations import did, record
from tests.builders.runs import Run
from tests.builders.stores import Fresh

CREATE = """mutation($input: CreateSegmentInput!) { createSegment(input: $input) {
  segment { id name rule version count createdBy } errors { code message path } } }"""
MEMBERS = "query($id: ID!) { segment(id: $id) { count filled members { nodes { emails { value } } } } }"
PREVIEW = """query($rule: SegmentRuleInput!) { previewSegment(rule: $rule) {
  customers lookedAt complete matching count sample { emails { value } } } }"""
FEED = """{ changes(first: 100) { nodes { kind customerId rule sentence cause { how segmentId } } } }"""
TEMPLATE = {"all": [{"metric": {"name": "ORDERS", "atLeast": 2}}, {"not": {"namespace": "phone"}}]}


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    client.record(
        *(
            order(f"{who}-{n}", f"email={who}@example.com")
            for who, many in (("ann", 2), ("ben", 1))
            for n in range(many)
        )
    )
    return client


def create(client: Client, name: str, rule: dict[str, Any]) -> dict[str, Any]:
    return client.ask(CREATE, {"input": {"name": name, "rule": rule}})["createSegment"]


def catch_up(client: Client) -> None:
    client._run(client.graph.segment_worker.caught_up())


def members(client: Client, id: str) -> list[str]:
    catch_up(client)
    found = client.ask(MEMBERS, {"id": id})["segment"]
    assert found["filled"] is True
    assert found["count"] == len(found["members"]["nodes"])
    return sorted(one["emails"][0]["value"][:3] for one in found["members"]["nodes"])


def test_a_segment_is_tried_made_filled_entered_and_left(client: Client) -> None:
    # tried out
    found = client.ask(PREVIEW, {"rule": TEMPLATE})["previewSegment"]
    assert found == {
        "customers": 2, "lookedAt": 2, "complete": True, "matching": 1, "count": 1,
        "sample": [{"emails": [{"value": "ann@example.com"}]}],
    }  # fmt: skip
    # made
    made = create(client, "Twice", TEMPLATE)["segment"]
    assert (made["rule"], made["version"], made["createdBy"]) == (TEMPLATE, 1, "local")
    assert create(client, "Twice", TEMPLATE)["segment"]["id"] == made["id"]
    taken = create(client, "Twice", {"known": True})
    assert (taken["segment"], taken["errors"][0]["code"], taken["errors"][0]["path"]) == (None, "CONFLICT", ["name"])
    # filled
    assert members(client, made["id"]) == ["ann"]
    # entered at once, in the view before it is recorded
    client.record(order("ben-2", "email=ben@example.com"))
    fields = "id segments { segment { name } since }"
    assert client.customer("email=ben@example.com", fields)["segments"] == [
        {"segment": {"name": "Twice"}, "since": None}
    ]
    assert members(client, made["id"]) == ["ann", "ben"]
    ben = client.customer("email=ben@example.com", fields)
    assert ben["segments"][0]["since"] is not None
    # left
    client.link(seen("email=ann@example.com", "phone=+380501234567"))
    assert members(client, made["id"]) == ["ben"]
    told = [one for one in client.ask(FEED)["changes"]["nodes"] if one["cause"]["how"] == "segmented"]
    assert [one["kind"] for one in told] == ["SEGMENT_ENTERED", "SEGMENT_ENTERED", "SEGMENT_LEFT"]
    assert told[1]["customerId"] == ben["id"]
    assert told[1]["cause"]["segmentId"] == made["id"]
    assert told[1]["sentence"] == f"{ben['id']} entered the segment Twice."


def test_merged_customers_belong_as_one(client: Client) -> None:
    made = create(client, "Three", {"metric": {"name": "ORDERS", "atLeast": 3}})["segment"]
    assert members(client, made["id"]) == []
    client.link(seen("email=ann@example.com", "email=ben@example.com"))
    assert len(members(client, made["id"])) == 1
    held = create(client, "Any", {"metric": {"name": "ORDERS", "atLeast": 1}})["segment"]
    assert len(members(client, held["id"])) == 1


def test_segments_are_listed_by_name_in_pages(client: Client) -> None:
    # given
    for name in ("Cellar", "Attic", "Balcony"):
        create(client, name, TEMPLATE)
    query = "query($a: String) { segments(first: 2, after: $a) { nodes { name } pageInfo { hasNextPage endCursor } } }"
    # when
    first = client.ask(query)["segments"]
    second = client.ask(query, {"a": first["pageInfo"]["endCursor"]})["segments"]
    # then
    assert [one["name"] for one in first["nodes"] + second["nodes"]] == ["Attic", "Balcony", "Cellar"]
    assert [first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]] == [True, False]


def test_a_rule_is_changed_and_a_segment_deleted(client: Client) -> None:
    # given
    made = create(client, "Some", TEMPLATE)["segment"]
    assert members(client, made["id"]) == ["ann"]
    change = """mutation($input: ChangeSegmentInput!) { changeSegment(input: $input) {
      segment { name version } errors { code path } } }"""
    rule = {"metric": {"name": "ORDERS", "atMost": 1}}
    # when
    stale = client.ask(change, {"input": {"id": made["id"], "rule": rule, "expectedVersion": 7}})["changeSegment"]
    assert stale["errors"] == [{"code": "CONFLICT", "path": ["expectedVersion"]}]
    done = client.ask(change, {"input": {"id": made["id"], "rule": rule, "name": "Once"}})["changeSegment"]
    # then
    assert done["segment"] == {"name": "Once", "version": 2}
    assert members(client, made["id"]) == ["ben"]
    assert client.ask("query($i: ID!) { node(id: $i) { id ... on Segment { name } } }", {"i": made["id"]})["node"] == {
        "id": made["id"],
        "name": "Once",
    }
    # when
    delete = "mutation($i: ID!) { deleteSegment(input: {id: $i}) { segment { name } errors { code } } }"
    assert client.ask(delete, {"i": made["id"]})["deleteSegment"]["segment"] == {"name": "Once"}
    # then
    assert client.ask(delete, {"i": made["id"]})["deleteSegment"]["errors"] == [{"code": "UNKNOWN_SEGMENT"}]
    assert client.ask("{ segments { nodes { name } } }")["segments"]["nodes"] == []
    assert client.customer("email=ben@example.com", "segments { since }")["segments"] == []
    last = client.ask("{ changes(first: 100) { nodes { kind sentence } } }")["changes"]["nodes"][-1]
    assert last == {"kind": "SEGMENT_DELETED", "sentence": "the segment Once was deleted by local."}


def test_somebody_falls_asleep_without_an_event(client: Client, run: Run) -> None:
    # given: a window that will have moved on in a second
    rule = {"interaction": {"types": ["page_view"], "days": 1}}
    made = create(client, "Awake", rule)["segment"]
    record(client, did("page_view", "email=ann@example.com", at=ago(days=1, seconds=-1.5)))
    assert members(client, made["id"]) == ["ann"]

    # when: nothing comes, and the service keeps running
    async def serve() -> None:
        task = asyncio.create_task(client.graph.segment_worker.run(0.1))
        await asyncio.sleep(3)
        task.cancel()

    run(serve())
    # then
    assert client.ask(MEMBERS, {"id": made["id"]})["segment"]["count"] == 0
    assert client.ask(FEED)["changes"]["nodes"][-1]["kind"] == "SEGMENT_LEFT"


def test_scores_and_articles_are_looked_at_again_when_they_change(client: Client) -> None:
    # given
    lines = [{"sku": "sku-1", "quantity": "1", "total": "5"}]
    client.record(order("W-9", "email=eve@example.com", lines=lines, placedAt=ago(days=1)))
    shoes = create(client, "Shoes", {"order": {"categories": ["shoes"]}})["segment"]
    best = create(client, "Best", {"metric": {"name": "FREQUENCY_SCORE", "atLeast": 2}})["segment"]
    assert members(client, shoes["id"]) == members(client, best["id"]) == []
    # when
    client.ask("mutation { countCustomers { customers } }")
    product = {"sku": "sku-1", "name": "Shoe", "source": "pim", "categories": ["shoes"], "statedAt": ago(hours=1)}
    client.ask(
        "mutation($p: [ProductInput!]!) { recordProducts(input: {products: $p}) { errors { code } } }", {"p": [product]}
    )
    # then
    assert members(client, shoes["id"]) == ["eve"]
    assert members(client, best["id"]) == ["ann"]


@pytest.mark.parametrize(
    ("rule", "code", "path"),
    [
        ({"all": []}, "BAD_RULE", ["rule", "all"]),
        ({"attribute": {"name": "shoe_size", "present": True}}, "UNKNOWN_ATTRIBUTE", ["rule", "attribute", "name"]),
        ({"attribute": {"name": "address", "present": True}}, "BAD_VALUE", ["rule", "attribute", "name"]),
        ({"attribute": {"name": "name.city", "present": True}}, "BAD_VALUE", ["rule", "attribute", "name"]),
        ({"attribute": {"name": "name", "yearsAtLeast": 3}}, "BAD_VALUE", ["rule", "attribute", "yearsAtLeast"]),
        ({"attribute": {"name": "name"}}, "BAD_RULE", ["rule", "attribute"]),
        ({"attribute": {"name": "name", "in": []}}, "BAD_COUNT", ["rule", "attribute", "in"]),
        ({"metric": {"name": "ORDERS"}}, "BAD_RULE", ["rule", "metric"]),
        ({"metric": {"name": "ORDERS", "atLeast": 1e300}}, "BAD_VALUE", ["rule", "metric", "atLeast"]),
        ({"interaction": {"days": 0}}, "BAD_VALUE", ["rule", "interaction", "days"]),
        ({"interaction": {"atLeast": 101}}, "BAD_VALUE", ["rule", "interaction", "atLeast"]),
        ({"interaction": {"types": ["x" * 201]}}, "BAD_LENGTH", ["rule", "interaction", "types"]),
        ({"order": {"skus": ["a\u0000b"]}}, "BAD_TEXT", ["rule", "order", "skus"]),
        ({"consent": {"purpose": "spying", "decisions": ["GIVEN"]}}, "UNKNOWN_PURPOSE", ["rule", "consent", "purpose"]),
        ({"consent": {"purpose": "newsletter", "decisions": []}}, "BAD_COUNT", ["rule", "consent", "decisions"]),
        ({"namespace": "shoe"}, "UNKNOWN_NAMESPACE", ["rule", "namespace"]),
        ({"any": [{"known": True}, {"not": {"rfm": []}}]}, "BAD_COUNT", ["rule", "any", 1, "not", "rfm"]),
        ({"any": [{"known": True}] * 51}, "BAD_RULE", ["rule", "any"]),
        ({"any": [{"any": [{"known": True}] * 30}] * 2}, "BAD_RULE", ["rule"]),
    ],
)
def test_a_wrong_rule_is_refused_with_field_and_value(
    run: Run, tmp_path: Any, rule: dict[str, Any], code: str, path: list[Any]
) -> None:
    from graph.stores.sqlite import EmbeddedStore

    store = EmbeddedStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    (problem,) = create(client, "Wrong", rule)["errors"]
    assert (problem["code"], problem["path"]) == (code, path)
    answer = client.send(PREVIEW, {"rule": rule}).json()
    assert answer["errors"][0]["extensions"]["code"] == code
    run(store.close())


def test_a_rule_that_is_too_deep_is_refused(client: Client) -> None:
    query = "query($rule: SegmentRuleInput!) { previewSegment(rule: $rule) { count } }"
    for depth in (9, 400, 5_000):
        rule = '{"not":' * depth + '{"known":true}' + "}" * depth
        body = f'{{"query": "{query}", "variables": {{"rule": {rule}}}}}'
        response = client.post(body.encode())
        assert response.status_code in (200, 400), response.status_code
        assert response.json()["errors"][0]["extensions"]["code"] in ("BAD_RULE", "BAD_REQUEST")


def test_members_come_in_pages(client: Client) -> None:
    client.link(*({"source": "web", "identifiers": identifiers(f"email=p{n:02}@example.com")} for n in range(25)))
    made = create(client, "All", {"namespace": "email"})["segment"]
    catch_up(client)
    page = """query($id: ID!, $after: String) { segment(id: $id) { members(first: 10, after: $after) {
      edges { node { id } cursor } pageInfo { hasNextPage endCursor } } } }"""
    found: list[str] = []
    after = None
    while True:
        members = client.ask(page, {"id": made["id"], "after": after})["segment"]["members"]
        found += [edge["node"]["id"] for edge in members["edges"]]
        if not members["pageInfo"]["hasNextPage"]:
            break
        after = members["pageInfo"]["endCursor"]
    assert len(found) == len(set(found)) == 27
