"""Stores of released versions: what is put into them, what they show, and how they are kept in `conformance/released`.

Run in a checkout of the release, this makes them; NEO4J is the URI of an empty database:

    python -m tests.builders.released VERSION NEO4J FOLDER

It uses nothing that a release may lack but `Client`, and fields that all releases have.
"""

import asyncio
import gzip
import json
import sqlite3
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import neo4j

from graph.ports import Store
from tests.builders.clients import Client, identifiers

Json = dict[str, Any]
KEYS = (
    "crm_id=C-1",
    "email=ann@example.com",
    "crm_id=C-2",
    "crm_id=C-3",
    "login=l-one",
    "login=l-two",
    "cookie=shared-cookie",
    "device=moved-device",
    "cookie=blocked-cookie",
    "order=B-2",
    "ip=8.8.4.4",
    "cookie=revoked-cookie",
)
"""Identifiers whose customers are compared."""


def _at(day: int, hour: int = 9) -> str:
    return f"2026-03-{day:02}T{hour:02}:00:00Z"


def _send(client: Client, name: str, input_type: str, values: Json, fields: str = "") -> Json:
    query = f"mutation($input: {input_type}!) {{ {name}(input: $input) {{ {fields} errors {{ code message }} }} }}"
    result: Json = client.ask(query, {"input": values})[name]
    assert result["errors"] == [], result
    return result


def _seen(id: str, day: int, *keys: str, source: str = "web", **more: Any) -> Json:
    return {"source": source, "id": id, "seenAt": _at(day), "identifiers": identifiers(*keys), **more}


def fill(client: Client) -> None:
    """Store data of every kind: merges, a split, an undone merge, suspended and excluded links, and facts."""
    _fill_links(client)
    _fill_facts(client)
    _fill_decisions(client)


def _fill_links(client: Client) -> None:
    observations = [
        _seen("1", 1, "cookie=cookie-one", "email=ann@example.com"),
        _seen("2", 2, "crm_id=C-1", "email=ann@example.com", "phone=+41443643532", source="crm"),
        _seen("3", 3, "crm_id=C-2", "email=bob@example.com", source="crm"),
        # The device belongs to one of two customers, and the link with the other is suspended.
        _seen("4", 4, "crm_id=C-1", "device=moved-device"),
        _seen("5", 5, "crm_id=C-2", "device=moved-device"),
        # Two logins share an address, and nobody else is linked by it.
        _seen("6", 6, "login=l-one", "ip=8.8.4.4"),
        _seen("7", 6, "login=l-two", "ip=8.8.4.4"),
        _seen("8", 7, "login=l-one", "cookie=shared-cookie", party="THIRD_PARTY"),
        # Statistical links: one counts, the other is only a possible match.
        _seen("9", 8, "login=l-one", "cookie=guessed-cookie", confidence=0.97, evidence="same network"),
        _seen("10", 8, "login=l-two", "cookie=shared-cookie", confidence=0.4),
        # Two customers that are merged later, so that one id redirects.
        _seen("11", 9, "crm_id=C-3", "email=cleo@example.com", source="crm"),
        _seen("12", 10, "login=l-cleo", "cookie=cleo-cookie"),
        _seen("13", 11, "login=l-cleo", "email=cleo@example.com"),
        # Rejected, because one customer has one crm_id.
        _seen("14", 12, "crm_id=C-1", "crm_id=C-2"),
        # Its link is revoked below, and splits the customer.
        _seen("15", 13, "cookie=revoked-cookie", "crm_id=C-3", source="crm"),
        _seen("16", 13, "cookie=blocked-cookie", "crm_id=C-1"),
        _seen("17", 13, "cookie=blocked-cookie", "crm_id=C-2"),
    ]
    for observation in observations:
        # One at a time, so that ids and changes follow from the order.
        client.ask(
            "mutation($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) { results { __typename } } }",
            {"input": {"observations": [observation]}},
        )


