"""A graph with every kind of fact, and everything that can be read of it, for tests that move it between stores."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from msgspec import to_builtins

from graph.domain.model.audiences import Audience, Delivery, DeliveryStatus, WaitingChange
from graph.domain.model.erasures import Acknowledgement, Erasure, HeldOrder, KeptCount
from graph.domain.model.store_values import Writes
from graph.domain.model.stored_records import Record
from graph.domain.model.tombstones import Tombstone, TombstoneMode
from graph.domain.profile.search import SearchField
from graph.ports import Store, Work, Write
from graph.transfer.importing import import_records
from service.bootstrap import SystemClock
from tests.builders.clients import RESULT, Client, identifiers, order, seen
from tests.builders.operations import REVOKE, decide, interaction, record, remove_override, set_override, state
from tests.builders.restrictions import lift, restricted
from tests.builders.runs import Run

CREATE_SEGMENT = "mutation($i: CreateSegmentInput!) { createSegment(input: $i) { segment { id } errors { code } } }"
EXTERNAL = f"mutation($input: RecordExternalSegmentsInput!) {{ recordExternalSegments(input: $input) {{ {RESULT} }} }}"
PRODUCTS = "mutation($i: RecordProductsInput!) { recordProducts(input: $i) { errors { code } } }"
REVOKE_SOURCE = "mutation($i: RevokeSourceInput!) { revokeSource(input: $i) { errors { code } } }"
VIEW = """id known restricted createdAt
  identifiers(first: 100) { nodes { namespace value firstSeenAt lastSeenAt shared blocked observationCount } }
  profile { givenName { value } } metrics { orderCount revenue { amount currency } }
  orders(first: 50) { nodes { number total lines { sku product { name } } } }
  timeline(first: 100) { nodes { __typename } } externalSegments { segment source }
  consent(purpose: "newsletter", channel: EMAIL) { decision }"""
NODES = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on Customer {{ {VIEW} }} }} }}"
CHANGES = """{ changes(first: 100) { nodes {
  id cursor kind recordedAt customerId otherCustomerId reason reasonCode summary identifiers { namespace value }
  cause { type } } } }"""
ANN, BOB, CAT = "email=ann@example.com", "email=bob@example.com", "email=cat@example.com"


async def _exported(store: Store) -> list[Record]:
    return [record async for batch in store.export() for record in batch]


def exported(store: Store, run: Run) -> list[Record]:
    """Everything that a store holds."""
    return run(_exported(store))


async def _batches(records: Sequence[Record], size: int) -> AsyncIterator[Sequence[Record]]:
    for start in range(0, len(records), size):
        yield records[start : start + size]


def fill(store: Store, run: Run, records: Sequence[Record], batch_size: int = 7) -> None:
    """Import records into a store."""
    run(import_records(store, _batches(records, batch_size), lambda done: None))


def comparable(records: Sequence[Record]) -> list[str]:
    """Records as text, in an order that does not depend on the store."""
    return sorted(
        f"{type(record).__name__} {json.dumps(to_builtins(record, str_keys=True), sort_keys=True)}"
        for record in records
    )


def send_every_kind(client: Client, run: Run) -> None:
    """Everything that a store can hold, sent by all doors."""
    run(client.wiring.prepare())
    send_facts(client)
    send_decisions(client, run)


def send_facts(client: Client) -> None:
    client.link(
        seen("crm_id=A1", ANN, "phone=+49 30 5550101", id="1", source="shop"),
        seen("login=bob", BOB, id="2", source="shop"),
        seen("cookie=ck-111", ANN, id="3"),
        seen("cookie=ck-111", "login=cat", id="4"),
        seen("login=cat", CAT, id="5"),
        seen("crm_id=B7", "loyalty_card=9", id="6", source="partner"),
        seen("device=dev-111", CAT, confidence=0.3, id="7"),
        seen("crm_id=X1", "crm_id=X2", id="8"),
    )
    lines = [{"sku": "shoe", "quantity": "1", "total": "5"}]
    client.record(
        order("S-1", ANN, source="shop", total="10.10", lines=lines),
        order("S-2", BOB, source="shop", total="7"),
        order("S-2", source="shop", total="8", reportedAt="2026-03-02T12:00:00Z"),
        order("P-1", "loyalty_card=9", source="partner", total="99", currency="CHF"),
    )
    state(client, ANN, source="shop", givenName="Ann")
    decide(client, ANN, decision="GIVEN", at="2026-02-01T00:00:00Z", channel="EMAIL")
    record(
        client,
        interaction("product_viewed", ANN, at="2026-01-01T10:00:00Z", sku="shoe"),
        interaction("note", BOB, at="2026-01-02T10:00:00Z", text="prefers the phone"),
    )
    shoe = {"sku": "shoe", "name": "Shoe", "source": "pim", "reportedAt": "2026-01-01T00:00:00Z"}
    details = {"price": {"amount": "9.90", "currency": "EUR"}, "availability": "IN_STOCK"}
    products = [shoe | details | {"attributes": {"size": 42, "color": ["red", "blue"]}}]
    client.ask(PRODUCTS, {"i": {"products": products}})
    statement = {"source": "dmp", "identifiers": identifiers(ANN), "segment": "buyers"}
    client.ask(EXTERNAL, {"input": {"segments": [statement]}})


def send_decisions(client: Client, run: Run) -> None:
    set_override(client, "keepTogether", ANN, BOB, actor="sue", idempotencyKey="k1")
    removed = set_override(client, "keepApart", ANN, CAT, actor="sue")["override"]["id"]
    remove_override(client, removed)
    assert not set_override(client, "blockIdentifier", "cookie=ck-999", actor="sue")["errors"]
    restricted(client, CAT, idempotencyKey="k2")
    lift(client, restricted(client, BOB))
    client.ask(REVOKE, {"o": [{"source": "web", "id": "4"}, {"source": "web", "id": "unknown"}]})
    client.ask(REVOKE_SOURCE, {"i": {"source": "partner", "actor": "sue"}})
    run(client.graph.source_revocations.applied())
    rule = {"all": [{"metric": {"name": "ORDER_COUNT", "min": 1}}]}
    client.ask(CREATE_SEGMENT, {"i": {"name": "Buyers", "rule": rule}})
    run(client.graph.segment_worker.catch_up())
    newest = run(client.wiring.store.rules())[0]
    run(client.graph.rules_control.apply(newest.text + "\n# the same\n", newest.version))
    run(client.graph.rules_control.applied())
    run(client.graph.segment_worker.catch_up())
    run(client.wiring.store.put_value("note", f"at {SystemClock().now()}"))
    run(client.wiring.store.write(erasure_of_somebody_else))
    run(client.wiring.store.write(what_was_sent))


def erasure_of_somebody_else() -> Work[None]:
    """A write of what an erasure leaves in a store: the record, a tombstone and an order that the law keeps."""
    tombstone = Tombstone("ab" * 32, "order", 5, TombstoneMode.SUPPRESSED, 1, 1, "ers_1", lifted_at=7)
    kept = (KeptCount("cookie", "SHARED", 1),)
    erasure = Erasure(
        *("ers_1", "ticket 1", TombstoneMode.ERASED, 5, "officer", "she asked", "cd" * 32, ("cus_1",)),
        *((tombstone.hash,), {"identifiers": 1}, kept, 9, "tax law", (Acknowledgement("newsletter", 6),)),
    )
    order = HeldOrder(tombstone.hash, "S-9", "shop", 3, '{"currency":"EUR"}', 9, "ers_1")
    yield Write(Writes(tombstones=[tombstone], erasures=[erasure], held_orders=[order]))


def what_was_sent() -> Work[None]:
    """A write of audiences, and of addresses and changes in every state of sending."""
    audiences = [
        Audience(
            "aud_1", "tool", "seg_1", "newsletter", "EMAIL", ("email",), "l-1", {"FNAME": "given_name"}, 30, 5, "sue"
        ),
        Audience("aud_2", "ads", "seg_2", "personalized_offers", "EMAIL", ("email", "phone"), ended=True),
    ]
    deliveries = [
        Delivery("aud_1", "tool", ANN, "cus_1", "1", "1", DeliveryStatus.DONE, 5, reference="m-1"),
        Delivery("aud_1", "tool", BOB, "cus_2", "2", None, DeliveryStatus.OWED, 6, 7, 2, "503"),
        Delivery("aud_2", "ads", ANN, "", "", "1", DeliveryStatus.PENDING, 8, 9, 1, "", "job-7", "ers_1"),
        Delivery("aud_2", "ads", CAT, "cus_3", "", "1", DeliveryStatus.DEAD, 9, None, 3, "400: no such list"),
    ]
    waiting = [WaitingChange("crm", 1, "cus_1", 2, 9, "503"), WaitingChange("crm", 2, "", 1, None, "400: unknown")]
    yield Write(Writes(audiences=audiences, deliveries=deliveries, waiting_changes=waiting))


def everything_shown(client: Client, run: Run) -> dict[str, Any]:
    """Views of all customers, the feed, searches, explanations and segments."""
    run(client.wiring.prepare())
    changes = client.ask(CHANGES)
    named = {change["customerId"] for change in changes["changes"]["nodes"]} - {None}
    views = client.ask(NODES, {"ids": sorted(named)})
    searches = {
        text: run(client.graph.search(text, list(SearchField), None, 10)) for text in ("ann", "phone", "5550101", "bob")
    }
    explained = run(client.graph.why(ANN, BOB)), run(client.graph.why(ANN, CAT))
    overrides = run(client.graph.overrides(None, None, 100))
    products = run(client.graph.products(["shoe"]))
    segments = client.ask("{ segments { nodes { name memberCount ready members { nodes { id } } } } }")
    return {
        "changes": changes,
        "views": views,
        "searches": searches,
        "why": explained,
        "overrides": overrides,
        "products": products,
        "segments": segments,
    }
