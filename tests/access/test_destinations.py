"""Who may send segments to destinations, and what each role is told of them."""

from pathlib import Path
from typing import Any

import pytest

from graph.domain.access.scopes import CONTACT_READ, DESTINATION_MANAGE
from graph.domain.access.viewer import Viewer
from graph.domain.model.audiences import DestinationInfo, WaitingChange
from graph.ports import Store
from service.audit.audit import Audit
from tests.builders.audience_clients import CREATE, TOOL, AudienceClient
from tests.builders.audits import entries
from tests.builders.restrictions import restricted
from tests.builders.runs import Run
from tests.builders.viewers import ViewerClient, viewer

MARKETER, ADMIN, OFFICER = viewer("marketer"), viewer("admin"), viewer("privacy")
STEWARD = viewer("steward", DESTINATION_MANAGE)
NUMBERS = """{ audiences { nodes { id status sentCount owedCount pendingCount deadCount segment { name } } } }"""
DESTINATIONS = """{ destinations { name type status problem problemSince lastSentAt owedCount pendingCount deadCount
  removalCount oldestOwedAt resyncing changes audiences { id } } }"""
PREVIEW = """query($input: CreateAudienceInput!) { previewAudience(input: $input) {
  memberCount reachedCount addressCount complete } }"""
END = "mutation($id: ID!) { endAudience(input: {id: $id}) { audience { id status } errors { code path } } }"
DEAD = """query($audience: ID, $first: Int! = 20, $after: String) {
  deadDeliveries(destination: "tool", audienceId: $audience, first: $first, after: $after) {
    nodes { audienceId identifier { namespace value } isRemoval answer attempts }
    pageInfo { hasNextPage endCursor } } }"""
DECISION = """mutation($audience: ID) { %s(input: {destination: "tool", audienceId: $audience}) {
  count errors { code path } } }"""
MANAGE = """mutation($name: String!) { %s(input: {destination: $name}) {
  destination { name status resyncing } errors { code message path } } }"""


class World(AudienceClient):
    """A client of a service with one destination."""

    client: ViewerClient

    def seen_by(self, who: Viewer, query: str, **variables: Any) -> Any:
        (value,) = self.client.seen_by(who, query, variables).values()
        return value


@pytest.fixture
def world(store: Store, run: Run, tmp_path: Path) -> World:
    audit = Audit(tmp_path / "audit", lambda: 1_800_000_000_000_000)
    client = ViewerClient(store, run, audit=audit, destinations=[TOOL])
    run(client.wiring.prepare())
    return World(client)


def wanted(segment: str, **more: Any) -> dict[str, Any]:
    return {"segmentId": segment, "destination": "tool", "purpose": "newsletter", "channel": "EMAIL", **more}


def test_a_marketer_sends_a_segment_and_is_told_rounded_numbers(world: World) -> None:
    # given
    addresses = world.fill(60, consenting=40)
    segment = world.segment()
    # when
    preview = world.seen_by(MARKETER, PREVIEW, input=wanted(segment))
    created = world.seen_by(MARKETER, CREATE, input=wanted(segment, fields=[{"name": "N", "attribute": "name"}]))
    again = world.seen_by(MARKETER, CREATE, input=wanted(segment, fields=[{"name": "N", "attribute": "name"}]))
    # then
    assert preview["complete"] is True
    assert {preview[name] % 10 for name in ("reachedCount", "addressCount")} == {0}
    assert preview["memberCount"] is None, "all customers are members, so the number is about nobody else"
    assert created["errors"] == []
    assert created == again
    assert created["audience"] | {"id": ""} == {
        "id": "",
        "segmentId": segment,
        "destination": "tool",
        "purpose": "newsletter",
        "channel": "EMAIL",
        "namespaces": ["email"],
        "externalId": None,
        "fields": [{"name": "N", "attribute": "name"}],
        "ttlDays": None,
        "createdBy": "marketer",
    }
    # when
    world.deliver()
    # then
    assert world.addresses == set(addresses[:40])
    (exact,) = world.seen_by(OFFICER, NUMBERS)["nodes"]
    assert (exact["status"], exact["sentCount"], exact["owedCount"]) == ("ACTIVE", 40, 0)
    # when
    ended = world.seen_by(MARKETER, END, id=exact["id"])
    # then
    assert ended == {"audience": {"id": exact["id"], "status": "ENDING"}, "errors": []}
    world.deliver()
    assert world.addresses == set()
    assert world.seen_by(OFFICER, NUMBERS)["nodes"] == []