def _fill_facts(client: Client) -> None:
    order = {
        "source": "shop",
        "number": "B-1",
        "placedAt": _at(14),
        "reportedAt": _at(14, 10),
        "currency": "CHF",
        "total": "120.50",
        "identifiers": identifiers("email=ann@example.com"),
        "lines": [{"sku": "S-1", "quantity": "2", "total": "120.50", "name": "Running shoe"}],
    }
    later = order | {"reportedAt": _at(15), "total": "60.25", "status": "SHIPPED"}
    other = order | {
        "number": "B-2",
        "placedAt": _at(16),
        "reportedAt": _at(16),
        "identifiers": identifiers("crm_id=C-3"),
    }
    for each in (order, later, other):
        _send(client, "recordOrders", "RecordOrdersInput", {"orders": [each]})
    people: list[Json] = [
        {"source": "crm", "identifiers": identifiers("crm_id=C-1"), "givenName": "Ann", "familyName": "Weber",
         "birthDate": "1980-05-31", "language": "de", "reportedAt": _at(2)},
        {"source": "shop", "identifiers": identifiers("email=ann@example.com"), "givenName": "Anna",
         "address": {"street": "Ring 1", "postalCode": "8001", "city": "Zürich", "country": "CH"},
         "reportedAt": _at(3)},
        {"source": "crm", "identifiers": identifiers("crm_id=C-2"), "givenName": "Bob", "familyName": "Weber",
         "birthDate": "1975-01-02", "reportedAt": _at(3)},
        {"source": "crm", "identifiers": identifiers("crm_id=C-3"), "name": "Cleo Roth", "reportedAt": _at(4),
         "customAttributes": [{"name": "interests", "value": "jazz"}]},
    ]  # fmt: skip
    _send(client, "recordAttributes", "RecordAttributesInput", {"attributes": people})
    consents: list[Json] = [
        {"source": "shop", "identifiers": identifiers("email=ann@example.com"), "purpose": "newsletter",
         "decision": "GIVEN", "channel": "EMAIL", "policyVersion": "v1", "decidedAt": _at(5)},
        {"source": "shop", "identifiers": identifiers("email=bob@example.com"), "purpose": "newsletter",
         "decision": "REFUSED", "decidedAt": _at(5)},
    ]  # fmt: skip
    _send(client, "recordConsents", "RecordConsentsInput", {"consents": consents})
    visits: list[Json] = [
        {"source": "web", "id": "i-1", "type": "product_viewed", "sku": "S-1", "occurredAt": _at(12),
         "identifiers": identifiers("cookie=cookie-one"), "channel": "web", "device": "mobile"},
        {"source": "mail", "id": "i-2", "type": "email_link_clicked", "campaign": "spring", "offerType": "discount",
         "occurredAt": _at(13), "identifiers": identifiers("email=ann@example.com")},
        {"source": "desk", "id": "i-3", "type": "call", "text": "asked for a refund", "occurredAt": _at(14),
         "identifiers": identifiers("phone=+41443643532"), "properties": {"minutes": 7, "tags": ["refund", None]}},
    ]  # fmt: skip
    _send(client, "recordInteractions", "RecordInteractionsInput", {"interactions": visits})
    product = {"source": "shop", "sku": "S-1", "name": "Running shoe", "brand": "Fleet", "reportedAt": _at(1)}
    product |= {"categories": ["Shoes", "Sport"]}
    _send(client, "recordProducts", "RecordProductsInput", {"products": [product]})
    segment = {
        "source": "dmp",
        "segment": "sports",
        "identifiers": identifiers("cookie=cookie-one"),
        "reportedAt": _at(7),
    }
    _send(client, "recordExternalSegments", "RecordExternalSegmentsInput", {"segments": [segment]})


