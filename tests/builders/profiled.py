"""Customers about whom everything is calculated that profiling is, and what of it is shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.builders.clients import RESULT, Client, identifiers, order
from tests.builders.operations import interaction, record
from tests.builders.runs import Run

PROFILED = """id restricted withheld { label consent reason } rfm { group } prediction { weeks } predictionStatus
  journey { stage } engagement { churnRisk emailOpenHour interactionCounts { type } }
  favorites { categories { name } brands { name } } viewedNotPurchased { sku } externalSegments { segment }
  segments { segment { name } } metrics { orderCount } orders { nodes { number } }"""
NOTHING = {
    "rfm": None, "prediction": None, "journey": None, "predictionStatus": "WITHHELD",
    "engagement": {"churnRisk": "LOW", "emailOpenHour": None, "interactionCounts": []},
    "favorites": {"categories": [], "brands": []}, "viewedNotPurchased": [], "externalSegments": [], "segments": [],
}  # fmt: skip
"""What is shown of all that is calculated, if nothing may be calculated."""
EXTERNAL = f"mutation($input: RecordExternalSegmentsInput!) {{ recordExternalSegments(input: $input) {{ {RESULT} }} }}"
CREATE = """mutation { createSegment(input: {name: "Buyers", rule: {metric: {name: ORDER_COUNT, min: 1}}}) {
  segment { id } errors { code } } }"""
MEMBERS = "query($id: ID!) { segment(id: $id) { memberCount members { nodes { id } } } }"
PREVIEW = """{ previewSegment(rule: {metric: {name: ORDER_COUNT, min: 1}}) {
  totalCustomers evaluatedCustomers matchingCustomers estimatedCount sample { id } } }"""
SEGMENT_CHANGES = "{ changes(first: 100) { nodes { kind customerId } } }"


def days_ago(days: int) -> str:
    """A time some days ago."""
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def buy(client: Client, *keys: str, name: str) -> None:
    """Record orders, interactions and an external segment at the first key."""
    lines = [{"sku": "shoe", "quantity": "1", "total": "5"}]
    client.record(*(order(f"{name}-{n}", keys[0], placedAt=days_ago(30 * n + 1), lines=lines) for n in range(3)))
    record(
        client,
        interaction("email_opened", keys[0], at=days_ago(2), campaign="spring"),
        interaction("product_viewed", keys[0], at=days_ago(3), sku="hat"),
    )
    statement = {"source": "dmp", "identifiers": identifiers(keys[0]), "segment": f"{name} buyers"}
    client.ask(EXTERNAL, {"input": {"segments": [statement]}})


def create_segment(client: Client, run: Run) -> str:
    """The id of a segment of all buyers, whose members are up to date."""
    id = client.ask(CREATE)["createSegment"]["segment"]["id"]
    run(client.graph.segment_worker.catch_up())
    return id


def shown_of(client: Client, key: str) -> dict[str, Any]:
    """What is shown of a customer."""
    customer = client.customer(key, PROFILED)
    assert customer is not None
    return customer


def is_profiled(client: Client, run: Run, key: str) -> bool:
    """Whether a customer is profiled: all of it, or nothing of it, here and in the segments of all customers."""
    run(client.graph.segment_worker.catch_up())
    run(client.graph.statistics.recalculate())
    shown = shown_of(client, key)
    members = [
        member["id"]
        for segment in client.ask("{ segments { nodes { id } } }")["segments"]["nodes"]
        for member in client.ask(MEMBERS, {"id": segment["id"]})["segment"]["members"]["nodes"]
    ]
    sample = [customer["id"] for customer in client.ask(PREVIEW)["previewSegment"]["sample"]]
    nothing = {name: shown[name] for name in NOTHING} == NOTHING
    everything = (
        shown["rfm"] is not None
        and shown["journey"] is not None
        and shown["engagement"]["interactionCounts"] != []
        and shown["externalSegments"] != []
        and shown["segments"] != []
    )
    places = {shown["id"] in members, shown["id"] in sample, everything, not nothing}
    assert len(places) == 1, (places, shown, members, sample)
    return everything
