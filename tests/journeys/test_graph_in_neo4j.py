"""The Cypher queries of docs/guides/graph-in-neo4j.md, run on a small shop in a real Neo4j."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graph.stores.neo4j import Neo4jStore
from tests.builders.clients import Client, order, seen
from tests.builders.operations import set_override
from tests.builders.runs import Run
from tests.builders.stores import wipe

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "graph-in-neo4j.md"
QUERIES = dict(re.findall(r"<!-- cypher: ([\w-]+) -->\n```cypher\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
CREATE_SEGMENT = """mutation($input: CreateSegmentInput!) { createSegment(input: $input) {
  segment { id } errors { message } } }"""

pytestmark = pytest.mark.neo4j


@dataclass
class Shop:
    """Ann has three orders and a retired id. Ben uses her tablet. Cleo is his sister."""

    client: Client
    store: Neo4jStore
    run: Run
    ann: str
    retired: str
    ben: str
    cleo: str

    def query(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a query of the page."""
        return [dict(record) for record in self.run(self.store._read(QUERIES[name], **parameters))]


@pytest.fixture(scope="module")
def shop(neo4j_store: Neo4jStore, run: Run) -> Shop:
    run(wipe(neo4j_store))
    client = Client(neo4j_store, run)
    (ann,) = client.link(seen("email=ann@example.com", "cookie=cookie1", at="2026-01-01T00:00:00Z"))
    (guest,) = client.link(seen("phone=+493012345678", "cookie=cookie2", at="2026-01-02T00:00:00Z"))
    client.record(
        order("A-1", "cookie=cookie1", total="105.50", refunded="5", status="PAID", placedAt="2026-01-03T00:00:00Z"),
        order("A-2", "cookie=cookie2", total="20", status="RETURNED", placedAt="2026-01-04T00:00:00Z"),
        order("A-3", "email=ann@example.com", total="30", status="CANCELLED", placedAt="2026-01-05T00:00:00Z"),
    )
    client.link(seen("email=ann@example.com", "phone=+493012345678", source="crm", at="2026-01-06T00:00:00Z"))
    client.link(seen("email=ann@example.com", "crm_id=1", source="crm", at="2026-01-07T00:00:00Z"))
    (ben,) = client.link(seen("crm_id=2", "email=ben@example.com", source="crm", at="2026-01-08T00:00:00Z"))
    # One customer has one CRM number, so the tablet that both use stays with its newest user.
    client.link(seen("crm_id=1", "device=tablet", id="tablet-1", at="2026-01-09T00:00:00Z"))
    client.link(seen("crm_id=2", "device=tablet", id="tablet-2", at="2026-01-10T00:00:00Z"))
    for cookie in ("cookie1", "cookie3", "cookie4"):
        client.link(seen("ip=192.0.2.7", f"cookie={cookie}", at="2026-01-11T00:00:00Z"))
    (cleo,) = client.link(seen("email=cleo@example.com", "loyalty_card=CARD1", at="2026-01-12T00:00:00Z"))
    set_override(client, "keepApart", "email=ben@example.com", "email=cleo@example.com", actor="sue", reason="siblings")
    rule = {"metric": {"name": "ORDER_COUNT", "min": 1}}
    created = client.ask(CREATE_SEGMENT, {"input": {"name": "Buyers", "rule": rule}})["createSegment"]
    assert created["errors"] == []
    run(client.graph.segment_worker.catch_up())
    return Shop(client, neo4j_store, run, ann["customerId"], guest["customerId"], ben["customerId"], cleo["customerId"])


def test_the_page_has_ten_queries() -> None:
    assert len(QUERIES) == PAGE.read_text("utf-8").count("```cypher") == 10