def test_numbers_of_a_few_are_withheld_from_who_sees_no_people(world: World) -> None:
    # given: of 60 customers 30 have a phone, and 5 of these consent
    world.fill(60, consenting=5)
    segment = world.segment()
    world.audience(segment)
    world.deliver()
    # when
    (marketers,) = world.seen_by(MARKETER, NUMBERS)["nodes"]
    (admins,) = world.seen_by(ADMIN, NUMBERS)["nodes"]
    (officers,) = world.seen_by(OFFICER, NUMBERS)["nodes"]
    # then
    assert [marketers[name] for name in ("sentCount", "owedCount", "deadCount")] == [None, None, None]
    assert [admins[name] for name in ("sentCount", "owedCount", "deadCount")] == [None, 0, 0]
    assert [officers[name] for name in ("sentCount", "owedCount", "deadCount")] == [5, 0, 0]
    assert (marketers["segment"], admins["segment"]) == ({"name": "all"}, None)
    (destination,) = world.seen_by(MARKETER, DESTINATIONS)
    assert [destination[name] for name in ("owedCount", "pendingCount", "deadCount", "removalCount")] == [None] * 4


def test_numbers_of_many_are_rounded_and_always_the_same(world: World) -> None:
    # given
    world.fill(100, consenting=60)
    segment = world.segment(rule={"hasNamespace": "email"})
    first, second = world.audience(segment), world.audience(segment, externalId="another list")
    world.deliver()
    # when
    numbers = {node["id"]: node["sentCount"] for node in world.seen_by(MARKETER, NUMBERS)["nodes"]}
    # then: two lists of the same people do not average the noise out
    assert numbers[first] == numbers[second]
    assert numbers[first] % 10 == 0
    assert numbers[first] in range(40, 90)


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"destination": "other"}, "DESTINATION_NOT_FOUND", ["destination"]),
        ({"segmentId": "seg_none"}, "SEGMENT_NOT_FOUND", ["segmentId"]),
        ({"purpose": "spam"}, "UNKNOWN_PURPOSE", ["purpose"]),
        ({"channel": "SMOKE"}, "UNKNOWN_CHANNEL", ["channel"]),
        ({"namespaces": ["cookie"]}, "INVALID_VALUE", ["namespaces"]),
        ({"fields": [{"name": "A", "attribute": "none"}]}, "UNKNOWN_ATTRIBUTE", ["fields"]),
        ({"fields": [{"name": "A", "attribute": "name"}] * 2}, "INVALID_VALUE", ["fields"]),
        ({"ttlDays": 0}, "INVALID_VALUE", ["ttlDays"]),
        ({"externalId": "x" * 201}, "INVALID_LENGTH", ["externalId"]),
    ],
)
def test_an_audience_that_is_not_valid_is_a_problem(world: World, values: Any, code: str, path: list[str]) -> None:
    # given
    segment = world.segment()
    # when
    (error,) = world.seen_by(MARKETER, CREATE, input={**wanted(segment), **values})["errors"]
    # then
    assert (error["code"], error["path"]) == (code, path)
    # when, then
    body = world.client.as_(MARKETER, PREVIEW, {"input": {**wanted(segment), **values}}).json()
    assert [error["extensions"]["code"] for error in body["errors"]] == [code]