def _fill_decisions(client: Client) -> None:
    pair = {"a": identifiers("login=l-two")[0], "b": identifiers("crm_id=C-2")[0]}
    _send(client, "keepTogether", "KeepTogetherInput", pair | {"reason": "confirmed by phone", "actor": "sue"})
    apart = {"a": identifiers("login=l-one")[0], "b": identifiers("cookie=guessed-cookie")[0], "actor": "sue"}
    _send(client, "keepApart", "KeepApartInput", apart | {"idempotencyKey": "apart-1"})
    blocked = {"identifier": identifiers("cookie=blocked-cookie")[0], "actor": "sue"}
    _send(client, "blockIdentifier", "BlockIdentifierInput", blocked)
    revoked = {"observations": [{"source": "crm", "id": "15"}, {"source": "web", "id": "not arrived yet"}]}
    revoke = (
        "mutation($input: RevokeObservationsInput!) { revokeObservations(input: $input) { results { __typename } } }"
    )
    client.ask(revoke, {"input": revoked})
    # Undo the merge of the two customers of Cleo.
    merges = [change for change in changes(client) if change["kind"] == "CUSTOMERS_MERGED"]
    _send(client, "undoMerge", "UndoMergeInput", {"changeId": merges[-1]["id"], "reason": "two people", "actor": "sue"})
    for name, rule in (("Known", {"known": True}), ("Shoes", {"externalSegment": {"segment": "sports"}})):
        _send(client, "createSegment", "CreateSegmentInput", {"name": name, "rule": rule})
    client._run(client.graph.segment_worker.catch_up())


VIEW = """
  id requestedId known createdAt
  identifiers(first: 50) { nodes {
    namespace value firstSeenAt lastSeenAt observationCount sources shared blocked } }
  orders(first: 10) { nodes {
    number source placedAt reportedAt status currency total lines { sku name quantity total product { name brand } } } }
  metrics { orderCount revenue { amount currency } averageOrderValue { amount currency } firstOrderAt lastOrderAt }
  profile { name { value } givenName { value source alternatives { value source } } familyName { value }
    birthDate { value } language { value } address { value { street postalCode city country } }
    textAttributes(names: ["interests"]) { values } }
  consents { identifier { namespace value } purpose channel decision current { decidedAt source policyVersion } }
  timeline(first: 50) { nodes { __typename
    ... on Interaction { source id party type occurredAt channel device campaign sku offerType text properties }
    ... on Order { number } ... on Change { change: id } } }
  externalSegments { segment source party reportedAt }
  segments { segment { name } }
  links(first: 50) { nodes { a { namespace value } b { namespace value } state reason { code } tier
    firstSeenAt lastSeenAt observationCount sources confidence } }
  possibleMatches(first: 20) { nodes { link { a { value } b { value } confidence } status } }
"""


def views(client: Client) -> Json:
    """Return the views of all customers by identifier, the changes, the overrides and the segments."""
    query = f"query($i: IdentifierInput!) {{ customer(by: {{identifier: $i}}) {{ {VIEW} }} }}"
    customers = {key: client.ask(query, {"i": identifiers(key)[0]})["customer"] for key in KEYS}
    overrides = "{ overrides(first: 50) { nodes { id kind a { value } b { value } actor reason createdAt } } }"
    segments = "{ segments(first: 50) { nodes { id name rule version memberCount } } }"
    hits = '{ searchCustomers(text: "zurich shoe ann") { nodes { customer { id } } } }'
    return {
        "customers": customers,
        "changes": changes(client),
        "overrides": client.ask(overrides)["overrides"]["nodes"],
        "segments": client.ask(segments)["segments"]["nodes"],
        "hits": client.ask(hits)["searchCustomers"]["nodes"],
    }


def changes(client: Client) -> list[Json]:
    """Return all changes, in order."""
    query = """{ changes(first: 100) { nodes { id cursor recordedAt kind customerId otherCustomerId
      identifiers { namespace value } reason summary cause { type source observationId overrideId actor } } } }"""
    return list(client.ask(query)["changes"]["nodes"])


# --- files


def file_of(folder: Path, version: str, kind: str) -> Path:
    """Return the file of a store, or with the kind `sqlite-views` or `neo4j-views` of what it shows."""
    return folder / f"{kind}-{version}.gz"


def _save(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content, mtime=0))


def expected_views(folder: Path, version: str, kind: str) -> Json:
    """Return what a store showed in its own version."""
    views: Json = json.loads(gzip.decompress(file_of(folder, version, f"{kind}-views").read_bytes()))
    return views


def load_sqlite(folder: Path, version: str, path: Path) -> None:
    """Write the file of a released version."""
    path.write_bytes(gzip.decompress(file_of(folder, version, "sqlite").read_bytes()))