def test_subgraph(shop: Shop) -> None:
    rows = shop.query("subgraph", key="email=ann@example.com")
    customers = {path.start_node["id"] for path in (row["membership"] for row in rows)}
    identifiers = {row["membership"].end_node["key"] for row in rows}
    links = {tuple(sorted(node["key"] for node in row["link"].nodes)) for row in rows if row["link"] is not None}
    assert customers == {shop.ann}
    assert identifiers == {
        "email=ann@example.com", "phone=+493012345678", "crm_id=1", "cookie=cookie1", "cookie=cookie2",
        "order=A-1", "order=A-2", "order=A-3",
    }  # fmt: skip
    assert ("email=ann@example.com", "phone=+493012345678") in links
    assert ("crm_id=1", "device=tablet") in links


def test_lost_links(shop: Shop) -> None:
    (row,) = shop.query("lost-links")
    assert (row["customer"], row["other_customer"]) == (shop.ann, shop.ben)
    assert row["identifiers"] == ["crm_id=1", "device=tablet"]
    assert "crm_id" in row["reason"]
    assert (row["source"], row["cause"]) == ("web", "tablet-2")
    assert abs((row["time"].to_native() - datetime.now(UTC)).total_seconds()) < 3600


def test_largest_customers(shop: Shop) -> None:
    largest, *others = shop.query("largest-customers")
    assert largest == {"customer": shop.ann, "caption": "1", "identifiers": 8, "orders": 3}
    assert others[0]["customer"] == shop.ben
    assert others[0]["identifiers"] == 3
    assert sum(row["orders"] for row in others) == 0


def test_order_path(shop: Shop) -> None:
    (row,) = shop.query("order-path", number="A-2")
    assert (row["customer"], row["status"], row["total"], row["currency"]) == (shop.ann, "returned", 20.0, "EUR")
    assert row["path"] == [
        "order=A-2", "cookie=cookie2", "phone=+493012345678", "email=ann@example.com", "crm_id=1",
    ]  # fmt: skip
    assert row["sources"] == [["shop"], ["web"], ["crm"], ["crm"]]
    assert row["placed"].to_native() == datetime(2026, 1, 4, tzinfo=UTC)


def test_shared_identifiers(shop: Shop) -> None:
    (row,) = shop.query("shared-identifiers")
    assert row == {"identifier": "ip=192.0.2.7", "sources": ["web"], "links": 3}


def test_redirects(shop: Shop) -> None:
    (row,) = shop.query("redirects", id=shop.ann)
    assert row["retired"] == shop.retired
    assert abs((row["since"].to_native() - datetime.now(UTC)).total_seconds()) < 3600


def test_changes(shop: Shop) -> None:
    rows = shop.query("changes", id=shop.retired)
    assert [row["kind"] for row in rows] == ["customer_created", "identifiers_moved", "customers_merged"]
    assert rows[0]["identifiers"] == ["cookie=cookie2", "phone=+493012345678"]
    assert (rows[2]["customer"], rows[2]["other_customer"]) == (shop.ann, shop.retired)


def test_segment_members(shop: Shop) -> None:
    (row,) = shop.query("segment-members", segment="Buyers")
    assert (row["customer"], row["caption"]) == (shop.ann, "1")
    assert abs((row["entered"].to_native() - datetime.now(UTC)).total_seconds()) < 3600


def test_overrides(shop: Shop) -> None:
    (row,) = shop.query("overrides")
    assert (row["kind"], row["actor"], row["reason"]) == ("apart", "sue", "siblings")
    assert sorted(row["identifiers"]) == ["email=ben@example.com", "email=cleo@example.com"]
    assert sorted(row["customers"]) == sorted([shop.ben, shop.cleo])
    assert abs((row["time"].to_native() - datetime.now(UTC)).total_seconds()) < 3600


def test_revenue(shop: Shop) -> None:
    rows = shop.query("revenue", key="email=ann@example.com")
    assert rows == [{"currency": "EUR", "orders": 2, "revenue": 100.5}]
    metrics = shop.client.customer("email=ann@example.com", "metrics { orderCount revenue { amount } }")["metrics"]
    assert metrics == {"orderCount": 2, "revenue": [{"amount": "100.50"}]}