def test_an_audience_that_does_not_exist_is_a_problem(world: World) -> None:
    # when, then
    assert world.seen_by(MARKETER, END, id="aud_none")["errors"] == [{"code": "AUDIENCE_NOT_FOUND", "path": ["id"]}]
    (error,) = world.seen_by(ADMIN, DECISION % "retryDeadDeliveries", audience="aud_none")["errors"]
    assert error == {"code": "AUDIENCE_NOT_FOUND", "path": ["audienceId"]}


def test_an_administrator_pauses_resumes_and_resynchronizes(world: World) -> None:
    # given
    world.fill(3)
    world.audience(world.segment())
    world.deliver()
    # when
    paused = world.seen_by(ADMIN, MANAGE % "pauseDestination", name="tool")
    again = world.seen_by(ADMIN, MANAGE % "pauseDestination", name="tool")
    # then
    assert paused == again == {
        "destination": {"name": "tool", "status": "PAUSED", "resyncing": False}, "errors": [],
    }  # fmt: skip
    # when
    resumed = world.seen_by(ADMIN, MANAGE % "resumeDestination", name="tool")["destination"]
    resyncing = world.seen_by(ADMIN, MANAGE % "resyncDestination", name="tool")["destination"]
    # then
    assert (resumed["status"], resyncing["resyncing"]) == ("ACTIVE", True)
    # when: the destination has lost everything
    world.tool.held.clear()
    world.deliver()
    # then
    assert len(world.tool.held) == 3
    (destination,) = world.seen_by(ADMIN, DESTINATIONS)
    assert (destination["resyncing"], destination["owedCount"], destination["oldestOwedAt"]) == (False, 0, None)
    assert destination["lastSentAt"] is not None
    # when, then
    (error,) = world.seen_by(ADMIN, MANAGE % "pauseDestination", name="other")["errors"]
    assert (error["code"], error["path"]) == ("DESTINATION_NOT_FOUND", ["destination"])
    assert "'other' is not configured; configured: tool" in error["message"]


def test_what_a_destination_refused_is_listed_retried_and_ignored(world: World) -> None:
    # given
    addresses = world.fill(4)
    world.refused = {address: f"400: {address} is not a mailbox" for address in addresses[:3]}
    audience = world.audience(world.segment())
    world.deliver()
    # when
    first = world.seen_by(STEWARD, DEAD, first=2)
    rest = world.seen_by(STEWARD, DEAD, after=first["pageInfo"]["endCursor"], audience=audience)
    nodes = [*first["nodes"], *rest["nodes"]]
    # then: who sees no addresses is shown none, in answers neither
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    assert [node["identifier"]["value"] for node in nodes] == ["c•••@m•••.example"] * 3
    assert "mail.example" not in str(first)
    assert {node["audienceId"] for node in nodes} == {audience}
    assert [(node["isRemoval"], node["attempts"]) for node in nodes] == [(False, 1)] * 3
    # when, then: an administrator sees no part of them, and a viewer of addresses sees all
    hidden = world.seen_by(ADMIN, DEAD)["nodes"]
    assert [node["identifier"] for node in hidden] == [{"namespace": "email", "value": "•••"}] * 3
    assert hidden[0]["answer"] == "400: ••• is not a mailbox"
    shown = world.seen_by(viewer("steward", DESTINATION_MANAGE, CONTACT_READ), DEAD)["nodes"]
    assert shown[0]["answer"] == f"400: {addresses[0]} is not a mailbox"
    # when
    world.refused.popitem()
    assert world.seen_by(ADMIN, DECISION % "retryDeadDeliveries") == {"count": 3, "errors": []}
    world.deliver()
    # then
    assert world.addresses == set(addresses[2:])
    assert len(world.seen_by(ADMIN, DEAD)["nodes"]) == 2
    # when, then
    assert world.seen_by(ADMIN, DECISION % "ignoreDeadDeliveries", audience=audience)["count"] == 2
    world.deliver()
    assert world.seen_by(ADMIN, DEAD)["nodes"] == []
    assert world.addresses == set(addresses[2:])


