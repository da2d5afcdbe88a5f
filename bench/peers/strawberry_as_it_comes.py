"""A peer of the view: Strawberry as its documentation has it, over the same Cypher: python -m … URI PORT."""

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
    first_seen: str
    last_seen: str


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
class End:
    namespace: str
    value: str


@strawberry.type
class Link:
    a: End
    b: End
    state: str
    count: int
    last_seen: str


@strawberry.type
class Metrics:
    orders: int
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


def end(key: str) -> End:
    namespace, _, value = key.partition("=")
    return End(namespace=namespace, value=value)


def customer(record: dict) -> Customer:
    identifiers, links, orders = record["pages"]
    told = [orjson.loads(text) for _, _, text in orders[:10]]
    count, revenue, first, last, *_ = orjson.loads(record["customer"]["figures"])["EUR"]
    return Customer(
        id=record["customer"]["id"],
        known=True,
        created_at=str(record["customer"]["created_at"]),
        identifiers=[
            Identifier(
                **{name: str(one[name]) for name in ("first_seen", "last_seen")},
                **{"namespace": end(one["key"]).namespace, "value": end(one["key"]).value},
            )
            for one in identifiers[:20]
        ],
        orders=[
            Order(
                number=one["number"],
                placed_at=str(one["placed_at"]),
                status=one["status"],
                currency=one["currency"],
                total=one["total"],
                lines=[Line(sku=sku, quantity=quantity, total=total) for sku, quantity, total, _ in one["lines"]],
            )
            for one in told
        ],
        metrics=Metrics(
            orders=count, revenue=revenue, currency="EUR", first_order_at=str(first), last_order_at=str(last)
        ),
        links=[
            Link(a=end(a), b=end(b), state=one["state"], count=one["count"], last_seen=str(one["last_seen"]))
            for a, b, one in links[:20]
        ],
    )


def main() -> None:
    """Serve at a port."""
    driver = AsyncGraphDatabase.driver(sys.argv[1], notifications_min_severity="OFF")

    @strawberry.type
    class Query:
        @strawberry.field
        async def customer(self, key: str) -> Customer | None:
            text, values = query([ByKey(key)], SELECTION)
            async with driver.session() as session:
                result = await session.run(text, values)
                (record,) = [record.data() async for record in result]
            return customer(record)

    async def ready(_: Request) -> Response:
        return Response()

    routes = [Route("/readyz", ready), Mount("/graphql", GraphQL(strawberry.Schema(Query)))]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="error")


if __name__ == "__main__":
    main()
