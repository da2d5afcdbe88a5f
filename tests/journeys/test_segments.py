"""Segments over GraphQL: previewed, created, evaluated, entered and exited, as facts arrive and as time passes."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.domain.model.changes import ChangeKind
from tests.builders.clients import Client, identifiers, order, seen
from tests.builders.operations import interaction, record
from tests.builders.retention import SettableClock
from tests.builders.runs import Run
from tests.builders.stores import Fresh

CREATE = """mutation($input: CreateSegmentInput!) { createSegment(input: $input) {
  segment { id name rule version memberCount createdBy } errors { code message path } } }"""
MEMBERS = "query($id: ID!) { segment(id: $id) { memberCount ready members { nodes { emails { value } } } } }"
PREVIEW = """query($rule: SegmentRuleInput!) { previewSegment(rule: $rule) {
  totalCustomers evaluatedCustomers complete matchingCustomers estimatedCount sample { emails { value } } } }"""
FEED = """{ changes(first: 100) { nodes { kind customerId reason summary cause { type segmentId } } } }"""
TEMPLATE = {"all": [{"metric": {"name": "ORDER_COUNT", "min": 2}}, {"not": {"hasNamespace": "phone"}}]}


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    client.record(
        *(
            order(f"{name}-{n}", f"email={name}@example.com")
            for name, order_count in (("ann", 2), ("ben", 1))
            for n in range(order_count)
        )
    )
    return client


def create(client: Client, name: str, rule: dict[str, Any]) -> dict[str, Any]:
    return client.ask(CREATE, {"input": {"name": name, "rule": rule}})["createSegment"]


def catch_up(client: Client) -> None:
    client._run(client.graph.segment_worker.catch_up())


def members(client: Client, id: str) -> list[str]:
    catch_up(client)
    segment = client.ask(MEMBERS, {"id": id})["segment"]
    assert segment["ready"] is True
    assert segment["memberCount"] == len(segment["members"]["nodes"])
    return sorted(customer["emails"][0]["value"][:3] for customer in segment["members"]["nodes"])


def test_a_segment_is_previewed_created_evaluated_entered_and_exited(client: Client) -> None:
    # previewed
    preview = client.ask(PREVIEW, {"rule": TEMPLATE})["previewSegment"]
    assert preview == {
        "totalCustomers": 2, "evaluatedCustomers": 2, "complete": True, "matchingCustomers": 1, "estimatedCount": 1,
        "sample": [{"emails": [{"value": "ann@example.com"}]}],
    }  # fmt: skip
    # created
    segment = create(client, "Twice", TEMPLATE)["segment"]
    assert (segment["rule"], segment["version"], segment["createdBy"]) == (TEMPLATE, 1, "local")
    assert create(client, "Twice", TEMPLATE)["segment"]["id"] == segment["id"]
    taken = create(client, "Twice", {"known": True})
    assert (taken["segment"], taken["errors"][0]["code"], taken["errors"][0]["path"]) == (None, "NAME_TAKEN", ["name"])
    # evaluated
    assert members(client, segment["id"]) == ["ann"]
    # entered: the customer shows the segment before the membership is recorded
    client.record(order("ben-2", "email=ben@example.com"))
    fields = "id segments { segment { name } enteredAt }"
    assert client.customer("email=ben@example.com", fields)["segments"] == [
        {"segment": {"name": "Twice"}, "enteredAt": None}
    ]
    assert members(client, segment["id"]) == ["ann", "ben"]
    ben = client.customer("email=ben@example.com", fields)
    assert ben["segments"][0]["enteredAt"] is not None
    # exited
    client.link(seen("email=ann@example.com", "phone=+380501234567"))
    assert members(client, segment["id"]) == ["ben"]
    feed = client.ask(FEED)["changes"]["nodes"]
    changes = [change for change in feed if change["cause"]["type"] == "SEGMENT_EVALUATION"]
    assert [change["kind"] for change in changes] == ["SEGMENT_ENTERED", "SEGMENT_ENTERED", "SEGMENT_EXITED"]
    assert changes[1]["customerId"] == ben["id"]
    assert changes[1]["cause"]["segmentId"] == segment["id"]
    assert changes[1]["summary"] == f"{ben['id']} entered segment Twice."


def test_a_merged_customer_is_a_single_member(client: Client) -> None:
    three = create(client, "Three", {"metric": {"name": "ORDER_COUNT", "min": 3}})["segment"]
    assert members(client, three["id"]) == []
    client.link(seen("email=ann@example.com", "email=ben@example.com"))
    assert len(members(client, three["id"])) == 1
    any_orders = create(client, "Any", {"metric": {"name": "ORDER_COUNT", "min": 1}})["segment"]
    assert len(members(client, any_orders["id"])) == 1


def test_segments_are_listed_by_name_in_pages(client: Client) -> None:
    # given
    for name in ("Cellar", "Attic", "Balcony"):
        create(client, name, TEMPLATE)
    query = "query($a: String) { segments(first: 2, after: $a) { nodes { name } pageInfo { hasNextPage endCursor } } }"
    # when
    first = client.ask(query)["segments"]
    second = client.ask(query, {"a": first["pageInfo"]["endCursor"]})["segments"]
    # then
    assert [segment["name"] for segment in first["nodes"] + second["nodes"]] == ["Attic", "Balcony", "Cellar"]
    assert [first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]] == [True, False]


def test_a_rule_is_updated_and_a_segment_deleted(client: Client) -> None:
    # given
    segment = create(client, "Some", TEMPLATE)["segment"]
    assert members(client, segment["id"]) == ["ann"]
    update = """mutation($input: UpdateSegmentInput!) { updateSegment(input: $input) {
      segment { name version } errors { code path } } }"""
    rule = {"metric": {"name": "ORDER_COUNT", "max": 1}}
    # when
    stale = client.ask(update, {"input": {"id": segment["id"], "rule": rule, "expectedVersion": 7}})["updateSegment"]
    assert stale["errors"] == [{"code": "VERSION_CONFLICT", "path": ["expectedVersion"]}]
    updated = client.ask(update, {"input": {"id": segment["id"], "rule": rule, "name": "Once"}})["updateSegment"]
    # then
    assert updated["segment"] == {"name": "Once", "version": 2}
    assert members(client, segment["id"]) == ["ben"]
    node = client.ask("query($i: ID!) { node(id: $i) { id ... on Segment { name } } }", {"i": segment["id"]})["node"]
    assert node == {"id": segment["id"], "name": "Once"}
    # when
    delete = "mutation($i: ID!) { deleteSegment(input: {id: $i}) { segment { name } errors { code } } }"
    assert client.ask(delete, {"i": segment["id"]})["deleteSegment"]["segment"] == {"name": "Once"}
    # then
    assert client.ask(delete, {"i": segment["id"]})["deleteSegment"]["errors"] == [{"code": "SEGMENT_NOT_FOUND"}]
    assert client.ask("{ segments { nodes { name } } }")["segments"]["nodes"] == []
    assert client.customer("email=ben@example.com", "segments { enteredAt }")["segments"] == []
    last = client.ask("{ changes(first: 100) { nodes { kind summary } } }")["changes"]["nodes"][-1]
    assert last == {"kind": "SEGMENT_DELETED", "summary": "Segment Once was deleted by local."}


def test_a_customer_exits_a_segment_as_time_passes(fresh: Fresh, run: Run) -> None:
    # given: an interaction that leaves the window within two seconds
    clock = SettableClock("2026-06-01T00:00:00Z")
    client = Client(fresh(), run, clock=clock)
    rule = {"interaction": {"types": ["page_viewed"], "withinDays": 1}}
    segment = create(client, "Active", rule)["segment"]
    record(client, interaction("page_viewed", "email=ann@example.com", at="2026-05-31T00:00:02Z"))
    assert members(client, segment["id"]) == ["ann"]

    # when: nothing is recorded, and the service keeps running
    clock.add(days=3 / 86_400)

    async def serve() -> None:
        task = asyncio.create_task(client.graph.segment_worker.run(0.05))
        for _ in range(1000):
            if any(
                entry.change.kind == ChangeKind.SEGMENT_EXITED for entry in await client.wiring.store.changes(0, 100)
            ):
                break
            await asyncio.sleep(0.05)
        task.cancel()

    run(serve())
    # then
    assert client.ask(MEMBERS, {"id": segment["id"]})["segment"]["memberCount"] == 0
    assert client.ask(FEED)["changes"]["nodes"][-1]["kind"] == "SEGMENT_EXITED"


def test_members_are_found_by_properties_of_their_interactions(client: Client) -> None:
    # given
    ad = {"utm_source": "google", "utm_campaign": "Spring", "device_type": "mobile"}
    record(
        client,
        interaction("page_viewed", "email=ann@example.com", at=ago(days=1), properties=ad),
        interaction("review", "email=ann@example.com", at=ago(days=1), properties={"rating": 5}),
        interaction("review", "email=ben@example.com", at=ago(days=1), properties={"rating": 2}),
        interaction("deal_stage_changed", "email=ben@example.com", at=ago(days=1), properties={"stage": "won"}),
    )
    rules: dict[str, list[dict[str, Any]]] = {
        "ann": [{"name": "utm_campaign", "contains": "spring"}, {"name": "device_type", "in": ["mobile", "tablet"]}],
        "ben": [{"name": "rating", "max": 3}],
    }
    # then
    for name, properties in rules.items():
        rule = {"interaction": {"properties": properties, "withinDays": 30}}
        segment = create(client, name, rule)["segment"]
        assert segment["rule"] == {"interaction": {**rule["interaction"], "minCount": 1}}
        assert members(client, segment["id"]) == [name]
    preview = client.ask(PREVIEW, {"rule": {"interaction": {"properties": [{"name": "stage", "in": ["won"]}]}}})
    assert preview["previewSegment"]["matchingCustomers"] == 1
    # when a better review arrives
    record(client, interaction("review", "email=ben@example.com", at=ago(hours=1), properties={"rating": "4"}))
    loyal = {"interaction": {"types": ["review"], "properties": [{"name": "rating", "min": 4}]}}
    # then
    assert members(client, create(client, "Happy", loyal)["segment"]["id"]) == ["ann", "ben"]


def test_members_are_evaluated_again_when_scores_or_products_change(client: Client) -> None:
    # given
    lines = [{"sku": "sku-1", "quantity": "1", "total": "5"}]
    client.record(order("W-9", "email=eve@example.com", lines=lines, placedAt=ago(days=1)))
    shoes = create(client, "Shoes", {"order": {"categories": ["shoes"]}})["segment"]
    best = create(client, "Best", {"metric": {"name": "FREQUENCY_SCORE", "min": 2}})["segment"]
    assert members(client, shoes["id"]) == members(client, best["id"]) == []
    # when
    client.ask("mutation { recalculateRfm { customerCount } }")
    product = {"sku": "sku-1", "name": "Shoe", "source": "pim", "categories": ["shoes"], "reportedAt": ago(hours=1)}
    client.ask(
        "mutation($p: [ProductInput!]!) { recordProducts(input: {products: $p}) { errors { code } } }", {"p": [product]}
    )
    # then
    assert members(client, shoes["id"]) == ["eve"]
    assert members(client, best["id"]) == ["ann"]


@pytest.mark.parametrize(
    ("rule", "code", "path"),
    [
        ({"all": []}, "INVALID_SEGMENT_RULE", ["rule", "all"]),
        ({"attribute": {"name": "shoe_size", "exists": True}}, "UNKNOWN_ATTRIBUTE", ["rule", "attribute", "name"]),
        ({"attribute": {"name": "address", "exists": True}}, "INVALID_VALUE", ["rule", "attribute", "name"]),
        ({"attribute": {"name": "name.city", "exists": True}}, "INVALID_VALUE", ["rule", "attribute", "name"]),
        ({"attribute": {"name": "name", "minYears": 3}}, "INVALID_VALUE", ["rule", "attribute", "minYears"]),
        ({"attribute": {"name": "name"}}, "INVALID_SEGMENT_RULE", ["rule", "attribute"]),
        ({"attribute": {"name": "name", "in": []}}, "INVALID_COUNT", ["rule", "attribute", "in"]),
        ({"metric": {"name": "ORDER_COUNT"}}, "INVALID_SEGMENT_RULE", ["rule", "metric"]),
        ({"metric": {"name": "ORDER_COUNT", "min": 1e300}}, "INVALID_VALUE", ["rule", "metric", "min"]),
        ({"interaction": {"withinDays": 0}}, "INVALID_VALUE", ["rule", "interaction", "withinDays"]),
        ({"interaction": {"minCount": 101}}, "INVALID_VALUE", ["rule", "interaction", "minCount"]),
        ({"interaction": {"types": ["x" * 201]}}, "INVALID_LENGTH", ["rule", "interaction", "types"]),
        ({"order": {"skus": ["a\u0000b"]}}, "INVALID_CHARACTER", ["rule", "order", "skus"]),
        ({"consent": {"purpose": "spying", "decisions": ["GIVEN"]}}, "UNKNOWN_PURPOSE", ["rule", "consent", "purpose"]),
        ({"consent": {"purpose": "newsletter", "decisions": []}}, "INVALID_COUNT", ["rule", "consent", "decisions"]),
        ({"hasNamespace": "shoe"}, "UNKNOWN_NAMESPACE", ["rule", "hasNamespace"]),
        (
            {"any": [{"known": True}, {"not": {"rfmGroup": []}}]},
            "INVALID_COUNT",
            ["rule", "any", "1", "not", "rfmGroup"],
        ),
        ({"any": [{"known": True}] * 51}, "INVALID_SEGMENT_RULE", ["rule", "any"]),
        ({"any": [{"any": [{"known": True}] * 30}] * 2}, "INVALID_SEGMENT_RULE", ["rule"]),
    ],
)
def test_an_invalid_rule_is_rejected_with_the_path_of_its_field(
    run: Run, tmp_path: Any, rule: dict[str, Any], code: str, path: list[Any]
) -> None:
    from graph.stores.sqlite import SQLiteStore

    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    (problem,) = create(client, "Invalid", rule)["errors"]
    assert (problem["code"], problem["path"]) == (code, path)
    answer = client.send(PREVIEW, {"rule": rule}).json()
    assert answer["errors"][0]["extensions"]["code"] == code
    run(store.close())


def test_a_rule_that_is_too_deep_is_rejected(client: Client) -> None:
    query = "query($rule: SegmentRuleInput!) { previewSegment(rule: $rule) { estimatedCount } }"
    for depth in (9, 400, 5_000):
        rule = '{"not":' * depth + '{"known":true}' + "}" * depth
        body = f'{{"query": "{query}", "variables": {{"rule": {rule}}}}}'
        response = client.post(body.encode())
        assert response.status_code in (200, 400), response.status_code
        assert response.json()["errors"][0]["extensions"]["code"] in ("INVALID_SEGMENT_RULE", "BAD_REQUEST")


def test_members_are_listed_in_pages(client: Client) -> None:
    client.link(*({"source": "web", "identifiers": identifiers(f"email=p{n:02}@example.com")} for n in range(25)))
    segment = create(client, "All", {"hasNamespace": "email"})["segment"]
    catch_up(client)
    page = """query($id: ID!, $after: String) { segment(id: $id) { members(first: 10, after: $after) {
      edges { node { id } cursor } pageInfo { hasNextPage endCursor } } } }"""
    ids: list[str] = []
    after = None
    while True:
        members = client.ask(page, {"id": segment["id"], "after": after})["segment"]["members"]
        ids += [edge["node"]["id"] for edge in members["edges"]]
        if not members["pageInfo"]["hasNextPage"]:
            break
        after = members["pageInfo"]["endCursor"]
    assert len(ids) == len(set(ids)) == 27