def test_changes_that_a_destination_refused_are_counted_and_decided_about(
    store: Store, run: Run, tmp_path: Path
) -> None:
    # given
    client = ViewerClient(store, run, destinations=[DestinationInfo("tool", "webhook", changes=True)])
    run(client.wiring.prepare())
    ledger = client.graph.ledger
    waiting = [WaitingChange("tool", number, "", 3, None, "400") for number in (1, 2)]
    run(ledger.advance("tool", 3, [*waiting, WaitingChange("tool", 3, "", 1, 5)]))
    count = "{ destinations { deadChangeCount } }"
    # when, then
    assert client.seen_by(ADMIN, count)["destinations"] == [{"deadChangeCount": 2}]
    retried = client.seen_by(ADMIN, DECISION % "retryDeadDeliveries")["retryDeadDeliveries"]
    assert retried == {"count": 2, "errors": []}
    assert client.seen_by(ADMIN, count)["destinations"] == [{"deadChangeCount": 0}]
    assert [(one.number, one.due_at is not None) for one in run(ledger.waiting("tool"))] == [
        (1, True), (2, True), (3, True),
    ]  # fmt: skip
    # when
    run(ledger.advance("tool", 3, waiting))
    ignored = client.seen_by(ADMIN, DECISION % "ignoreDeadDeliveries")["ignoreDeadDeliveries"]
    # then
    assert ignored["count"] == 2
    assert [one.number for one in run(ledger.waiting("tool"))] == [3]


def test_addresses_of_restricted_people_are_hidden(world: World) -> None:
    # given
    addresses = world.fill(2)
    world.refused = dict.fromkeys(addresses, "no")
    world.audience(world.segment())
    world.deliver()
    restricted(world.client, f"email={addresses[0]}")
    # when
    nodes = world.seen_by(viewer("steward", DESTINATION_MANAGE, CONTACT_READ), DEAD)["nodes"]
    # then
    assert [node["identifier"]["value"] for node in nodes] == ["•••", addresses[1]]


@pytest.mark.parametrize("query", [DEAD, MANAGE % "pauseDestination", DECISION % "ignoreDeadDeliveries"])
@pytest.mark.parametrize("who", [MARKETER, OFFICER, viewer("desk"), viewer("feed")])
def test_only_administrators_manage_destinations(world: World, who: Viewer, query: str) -> None:
    # when
    body = world.client.as_(who, query, {"name": "tool"}).json()
    # then
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]


def test_the_audit_log_says_who_decided_what_goes_where(world: World, tmp_path: Path) -> None:
    # given
    addresses = world.fill(1)
    world.refused = dict.fromkeys(addresses, "no")
    segment = world.segment()
    before = len(entries(tmp_path / "audit"))
    # when
    world.seen_by(MARKETER, CREATE, input=wanted(segment))
    world.seen_by(ADMIN, MANAGE % "pauseDestination", name="tool")
    world.seen_by(ADMIN, DESTINATIONS)
    # then
    found = entries(tmp_path / "audit")[before:]
    assert [(entry["caller"], entry["kind"], entry["recipients"]) for entry in found] == [
        ("marketer", "write", ["tool"]),
        ("admin", "write", ["tool"]),
    ]
    # when
    world.seen_by(ADMIN, MANAGE % "resumeDestination", name="tool")
    world.deliver()
    before = len(entries(tmp_path / "audit"))
    world.seen_by(ADMIN, DEAD)
    world.seen_by(STEWARD, DEAD)
    # then: who sees masked addresses sees customers
    (entry,) = entries(tmp_path / "audit")[before:]
    assert (entry["caller"], entry["customers"]) == (
        "steward",
        [world.client.customer(f"email={addresses[0]}")["id"]],
    )
