"""A peer of `bench.view`: Strawberry as its documentation shows it, over the same Cypher.

python -m bench.peers.plain_strawberry URI PORT
"""

import sys

import orjson
import strawberry
import uvicorn
from neo4j import AsyncGraphDatabase
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from strawberry.asgi import GraphQL

from bench.view import SELECTION
from graph.domain.profile.pages import ByKey
from graph.stores.neo4j.customer_pages import query


@strawberry.type
class Identifier:
    namespace: str
    value: str
    first_seen_at: str
    last_seen_at: str


@strawberry.type
class Line:
    sku: str
    quantity: str
    total: str


@strawberry.type
class Order:
    number: str
    placed_at: str
    status: str
    currency: str
    total: str
    lines: list[Line]


@strawberry.type
class IdentifierRef:
    namespace: str
    value: str


@strawberry.type
class Link:
    a: IdentifierRef
    b: IdentifierRef
    state: str
    observation_count: int
    last_seen_at: str


@strawberry.type
class Metrics:
    order_count: int
    revenue: str
    currency: str
    first_order_at: str
    last_order_at: str


@strawberry.type
class Customer:
    id: str
    known: bool
    created_at: str
    identifiers: list[Identifier]
    orders: list[Order]
    metrics: Metrics
    links: list[Link]


def identifier_ref(key: str) -> IdentifierRef:
    namespace, _, value = key.partition("=")
    return IdentifierRef(namespace=namespace, value=value)


def to_customer(record: dict) -> Customer:
    identifiers, links, stored_orders = record["pages"]
    orders = [orjson.loads(facts) for _, _, facts in stored_orders[:10]]
    order_count, revenue, first, last, *_ = orjson.loads(record["customer"]["order_totals"])["EUR"]
    return Customer(
        id=record["customer"]["id"],
        known=True,
        created_at=str(record["customer"]["created_at"]),
        identifiers=[
            Identifier(
                namespace=identifier_ref(identifier["key"]).namespace,
                value=identifier_ref(identifier["key"]).value,
                first_seen_at=str(identifier["first_seen_at"]),
                last_seen_at=str(identifier["last_seen_at"]),
            )
            for identifier in identifiers[:20]
        ],
        orders=[
            Order(
                number=order["number"],
                placed_at=str(order["placed_at"]),
                status=order["status"],
                currency=order["currency"],
                total=order["total"],
                lines=[Line(sku=sku, quantity=quantity, total=total) for sku, quantity, total, _ in order["lines"]],
            )
            for order in orders
        ],
        metrics=Metrics(
            order_count=order_count, revenue=revenue, currency="EUR", first_order_at=str(first), last_order_at=str(last)
        ),
        links=[
            Link(
                a=identifier_ref(a),
                b=identifier_ref(b),
                state=link["state"],
                observation_count=link["observation_count"],
                last_seen_at=str(link["last_seen_at"]),
            )
            for a, b, link in links[:20]
        ],
    )


def main() -> None:
    """Serve the schema; the arguments are the URI of the database and the port."""
    driver = AsyncGraphDatabase.driver(sys.argv[1], notifications_min_severity="OFF")

    @strawberry.type
    class Query:
        @strawberry.field
        async def customer(self, key: str) -> Customer | None:
            text, values = query([ByKey(key)], SELECTION)
            async with driver.session() as session:
                result = await session.run(text, values)
                (record,) = [record.data() async for record in result]
            return to_customer(record)

    async def ready(_: Request) -> Response:
        return Response()

    routes = [Route("/readyz", ready), Mount("/graphql", GraphQL(strawberry.Schema(Query)))]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="error")


if __name__ == "__main__":
    main()
