"""Who is shown what of refused records: stewards and administrators the problems, privacy officers the values, too."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from graph.domain.access.scopes import CONTACT_READ, PROFILE_UNMASKED, REFUSED_READ, RESTRICTED_READ
from graph.domain.access.viewer import Reach, Viewer
from graph.ports import Store
from service.audit.audit import Audit
from tests.builders.audits import entries
from tests.builders.clients import order, seen
from tests.builders.refused_records import refused
from tests.builders.restrictions import restricted
from tests.builders.runs import Run
from tests.builders.viewers import ViewerClient, viewer

LIST = """query($source: String, $code: String, $since: DateTime, $first: Int! = 20, $after: String) {
  refusedRecords(source: $source, code: $code, since: $since, first: $first, after: $after) {
    nodes { id source mapping code path message recordId content beside cut deliveries receivedAt lastReceivedAt }
    pageInfo { hasNextPage endCursor } } }"""
COUNTS = "{ refusedRecordCounts { source code records deliveries lastReceivedAt } }"
DELETE = """mutation($ids: [ID!]!) { deleteRefusedRecords(input: {ids: $ids}) {
  deleted errors { code message path } } }"""
ANN = "ann@example.com"
RECORDS = [
    refused(f'{{"email":"{ANN}"}}', at=1_000_000, record_id="m1", beside='{"x-topic":"a"}', path=("traits", 0)),
    refused("{}", source="till", code="NOT_MAPPED", at=2_000_000),
    refused("x" * 40_000, at=3_000_000),
]
OFFICER = viewer("privacy")


@pytest.fixture
def client(store: Store, run: Run, tmp_path: Path) -> ViewerClient:
    client = ViewerClient(store, run, audit=Audit(tmp_path / "audit", lambda: 1_800_000_000_000_000))
    run(client.wiring.prepare())
    client.link(seen(f"email={ANN}", "crm_id=A1"), seen("email=ben@example.com"))
    run(client.graph.refused.keep(RECORDS))
    return client


def test_a_privacy_officer_is_shown_everything(client: ViewerClient) -> None:
    # when
    nodes = client.seen_by(OFFICER, LIST)["refusedRecords"]["nodes"]
    # then
    assert [node["lastReceivedAt"][:19] for node in nodes] == [f"1970-01-01T00:00:0{second}" for second in (3, 2, 1)]
    assert [node["cut"] for node in nodes] == [True, False, False]
    assert nodes[2] | {"receivedAt": "", "lastReceivedAt": ""} == {
        "id": RECORDS[0].id,
        "source": "shop",
        "mapping": "segment",
        "code": "NO_VALID_IDENTIFIERS",
        "path": ["traits", "0"],
        "message": "the event names no identifier",
        "recordId": "m1",
        "content": f'{{"email":"{ANN}"}}',
        "beside": '{"x-topic":"a"}',
        "cut": False,
        "deliveries": 1,
        "receivedAt": "",
        "lastReceivedAt": "",
    }


@pytest.mark.parametrize(
    "who",
    [
        viewer("steward"),
        viewer("admin"),
        viewer("steward", CONTACT_READ),
        viewer("steward", CONTACT_READ, PROFILE_UNMASKED, reach=Reach.NONE),
    ],
)
def test_who_does_not_see_all_values_is_shown_the_problems_without_any(client: ViewerClient, who: Viewer) -> None:
    # when
    nodes = client.seen_by(who, LIST)["refusedRecords"]["nodes"]
    # then
    assert [node["code"] for node in nodes] == ["NO_VALID_IDENTIFIERS", "NOT_MAPPED", "NO_VALID_IDENTIFIERS"]
    assert {node[name] for node in nodes for name in ("message", "recordId", "content", "beside")} == {None}


def test_records_are_filtered_and_paged(client: ViewerClient) -> None:
    def ids(**variables: object) -> list[str]:
        return [node["id"] for node in client.seen_by(OFFICER, LIST, variables)["refusedRecords"]["nodes"]]

    # then
    assert ids(source="till") == [RECORDS[1].id]
    assert ids(code="NO_VALID_IDENTIFIERS", since="1970-01-01T00:00:02Z") == [RECORDS[2].id]
    page = client.seen_by(OFFICER, LIST, {"first": 2})["refusedRecords"]["pageInfo"]
    assert page["hasNextPage"]
    assert ids(first=2, after=page["endCursor"]) == [RECORDS[0].id]


def test_records_are_counted_and_deleted(client: ViewerClient) -> None:
    # given
    admin = viewer("admin")
    counts = client.seen_by(admin, COUNTS)["refusedRecordCounts"]
    assert [(count["source"], count["records"]) for count in counts] == [("shop", 2), ("till", 1)]
    # when
    result = client.seen_by(admin, DELETE, {"ids": [RECORDS[0].id, RECORDS[1].id, "rfr_unknown"]})
    # then
    assert result["deleteRefusedRecords"] == {"deleted": 2, "errors": []}
    assert [count["records"] for count in client.seen_by(admin, COUNTS)["refusedRecordCounts"]] == [1]
    # when, then
    (error,) = client.seen_by(admin, DELETE, {"ids": []})["deleteRefusedRecords"]["errors"]
    assert (error["code"], error["path"]) == ("INVALID_COUNT", ["ids"])


@pytest.mark.parametrize("query", [LIST, COUNTS])
@pytest.mark.parametrize("role", ["partner", "ingest", "desk", "till"])
def test_others_are_shown_nothing(client: ViewerClient, role: str, query: str) -> None:
    # when
    body = client.as_(viewer(role), query).json()
    # then
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]


def test_who_reaches_some_customers_only_is_shown_nothing(client: ViewerClient) -> None:
    # when
    body = client.as_(viewer("partner", REFUSED_READ), LIST).json()
    # then
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]


def test_records_that_name_a_restricted_person_are_shown_without_values(client: ViewerClient) -> None:
    # given
    restricted(client, f"email={ANN}")
    without = replace(OFFICER, scopes=OFFICER.scopes - {RESTRICTED_READ})
    # when
    contents = [node["content"] for node in client.seen_by(without, LIST)["refusedRecords"]["nodes"]]
    # then
    assert contents[1:] == ["{}", None]
    assert client.seen_by(OFFICER, LIST)["refusedRecords"]["nodes"][2]["content"] is not None


def test_the_audit_log_says_whose_values_were_shown(client: ViewerClient, tmp_path: Path) -> None:
    # given
    id = client.customer(f"email={ANN}")["id"]
    before = len(entries(tmp_path / "audit"))
    # when
    client.seen_by(OFFICER, LIST)
    # then
    (entry,) = entries(tmp_path / "audit")[before:]
    assert (entry["caller"], entry["customers"]) == ("privacy", [id])
    # when, then: what shows nobody's values is no access to a person
    client.seen_by(viewer("steward"), LIST)
    assert len(entries(tmp_path / "audit")) == before + 1


def test_an_order_number_in_a_record_leads_to_its_customer(client: ViewerClient, run: Run, tmp_path: Path) -> None:
    # given
    client.record(order("ORD-4711", "crm_id=A1"))
    run(client.graph.refused.keep([refused('{"order":"ORD-4711"}', source="erp")]))
    before = len(entries(tmp_path / "audit"))
    # when
    client.seen_by(OFFICER, LIST, {"source": "erp"})
    # then
    (entry,) = entries(tmp_path / "audit")[before:]
    assert entry["customers"] == [client.customer("crm_id=A1")["id"]]