async def load_neo4j(folder: Path, version: str, session: neo4j.AsyncSession) -> None:
    """Load the database of a released version into an empty one: constraints, indexes, nodes and relationships."""
    dump = json.loads(gzip.decompress(file_of(folder, version, "neo4j").read_bytes()))
    for statement in dump["schema"]:
        await (await session.run(statement)).consume()
    await (await session.run("CALL db.awaitIndexes(300)")).consume()
    for labels in {tuple(node["labels"]) for node in dump["nodes"]}:
        rows = [_decoded(node) for node in dump["nodes"] if tuple(node["labels"]) == labels]
        query = f"UNWIND $rows AS row CREATE (n:{':'.join(labels)}) SET n = row.values, n._id = row.id"
        await (await session.run(query, rows=rows)).consume()
    for type in sorted({relationship["type"] for relationship in dump["relationships"]}):
        rows = [_decoded(row) for row in dump["relationships"] if row["type"] == type]
        query = f"""UNWIND $rows AS row MATCH (a {{_id: row.start}}) MATCH (b {{_id: row.end}})
          CREATE (a)-[r:{type}]->(b) SET r = row.values"""
        await (await session.run(query, rows=rows)).consume()
    await (await session.run("MATCH (n) REMOVE n._id")).consume()


def _decoded(row: Json) -> Json:
    values = {
        name: neo4j.time.DateTime.from_iso_format(value["datetime"]) if isinstance(value, dict) else value
        for name, value in row["values"].items()
    }
    return row | {"values": values}


def _encoded(values: Mapping[str, Any]) -> Json:
    return {
        name: {"datetime": value.iso_format()} if isinstance(value, neo4j.time.DateTime) else value
        for name, value in sorted(values.items())
    }


async def _dump_neo4j(uri: str) -> Json:
    async with neo4j.AsyncGraphDatabase.driver(uri) as driver, driver.session() as session:

        async def rows(query: str) -> Sequence[Any]:
            return [record.values() async for record in await session.run(query)]

        constraints = await rows("SHOW CONSTRAINTS YIELD createStatement, name RETURN createStatement ORDER BY name")
        indexes = await rows(
            "SHOW INDEXES YIELD createStatement, name, type, owningConstraint "
            "WHERE type <> 'LOOKUP' AND owningConstraint IS NULL RETURN createStatement ORDER BY name"
        )
        nodes = await rows("MATCH (n) RETURN elementId(n), labels(n), properties(n) ORDER BY id(n)")
        relationships = await rows(
            "MATCH (a)-[r]->(b) RETURN elementId(a), elementId(b), type(r), properties(r) ORDER BY id(r)"
        )
    return {
        "schema": [statement for (statement,) in [*constraints, *indexes]],
        "nodes": [{"id": id, "labels": sorted(labels), "values": _encoded(values)} for id, labels, values in nodes],
        "relationships": [
            {"start": start, "end": end, "type": type, "values": _encoded(values)}
            for start, end, type, values in relationships
        ],
    }


def make(version: str, uri: str, folder: Path) -> None:
    """Make the files of the version that this checkout is."""
    from graph.stores.neo4j import Neo4jStore
    from graph.stores.sqlite import SQLiteStore
    from service.config import rules_file

    def filled(store: Store, runner: asyncio.Runner) -> bytes:
        runner.run(store.migrate())
        client = Client(store, runner.run)
        runner.run(client.graph.rules_control.open(rules_file.default_text()))
        fill(client)
        shown = json.dumps(views(client), ensure_ascii=False).encode()
        runner.run(client.graph.close())
        return shown

    with tempfile.TemporaryDirectory() as temporary, asyncio.Runner() as runner:
        path = Path(temporary) / "kith.db"
        _save(file_of(folder, version, "sqlite-views"), filled(SQLiteStore(path), runner))
        connection = sqlite3.connect(path)
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
        _save(file_of(folder, version, "sqlite"), path.read_bytes())
        _save(file_of(folder, version, "neo4j-views"), filled(Neo4jStore(uri), runner))
        dump = json.dumps(runner.run(_dump_neo4j(uri)), ensure_ascii=False)
        _save(file_of(folder, version, "neo4j"), dump.encode())


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
