"""Events through the collector, against the same statements through GraphQL, over HTTP.

    python -m bench.collector [--quick] [--store neo4j://127.0.0.1:7687] [--record]

One event in ten is an `identify` with traits, the others are page views and tracked events of browsers. Both sides get
the same statements in the same batches, in turn, each on an empty store: GraphQL gets what the mapping makes of the
events. `wrk` sends the requests.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.links_in import batched, service
from bench.report import Row, report_results, table
from bench.server import neo4j, parse_options, wipe
from bench.wrk import require_wrk, sent_once
from service.connectors.mapping import ATTRIBUTES, INTERACTION, OBSERVATION
from service.connectors.mapping_file import shipped

KEY = "wk_benchmark"
SOURCES = """
[[source]]
name = "web"
mapping = "segment"
secrets = ["file:key"]
"""
USER_AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
    "Safari/537.36"
)
PEOPLE = 20_000
BESIDE = {"source": "web", "link_traits": "true"}
WARM = 1_000
"""Events that are sent before anything is measured."""
MUTATION = """mutation Record($o: [ObservationInput!]!, $a: [AttributesInput!]!, $i: [InteractionInput!]!,
  $withO: Boolean!, $withA: Boolean!, $withI: Boolean!) {
  linkIdentifiers(input: {observations: $o}) @include(if: $withO) { results { __typename } errors { code } }
  recordAttributes(input: {attributes: $a}) @include(if: $withA) { results { __typename } errors { code } }
  recordInteractions(input: {interactions: $i}) @include(if: $withI) { results { __typename } errors { code } } }"""
VIEW = """query View($i: IdentifierInput!) { customer(by: {identifier: $i}) {
  identifiers { nodes { namespace value } } profile { familyName { value } }
  timeline(first: 50) { nodes { ... on Interaction { type occurredAt sku properties } } } } }"""


def event(number: int) -> dict[str, Any]:
    """Return an event as a browser sends it."""
    person = number * 7919 % PEOPLE
    sent = {
        "messageId": f"m-{number}",
        "anonymousId": f"anonymous-{person}",
        "timestamp": f"2026-03-01T10:{number // 60 % 60:02d}:{number % 60:02d}.000Z",
        "context": {
            "library": {"name": "analytics.js", "version": "next-1.84.3"},
            "userAgent": USER_AGENT,
            "locale": "de-DE",
            "timezone": "Europe/Berlin",
            "page": {
                "url": "https://shop.example/shoes?utm_source=letter",
                "path": "/shoes",
                "search": "?utm_source=letter",
                "title": "Shoes",
                "referrer": "https://search.example/",
            },
            "campaign": {"source": "letter", "medium": "email", "name": "spring"},
        },
    }
    if number % 10 == 0:
        traits = {"email": f"p{person}@mail.example", "firstName": "Ann", "lastName": "Lee"}
        return {**sent, "type": "identify", "userId": f"u-{person}", "traits": traits}
    if number % 10 < 4:
        page = {"url": "https://shop.example/shoes", "path": "/shoes"}
        return {**sent, "type": "page", "name": "Shoes", "properties": page}
    seen = {"sku": f"A-{number % 500}", "name": "Shoe", "price": 12.5, "category": "Shoes"}
    return {**sent, "type": "track", "userId": f"u-{person}", "event": "Product Viewed", "properties": seen}


def sources(folder: Path) -> Path:
    """Write the file of sources into a folder, and return it."""
    (folder / "key").write_text(KEY)
    file = folder / "connectors.toml"
    file.write_text(SOURCES)
    return file


def events_body(events: Sequence[dict[str, Any]]) -> str:
    """Return the body of a request of an SDK; a single event has one, too."""
    return json.dumps({"batch": events})


def camel(name: str) -> str:
    """Return the name of an attribute in GraphQL."""
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def graphql_body(events: Sequence[dict[str, Any]]) -> str:
    """Return the body of a GraphQL request with what the mapping makes of events."""
    mapping = shipped("segment")
    inputs: dict[str, list[dict[str, Any]]] = {OBSERVATION: [], ATTRIBUTES: [], INTERACTION: []}
    for sent in events:
        for made in mapping.map(sent, BESIDE) or ():
            fields = {"source": "web", **made.fields}
            del fields["party"]
            attributes = {camel(name): value for name, value in fields.pop("attributes", {}).items()}
            inputs[made.kind].append(fields | attributes)
    found = dict(zip("oai", inputs.values(), strict=True))
    chosen = {f"with{name.upper()}": bool(statements) for name, statements in found.items()}
    return json.dumps({"query": MUTATION, "variables": found | chosen})


@dataclass(slots=True)
class Side:
    """How a side gets events: the URL behind that of the service, and the body of a request."""

    path: str
    body: Callable[[Sequence[dict[str, Any]]], str]


SIDES = (Side(f"/v1/batch?writeKey={KEY}", events_body), Side("/graphql", graphql_body))


def view_of(url: str) -> Any:
    """Return what is stored of the person of the first event."""
    variables = {"i": {"namespace": "cookie", "value": event(0)["anonymousId"]}}
    found = httpx.post(f"{url}/graphql", json={"query": VIEW, "variables": variables}).json()["data"]["customer"]
    nodes = found["identifiers"]["nodes"]
    return {**found, "identifiers": {"nodes": sorted(nodes, key=lambda node: str(node["value"]))}}


def row(kind: str, store: Callable[[], str], size: int, clients: int, rounds: int, seconds: int) -> Row:
    """Measure both sides in turn, in events per second."""
    name = f"{kind}, batches of {size} from {clients}" if size > 1 else f"{kind}, single events from {clients}"
    result = Row(name, "events/s", [], "GraphQL", [], 0.8)
    count = 6_000 * seconds if size > 1 else 2_000 * seconds
    batches = batched([event(WARM + number) for number in range(count)], size)
    bodies = [[side.body(batch) for batch in batches] for side in SIDES]
    with tempfile.TemporaryDirectory() as folder:
        file = sources(Path(folder))
        for _ in range(rounds):
            views = []
            for side, sent, rates in zip(SIDES, bodies, (result.kith_rates, result.peer_rates), strict=True):
                with service(store(), KITH_CONNECTORS=str(file)) as graphql:
                    url = graphql.removesuffix("/graphql")
                    for batch in batched([event(number) for number in range(WARM)], 100):
                        headers = {"Content-Type": "application/json"}
                        httpx.post(url + side.path, content=side.body(batch), headers=headers, timeout=60)
                    views.append(view_of(url))
                    done, took = sent_once(url + side.path, sent, clients, seconds)
                    rates.append(done * size / took)
            if views[0] != views[1]:
                raise AssertionError(f"the sides have stored different things: {views}")
    return result


def mapping_alone() -> str:
    """Measure what the mapping alone costs, in microseconds of processor time a record."""
    mapping, events = shipped("segment"), [event(number) for number in range(2_000)]
    costs = []
    for _ in range(8):
        began = time.process_time()
        for sent in events:
            mapping.map(sent, BESIDE)
        costs.append((time.process_time() - began) / len(events) * 1e6)
    return (
        f"\nMapping alone costs {statistics.median(costs[1:]):.1f} us of processor time a record "
        f"({min(costs[1:]):.1f} to {max(costs[1:]):.1f}; target at most 30).\n"
    )


def main() -> None:
    """Measure and print."""
    chosen = parse_options(__doc__, quick="fewer rounds and rows")
    require_wrk()
    rounds, seconds = (2, 2) if chosen.quick else (3, 4)
    loads = ((100, 1), (1, 8)) if chosen.quick else ((100, 1), (100, 8), (1, 8))
    with tempfile.TemporaryDirectory() as folder, neo4j(chosen.store) as uri:
        files = (f"sqlite:///{folder}/{number}.db" for number in range(1_000))

        def emptied() -> str:
            asyncio.run(wipe(uri))
            return uri

        rows = [row("SQLite", lambda: next(files), *load, rounds, seconds) for load in loads]
        rows += [row("Neo4j", emptied, *load, rounds, seconds) for load in loads]
    command = f"python -m bench.collector{' --quick' if chosen.quick else ''}"
    report_results("Events", command, table(rows) + mapping_alone(), record=chosen.record)


if __name__ == "__main__":
    main()
