"""The Starlette application: routes, middleware and background tasks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from service.bootstrap import Wiring
from service.config.settings import Settings
from service.http.auth import ApiKeys
from service.http.graphql_endpoint import GraphQLEndpoint
from service.http.metrics_endpoint import MetricsEndpoint

ENDPOINT = "/graphql"


class EndpointShortcut:
    """Routes HTTP requests to the GraphQL endpoint directly, because the router takes 5% of a small request's time."""

    def __init__(self, app: ASGIApp, path: str, endpoint: ASGIApp) -> None:
        self._app, self._path, self._endpoint = app, path, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        app = self._endpoint if scope["type"] == "http" and scope["path"] == self._path else self._app
        await app(scope, receive, send)


def create_app(settings: Settings, wiring: Wiring) -> Starlette:
    """Return the application over a wired graph."""
    keys = ApiKeys(settings.api_keys.get_secret_value())
    metrics = None if settings.metrics == "off" else wiring.metrics
    endpoint = GraphQLEndpoint(wiring.graph, keys, settings, metrics, wiring.traces)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        preparing = asyncio.create_task(wiring.prepare_when_available())
        calculating_rfm = asyncio.create_task(recalculate_rfm(preparing))
        segmenting = asyncio.create_task(run_segment_worker(preparing))
        yield
        segmenting.cancel()
        calculating_rfm.cancel()
        preparing.cancel()
        await wiring.graph.close()
        if wiring.traces is not None:
            await asyncio.to_thread(wiring.traces.close)

    async def recalculate_rfm(prepared: asyncio.Task[None]) -> None:
        await asyncio.wait([prepared])
        if settings.rfm_interval_seconds:
            await wiring.graph.statistics.run_periodically(settings.rfm_interval_seconds)

    async def run_segment_worker(prepared: asyncio.Task[None]) -> None:
        await asyncio.wait([prepared])
        await wiring.graph.segment_worker.run(settings.change_poll_seconds)

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        missing = await wiring.missing()
        return JSONResponse({"status": "not ready" if missing else "ok", "missing": missing}, 503 if missing else 200)

    async def home(_: Request) -> Response:
        return RedirectResponse(ENDPOINT)

    routes: list[BaseRoute] = [
        Route("/", home),
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route(ENDPOINT, endpoint),
        WebSocketRoute(ENDPOINT, endpoint),
    ]
    if metrics is not None:
        required = None if settings.metrics == "public" else keys
        routes.append(Route("/metrics", MetricsEndpoint(metrics, wiring, endpoint, required).answer))
    middleware = [Middleware(EndpointShortcut, path=ENDPOINT, endpoint=endpoint)]
    if settings.origins:
        cors = Middleware(
            CORSMiddleware, allow_origins=settings.origins, allow_methods=["GET", "POST"], allow_headers=["*"]
        )
        middleware.insert(0, cors)
    return Starlette(
        routes=routes,
        middleware=middleware,
        lifespan=lifespan,
    )
