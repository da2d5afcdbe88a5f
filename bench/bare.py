"""A peer of `bench.view`: a bare Starlette endpoint that runs the same Cypher and returns the record as JSON.

With a key as third argument, it checks that of each request as Kith does: by its hash, in constant time.
"""

import hashlib
import hmac
import sys

import orjson
import uvicorn
from neo4j import AsyncGraphDatabase
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.view import SELECTION
from graph.domain.profile.pages import ByKey
from graph.stores.neo4j.customer_pages import query


def main() -> None:
    """Serve the endpoint; the arguments are the URI of the database, the port and the key, if there is one."""
    expected = hashlib.sha256(sys.argv[3].encode()).digest() if len(sys.argv) > 3 else None
    driver = AsyncGraphDatabase.driver(sys.argv[1], notifications_min_severity="OFF")

    async def view(request: Request) -> Response:
        if expected is not None:
            presented = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(hashlib.sha256(presented.encode()).digest(), expected):
                return Response(status_code=401)
        body = orjson.loads(await request.body())
        text, values = query([ByKey(body["key"])], SELECTION)
        async with driver.session() as session:
            result = await session.run(text, values)
            (record,) = [record async for record in result]
        # `Record.data()` would copy the whole record, which takes as long as the work of the driver.
        return Response(orjson.dumps(dict(record.items())), media_type="application/json")

    async def ready(_: Request) -> Response:
        return Response()

    app = Starlette(routes=[Route("/view", view, methods=["POST"]), Route("/readyz", ready)])
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
