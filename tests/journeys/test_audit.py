"""Who read whom is recorded, and people cannot be read without a record."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from graph.domain.access.roles import ROLES
from graph.ports import Store
from schema.execution.runner import ALL, ExecutionAnswer, GraphQLRequest
from schema.shared.cursors import encode
from service.access.keys import viewer_of
from service.access.signed_in import SignedIn
from service.audit import files
from service.audit.audit import Audit
from service.audit.ocsf import event
from service.audit.reader import oldest_first
from service.bootstrap import SystemClock
from service.config.settings import Settings
from service.http.app import create_endpoint
from service.observability.requests import OperationRecord
from tests.builders.audits import entries, verified
from tests.builders.clients import Client, order, seen
from tests.builders.operations import interaction
from tests.builders.runs import Run

KEYS = ",".join(
    f"{name}:{role}:{name}-0123456789abcdef"
    for name, role in [("desk-1", "desk"), ("dpo", "privacy"), ("numbers", "marketer"), ("loader", "ingest")]
)
LINK = "mutation($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) { errors { code message } } }"
RECORD_ORDERS = "mutation($input: RecordOrdersInput!) { recordOrders(input: $input) { errors { code message } } }"
RECORD_INTERACTIONS = """mutation($input: RecordInteractionsInput!) {
  recordInteractions(input: $input) { errors { code message } } }"""
REVOKE = """mutation($input: RevokeObservationsInput!) {
  revokeObservations(input: $input) { errors { code message } } }"""
BY_EMAIL = """query Lookup($v: String!) { customer(by: {identifier: {namespace: "email", value: $v}}) {
  id emails { value } } }"""
ENTRIES = """query($v: String!) { auditEntries(subject: {identifier: {namespace: "email", value: $v}}) { nodes {
  time kind caller role reason operation fields customers asked outcome transport statements sources requestId } } }"""
ANNA = "anna.berg@example.com"


def bearer(name: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}-0123456789abcdef", **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def audit(folder: Path) -> Iterator[Audit]:
    audit = Audit(folder, SystemClock().now)
    yield audit
    audit.close()


@pytest.fixture
def client(store: Store, run: Run, audit: Audit) -> Client:
    """A service with Anna, who has an e-mail and a phone."""
    client = Client(store, run, audit=audit, api_keys=KEYS, max_batch=10)
    observations = [sent(f"email={ANNA}", "phone=+491701234567"), sent("email=ben@example.com")]
    client.send(LINK, {"input": {"observations": observations}}, **bearer("loader"))
    return client


def sent(*keys: str) -> dict[str, Any]:
    """An observation of the caller `loader`, whose key writes the source of its name only."""
    return seen(*keys, source="loader")


def read(client: Client, name: str, email: str = ANNA, **headers: str) -> httpx.Response:
    return client.send(BY_EMAIL, {"v": email}, **bearer(name, **headers))


def found(client: Client, email: str = ANNA) -> list[dict[str, Any]]:
    """What the privacy officer finds about a person."""
    body = client.send(ENTRIES, {"v": email}, **bearer("dpo")).json()
    assert "errors" not in body, body
    return body["data"]["auditEntries"]["nodes"]


def test_an_officer_finds_who_read_a_person_why_and_which_fields(client: Client) -> None:
    # given
    shown = read(client, "desk-1", **{"kith-reason": "asks for her order", "x-request-id": "request-0001"}).json()
    read(client, "desk-1", "ben@example.com")
    # when
    (entry,) = found(client)
    # then
    assert entry["caller"] == "desk-1"
    assert (entry["role"], entry["reason"], entry["operation"]) == ("desk", "asks for her order", "Lookup")
    assert entry["fields"] == ["Customer.emails", "Customer.id", "Identifier.value", "Query.customer"]
    assert entry["customers"] == [shown["data"]["customer"]["id"]]
    assert (entry["kind"], entry["outcome"], entry["transport"]) == ("read", "OK", "http")
    assert entry["requestId"] == "request-0001"
    # when: reading the log is recorded, too
    reading = found(client)[0]
    # then
    assert (reading["caller"], reading["fields"][-1]) == ("dpo", "Query.auditEntries")


@pytest.mark.parametrize("arguments", ["", '(caller: "desk-1")', '(since: "2026-01-01T00:00:00Z")'])
def test_who_reads_the_log_of_everybody_is_recorded(client: Client, folder: Path, arguments: str) -> None:
    # given
    read(client, "desk-1")
    # when
    client.send(f"{{ auditEntries{arguments} {{ nodes {{ customers }} }} }}", **bearer("dpo"))
    # then
    entry = entries(folder)[-1]
    assert (entry["kind"], entry["caller"], len(entry["asked"])) == ("read", "dpo", 1)


def test_a_person_is_found_under_ids_that_merges_retired(client: Client) -> None:
    # given
    read(client, "desk-1", "ben@example.com")
    # when: Ben turns out to be Anna
    link = [sent(f"email={ANNA}", "crm_id=A1"), sent("email=ben@example.com", "crm_id=A1")]
    client.send(LINK, {"input": {"observations": link}}, **bearer("loader"))
    # then
    (entry,) = found(client)
    assert entry["caller"] == "desk-1"


def test_who_asks_by_another_identifier_is_found(client: Client) -> None:
    # given: an order of Anna, which is read by its number
    orders = [order("W-1", f"email={ANNA}", source="loader")]
    client.send(RECORD_ORDERS, {"input": {"orders": orders}}, **bearer("loader"))
    client.send('{ order(number: "W-1") { total } }', **bearer("desk-1"))
    # when, then: the entry names no customer, and is found by her address, which nobody asked for
    (entry,) = found(client)
    assert (entry["caller"], entry["customers"], entry["asked"]) == ("desk-1", [], 1)


def test_who_asks_for_somebody_unknown_is_found(client: Client) -> None:
    # given
    assert read(client, "desk-1", "nobody@example.com").json()["data"] == {"customer": None}
    # then
    (entry,) = found(client, "nobody@example.com")
    assert (entry["caller"], entry["customers"], entry["asked"]) == ("desk-1", [], 1)


def test_an_entry_contains_no_value(client: Client, folder: Path) -> None:
    read(client, "desk-1")
    text = b"".join((folder / name).read_bytes() for name in files.names(folder))
    assert b"anna" not in text
    assert b"1701234567" not in text


def test_what_is_denied_is_recorded_with_its_fields(client: Client, folder: Path) -> None:
    # when
    answer = read(client, "numbers")
    # then
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    entry = entries(folder)[-1]
    assert (entry["kind"], entry["caller"], entry["outcome"]) == ("denied", "numbers", "FORBIDDEN")
    assert [entry.fields for entry in oldest_first(folder, None, None)][-1] == (
        "Customer.emails",
        "Customer.id",
        "Identifier.value",
        "Query.customer",
    )


def test_a_write_is_recorded_with_its_sources(client: Client, folder: Path) -> None:
    (entry,) = entries(folder)
    assert (entry["kind"], entry["caller"], entry["statements"], entry["sources"]) == ("write", "loader", 2, ["loader"])
    # when
    client.send(RECORD_ORDERS, {"input": {"orders": [order("A-1", source="loader")]}}, **bearer("loader"))
    called = interaction("call", f"email={ANNA}", at="2026-03-01T12:00:00Z", source="loader")
    client.send(RECORD_INTERACTIONS, {"input": {"interactions": [called]}}, **bearer("loader"))
    client.send(REVOKE, {"input": {"observations": [{"source": "loader", "id": "any"}]}}, **bearer("loader"))
    # then
    assert [(entry["statements"], entry["sources"]) for entry in entries(folder)[1:]] == [(1, ["loader"])] * 3


def test_what_touches_nobody_is_not_recorded(client: Client, folder: Path) -> None:
    before = entries(folder)
    client.send("{ __typename }", **bearer("desk-1"))
    client.send("{ nonsense }", **bearer("desk-1"))
    assert entries(folder) == before


def test_each_operation_of_a_batch_has_an_entry(client: Client, folder: Path) -> None:
    # given
    before = len(entries(folder))
    batch = [{"query": BY_EMAIL, "variables": {"v": email}} for email in (ANNA, "ben@example.com")]
    # when
    client.post(orjson.dumps(batch), **bearer("desk-1"))
    # then
    first, second = entries(folder)[before:]
    assert first["customers"] != second["customers"]


def test_as_many_entries_as_answers_with_16_clients(client: Client, folder: Path, run: Run, audit: Audit) -> None:
    # given
    before = len(entries(folder))
    chosen = random.Random(7)
    requests = [
        (chosen.choice(["desk-1", "dpo", "numbers"]), chosen.choice([ANNA, "ben@example.com", "no@example.com"]))
        for _ in range(320)
    ]

    async def one_client(own: list[tuple[str, str]]) -> int:
        answers = 0
        for name, email in own:
            body = {"query": BY_EMAIL, "variables": {"v": email}}
            answer = await client.http.post("/graphql", json=body, headers=bearer(name))
            answers += answer.status_code in (200, 403)
        return answers

    async def all_clients() -> int:
        return sum(await asyncio.gather(*(one_client(requests[n::16]) for n in range(16))))

    # when
    answers = run(all_clients())
    # then
    assert len(entries(folder)) - before == answers == 320
    run(audit.checkpoint())
    assert verified(folder, audit).findings == []


@pytest.mark.parametrize("batched", [False, True])
def test_people_cannot_be_read_while_the_log_cannot_be_written(
    client: Client, folder: Path, audit: Audit, batched: bool
) -> None:
    # given: root ignores modes, so a file takes the place of the folder
    assert client.get("/readyz").json()["missing"].get("audit") is None
    audit.log.close()
    folder.rename(folder.with_name("moved"))
    folder.write_text("")
    # when
    operation = {"query": BY_EMAIL, "variables": {"v": ANNA}}
    answer = client.post(orjson.dumps([operation] if batched else operation), **bearer("desk-1"))
    # then
    body = answer.json()[0] if batched else answer.json()
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == "AUDIT_UNAVAILABLE"
    assert ANNA not in answer.text
    assert answer.status_code == (200 if batched else 503)
    assert "cannot be written" in client.get("/readyz").json()["missing"]["audit"]
    # when it can be written again
    folder.unlink()
    folder.with_name("moved").rename(folder)
    # then
    assert client.get("/readyz").json()["missing"].get("audit") is None
    assert read(client, "desk-1").json()["data"]["customer"]["emails"][0]["value"] == ANNA
    assert audit.counts()["failures"] >= 1


def test_the_log_is_exported_as_events_of_a_known_schema(client: Client, folder: Path) -> None:
    # given
    shown = read(client, "desk-1").json()["data"]["customer"]["id"]
    # when
    *_, last = map(event, oldest_first(folder, None, None))
    # then
    assert (last["class_uid"], last["type_uid"], last["status_id"]) == (6003, 600302, 1)
    assert last["actor"]["user"]["name"] == "desk-1"
    assert last["resources"] == [{"type": "customer", "uid": shown}]


def test_without_a_log_it_cannot_be_read(store: Store, run: Run) -> None:
    client = Client(store, run)
    answer = client.send("{ auditEntries { nodes { caller } } }").json()
    assert answer["errors"][0]["extensions"]["code"] == "FEATURE_DISABLED"


def test_a_stream_ends_with_an_error_once_its_events_cannot_be_recorded(
    client: Client, folder: Path, audit: Audit, run: Run
) -> None:
    # given
    endpoint = create_endpoint(Settings(_env_file=None), client.wiring)
    officer = viewer_of("dpo", ROLES["privacy"])
    context = endpoint.context(SignedIn(officer), {"type": "http"})
    watch = BY_EMAIL.replace("query Lookup", "subscription Watch").replace("customer(", "customerChanged(")

    async def answers() -> list[ExecutionAnswer]:
        # It names its request in the log as long as this task runs.
        record = OperationRecord("sse", "request-0001", officer, 0)
        request = GraphQLRequest(watch, {"v": ANNA})
        batches = endpoint.event_batches(request, context, ALL, record)
        return [answer async for batch in batches for answer in batch.answers]

    # when
    audit.log.close()
    folder.rename(folder.with_name("moved"))
    folder.write_text("")
    (answer,) = run(answers())
    # then
    assert answer.data is None
    assert answer.errors[0].original_error.code == "AUDIT_UNAVAILABLE"


def test_events_of_a_shared_stream_name_each_customer_once_for_each_caller(
    client: Client, audit: Audit, folder: Path, run: Run
) -> None:
    # given
    endpoint = create_endpoint(Settings(_env_file=None), client.wiring)
    ids = [entry.change.customer for entry in run(client.graph.changes(0, 100)).items]
    watch = "subscription Watch($after: String) { changes(after: $after) { customerId } }"

    async def follow(name: str, count: int) -> None:
        officer = viewer_of(name, ROLES["privacy"])
        record = OperationRecord("sse", "request-0001", officer, 0)
        context = endpoint.context(SignedIn(officer), {"type": "http"})
        request = GraphQLRequest(watch, {"after": encode(0)})
        received = 0
        async with aclosing(endpoint.event_batches(request, context, ALL, record)) as batches:
            async for batch in batches:
                received += len(batch.answers)
                if received >= count:
                    return

    async def follow_both() -> None:
        await asyncio.gather(follow("dpo", len(ids)), follow("dpo-2", len(ids)))

    # when
    run(follow_both())
    # then
    for name in ("dpo", "dpo-2"):
        streams = [one for one in entries(folder) if one["kind"] == "stream" and one["caller"] == name]
        named = [id for one in streams for id in one["customers"]]
        assert sorted(named) == sorted(set(ids))
        assert 0 < sum(one["events"] for one in streams) <= len(ids)
