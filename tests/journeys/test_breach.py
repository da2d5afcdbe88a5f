"""A key was stolen: the officer answers whose data it read, and how far the answer is complete."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graph.ports import Store
from service.audit.audit import Audit
from service.bootstrap import SystemClock
from tests.builders.clients import Client, order, seen
from tests.builders.runs import Run

KEYS = "desk-1:desk:desk-1-0123456789abcdef,dpo:privacy:dpo-0123456789abcdef,loader:ingest:loader-0123456789abcdef"
LINK = "mutation($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) { errors { code message } } }"
RECORD_ORDERS = "mutation($input: RecordOrdersInput!) { recordOrders(input: $input) { errors { code message } } }"
READ = '{ customer(by: {identifier: {namespace: "email", value: "%s"}}) { id emails { value } } }'
REPORT = """query($first: Int!, $after: String) { accessReport(caller: "desk-1", since: "2020-01-01T00:00:00Z") {
  customerCount entries denied asked refused unnamed statements unreadable
  wholeExports { command } expired { count }
  customers(first: $first, after: $after) { pageInfo { hasNextPage endCursor }
    nodes { id presentIds erased accesses fields firstAccessedAt lastAccessedAt } } } }"""


def bearer(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}-0123456789abcdef"}


@pytest.fixture
def client(store: Store, run: Run, tmp_path: Path) -> Iterator[Client]:
    """A service with Anna and Ben, and an order of Ben."""
    audit = Audit(tmp_path / "audit", SystemClock().now)
    client = Client(store, run, audit=audit, api_keys=KEYS)
    link(client, ["email=anna@example.com"], ["email=ben@example.com"])
    orders = [order("W-1", "email=ben@example.com", source="loader")]
    client.send(RECORD_ORDERS, {"input": {"orders": orders}}, **bearer("loader"))
    yield client
    audit.close()


def link(client: Client, *keys: list[str]) -> None:
    observations = [seen(*some, source="loader") for some in keys]
    assert client.send(LINK, {"input": {"observations": observations}}, **bearer("loader")).status_code == 200


def read(client: Client, email: str) -> str:
    answer = client.send(READ % email, **bearer("desk-1")).json()["data"]["customer"]
    return answer and answer["id"]


def report(client: Client, first: int = 20, after: str | None = None) -> dict[str, Any]:
    answer = client.send(REPORT, {"first": first, "after": after}, **bearer("dpo")).json()
    assert "errors" not in answer, answer
    return answer["data"]["accessReport"]


def test_the_officer_learns_whose_data_a_key_read(client: Client) -> None:
    # given
    anna, _, ben = read(client, "anna@example.com"), read(client, "anna@example.com"), read(client, "ben@example.com")
    read(client, "nobody@example.com")
    client.send('{ order(number: "W-1") { total } }', **bearer("desk-1"))
    client.send("{ auditEntries { nodes { caller } } }", **bearer("desk-1"))
    # when
    found = report(client)
    # then
    by_id = {node["id"]: node for node in found["customers"]["nodes"]}
    assert set(by_id) == {anna, ben}
    assert by_id[anna]["accesses"] == 2
    assert by_id[anna]["firstAccessedAt"] < by_id[anna]["lastAccessedAt"]
    # and: the order that was asked for by its number was Ben's
    fields = ["Customer.emails", "Customer.id", "Identifier.value", "Order.total", "Query.customer", "Query.order"]
    assert (by_id[ben]["accesses"], by_id[ben]["fields"]) == (2, fields)
    assert [found[name] for name in ("customerCount", "entries", "denied", "asked", "unnamed")] == [2, 6, 1, 4, 1]
    assert (found["wholeExports"], found["expired"], found["unreadable"]) == ([], [], 0)


def test_customers_are_paged(client: Client) -> None:
    # given
    ids = sorted([read(client, "anna@example.com"), read(client, "ben@example.com")])
    # when
    first = report(client, 1)["customers"]
    second = report(client, 1, first["pageInfo"]["endCursor"])["customers"]
    # then
    assert [page["nodes"][0]["id"] for page in (first, second)] == ids
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second)] == [True, False]


def test_who_was_merged_since_is_found_under_the_id_of_today(client: Client) -> None:
    # given
    anna, ben = read(client, "anna@example.com"), read(client, "ben@example.com")
    # when
    link(client, ["email=anna@example.com", "crm_id=1"], ["email=ben@example.com", "crm_id=1"])
    # then
    present = {node["id"]: node["presentIds"] for node in report(client)["customers"]["nodes"]}
    now = read(client, "anna@example.com")
    assert present == {anna: [now], ben: [now]}


def test_only_who_may_read_the_log_gets_the_report(client: Client) -> None:
    answer = client.send('{ accessReport(caller: "desk-1") { entries } }', **bearer("desk-1"))
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
