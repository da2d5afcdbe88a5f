"""Readers of the feed ask for the changes that they need, in pages and as a stream."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from graph.domain.access.scopes import EVERY
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.change_filter import ChangeFilter
from graph.domain.model.changes import ChangeKind, Entry
from graph.viewer_graph import ViewerGraph
from tests.builders.clients import Client, seen
from tests.builders.erasing import by, erase
from tests.builders.operations import decide
from tests.builders.restrictions import EVERYBODY_ELSE, restricted
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards
from tests.builders.stores import Fresh
from tests.builders.viewers import ViewerClient, viewer

ANN, BEN = "email=ann@example.com", "email=ben@example.com"
JANUARY, FEBRUARY = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
CHANGES = """query($filter: ChangesFilter, $order: ChangeOrder! = OLDEST_FIRST, $after: String, $first: Int! = 100) {
  changes(filter: $filter, order: $order, after: $after, first: $first) {
    nodes { kind customerId cursor cause { segmentId } } pageInfo { hasNextPage endCursor } } }"""
CREATE = """mutation($n: String!) { createSegment(input: {name: $n, rule: {hasNamespace: "email"}}) {
  segment { id } } }"""
EVERYBODY = Viewer("anybody", "anybody", EVERY, Reach.ANY)


@pytest.fixture
def client(fresh: Fresh, run: Run) -> ViewerClient:
    client = ViewerClient(fresh(), run, safeguards=ListSafeguards())
    run(client.wiring.prepare())
    return client


def create(client: Client, name: str) -> str:
    id = client.ask(CREATE, {"n": name})["createSegment"]["segment"]["id"]
    client._run(client.graph.segment_worker.catch_up())
    return str(id)


def page(client: Client, order: str = "OLDEST_FIRST", after: str | None = None, first: int = 100, **filter: Any) -> Any:
    values = {"filter": filter or None, "order": order, "after": after, "first": first}
    return client.ask(CHANGES, values)["changes"]


def kinds(client: Client, **filter: Any) -> list[str]:
    return [node["kind"] for node in page(client, **filter)["nodes"]]


def problem(client: ViewerClient, viewer_: Viewer = EVERYBODY, **filter: Any) -> tuple[str, list[str]]:
    (error,) = client.as_(viewer_, CHANGES, {"filter": filter}).json()["errors"]
    return error["extensions"]["code"], error["message"]


def test_changes_are_found_by_kind_customer_source_and_segment(client: ViewerClient) -> None:
    # given
    client.link(seen("crm_id=A-1", ANN, source="crm", at=JANUARY), seen("crm_id=B-1", BEN, source="web", at=JANUARY))
    decide(client, ANN, decision="GIVEN", at=JANUARY)
    first, second = create(client, "One"), create(client, "Two")
    id = client.customer(ANN)["id"]
    # when, then
    assert kinds(client, kinds=["CONSENT_CHANGED"]) == ["CONSENT_CHANGED"]
    assert kinds(client, kinds=["CONSENT_CHANGED", "CUSTOMER_CREATED"]) == ["CUSTOMER_CREATED"] * 2 + [
        "CONSENT_CHANGED"
    ]
    assert kinds(client, customerId=id) == ["CUSTOMER_CREATED", "CONSENT_CHANGED", "SEGMENT_ENTERED", "SEGMENT_ENTERED"]
    assert kinds(client, source="crm") == ["CUSTOMER_CREATED"]
    assert kinds(client, segmentId=second) == ["SEGMENT_ENTERED"] * 2
    (entered,) = page(client, segmentId=first, customerId=id)["nodes"]
    assert (entered["cause"]["segmentId"], entered["customerId"]) == (first, id)
    assert kinds(client, segmentId=first, kinds=["SEGMENT_EXITED"]) == []


def test_the_newest_changes_come_first_in_pages(client: ViewerClient) -> None:
    # given
    for number in range(5):
        client.link(seen(f"crm_id=A-{number}"))
    oldest = [node["cursor"] for node in page(client)["nodes"]]
    # when
    found: list[str] = []
    after, more = None, True
    while more:
        read = page(client, "NEWEST_FIRST", after, 2, kinds=["CUSTOMER_CREATED"])
        found += [node["cursor"] for node in read["nodes"]]
        after, more = read["pageInfo"]["endCursor"], read["pageInfo"]["hasNextPage"]
    # then
    assert found == oldest[::-1]


def test_changes_are_those_of_a_time(client: ViewerClient) -> None:
    # given
    client.link(seen("crm_id=A-1"))
    (created,) = client.ask("{ changes(first: 1) { nodes { recordedAt } } }")["changes"]["nodes"]
    at = created["recordedAt"]
    # when, then
    assert kinds(client, since=at) == ["CUSTOMER_CREATED"]
    assert kinds(client, until=at) == []
    assert kinds(client, since="2020-01-01T00:00:00Z", until="2099-01-01T00:00:00Z") == ["CUSTOMER_CREATED"]
    assert kinds(client, since="2099-01-01T00:00:00Z") == []


def test_a_merged_customer_is_found_by_each_of_its_ids_and_an_erased_one_by_its_own(client: ViewerClient) -> None:
    # given
    client.link(seen("crm_id=A-1", at=JANUARY), seen(ANN, at=JANUARY))
    ids = [client.customer(key)["id"] for key in ("crm_id=A-1", ANN)]
    client.link(seen("crm_id=A-1", ANN, at=FEBRUARY))
    expected = ["CUSTOMER_CREATED", "CUSTOMER_CREATED", "CUSTOMERS_MERGED"]
    # when, then
    assert [kinds(client, customerId=id) for id in ids] == [expected, expected]
    # when
    erase(client, by=by(ANN))
    # then
    assert [kinds(client, customerId=id, kinds=["CUSTOMER_ERASED"]) for id in ids] == [["CUSTOMER_ERASED"] * 2] * 2


def test_the_exit_of_an_erased_member_is_a_change_of_the_segment(client: ViewerClient) -> None:
    # given
    client.link(seen("crm_id=A-1", ANN))
    segment = create(client, "One")
    # when
    erase(client, by=by(ANN))
    # then
    assert kinds(client, segmentId=segment) == ["SEGMENT_ENTERED", "SEGMENT_EXITED"]


def test_a_filter_that_finds_nothing_moves_the_cursor_on(client: ViewerClient) -> None:
    # given
    client.link(seen("crm_id=A-1"), seen("crm_id=B-1"))
    # when
    read = page(client, kinds=["CUSTOMER_ERASED"])
    # then: nobody has to read again what was read without finding anything
    assert (read["nodes"], read["pageInfo"]["hasNextPage"]) == ([], False)
    assert read["pageInfo"]["endCursor"] == page(client)["nodes"][-1]["cursor"]
    assert page(client, after=read["pageInfo"]["endCursor"])["nodes"] == []


@pytest.mark.parametrize(
    ("filter", "code", "named"),
    [
        ({"kinds": []}, "INVALID_COUNT", "kinds"),
        ({"source": ""}, "INVALID_VALUE", "source"),
        ({"customerId": "cus_unknown"}, "CUSTOMER_NOT_FOUND", "customerId"),
        ({"segmentId": "seg_unknown"}, "SEGMENT_NOT_FOUND", "segmentId"),
        ({"since": FEBRUARY, "until": JANUARY}, "INVALID_VALUE", "until"),
        ({"since": "yesterday"}, "INVALID_TIMESTAMP", "since"),
    ],
)
def test_a_filter_that_cannot_match_is_an_error_that_names_the_field(
    client: ViewerClient, filter: dict[str, Any], code: str, named: str
) -> None:
    found, message = problem(client, **filter)
    assert found == code
    assert named in message


def test_a_source_is_asked_for_by_who_may_read_the_history_only(client: ViewerClient) -> None:
    assert problem(client, viewer("feed"), source="crm")[0] == "FORBIDDEN"
    client.link(seen("crm_id=A-1", source="crm"))
    assert len(client.seen_by(viewer("steward"), CHANGES, {"filter": {"source": "crm"}})["changes"]["nodes"]) == 1


def test_a_filter_finds_nothing_that_is_withheld_of_a_restricted_customer(client: ViewerClient) -> None:
    # given
    client.link(seen("crm_id=A-1", ANN, source="crm"))
    segment = create(client, "One")
    restricted(client, ANN)
    # when, then
    for filter in ({"source": "crm"}, {"segmentId": segment, "kinds": ["SEGMENT_ENTERED"]}):
        assert len(client.ask(CHANGES, {"filter": filter})["changes"]["nodes"]) == 1
        assert client.seen_by(EVERYBODY_ELSE, CHANGES, {"filter": filter})["changes"]["nodes"] == []


def test_a_stream_has_what_its_filter_matches_and_follows_a_customer_through_a_merge(
    client: ViewerClient, run: Run
) -> None:
    # given
    client.link(seen(ANN, at=JANUARY), seen("crm_id=A-1", at=FEBRUARY), seen(BEN, at=JANUARY))
    id = client.customer("crm_id=A-1")["id"]
    graph = ViewerGraph(client.graph, EVERYBODY)
    moved = frozenset([ChangeKind.CUSTOMERS_MERGED, ChangeKind.IDENTIFIERS_MOVED])

    async def follow() -> list[Entry]:
        filter = await graph.change_filter(ChangeFilter(moved), id)
        found: list[Entry] = []
        async with asyncio.timeout(60), aclosing(graph.new_changes(2, filter)) as entries:
            async for entry in entries:
                found.append(entry)
                if len(found) == 2:
                    break
        return found

    # when: the customer is merged into another one, and something happens to both and to a third one
    client.link(seen(ANN, "crm_id=A-1", at="2026-03-01T00:00:00Z"))
    client.link(seen(BEN, "cookie=ck-1"), seen(ANN, "cookie=ck-2"))
    found = run(follow())
    # then
    assert [entry.change.kind for entry in found] == [ChangeKind.CUSTOMERS_MERGED, ChangeKind.IDENTIFIERS_MOVED]
    assert found[1].change.keys == ("cookie=ck-2",)
