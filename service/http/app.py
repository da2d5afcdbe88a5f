"""The application: reads as a list."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from service.bootstrap import Wiring
from service.config.settings import Settings
from service.http.auth import Keys
from service.http.graphql_endpoint import KithView

ENDPOINT = "/graphql"


class Straight:
    """Leads what is asked of the endpoint to it without the router, which takes a twentieth of a till's request."""

    def __init__(self, app: ASGIApp, path: str, endpoint: ASGIApp) -> None:
        self._app, self._path, self._endpoint = app, path, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one WebSocket."""
        app = self._endpoint if scope["type"] == "http" and scope["path"] == self._path else self._app
        await app(scope, receive, send)


def create_app(settings: Settings, wiring: Wiring) -> Starlette:
    """The service over a graph that is wired already."""
    view = KithView(wiring.graph, Keys(settings.api_keys.get_secret_value()), settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        preparing = asyncio.create_task(wiring.prepare_when_there())
        counting = asyncio.create_task(count(preparing))
        segmenting = asyncio.create_task(segment(preparing))
        yield
        segmenting.cancel()
        counting.cancel()
        preparing.cancel()
        await wiring.graph.close()

    async def count(prepared: asyncio.Task[None]) -> None:
        await asyncio.wait([prepared])
        if settings.population_seconds:
            await wiring.graph.census.now_and_then(settings.population_seconds)

    async def segment(prepared: asyncio.Task[None]) -> None:
        await asyncio.wait([prepared])
        await wiring.graph.segment_worker.run(settings.feed_seconds)

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        missing = await wiring.missing()
        return JSONResponse({"status": "not ready" if missing else "ok", "missing": missing}, 503 if missing else 200)

    async def home(_: Request) -> Response:
        return RedirectResponse(ENDPOINT)

    middleware = [Middleware(Straight, path=ENDPOINT, endpoint=view)]
    if settings.origins:
        cors = Middleware(
            CORSMiddleware, allow_origins=settings.origins, allow_methods=["GET", "POST"], allow_headers=["*"]
        )
        middleware.insert(0, cors)
    return Starlette(
        routes=[
            Route("/", home),
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route(ENDPOINT, view),
            WebSocketRoute(ENDPOINT, view),
        ],
        middleware=middleware,
        lifespan=lifespan,
    )
