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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import pace
from service.answers import problem
from service.auth import Keys
from service.bootstrap import Wiring
from service.settings import Settings
from service.view import KithView


class LimitBody:
    """Refuses a body over the limit, before it is read where its length is told, else as soon as it gets there.

    What is within the limit is worked on at the pace of its length.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._most:
            await self._refuse(scope, receive, send)
            return
        read = 0
        # The body is read here, so that nothing has been answered yet when it proves too long.
        messages: list[Message] = []
        while True:
            message = await receive()
            messages.append(message)
            read += len(message.get("body", b""))
            if read > self._most:
                await self._refuse(scope, receive, send)
                return
            if message["type"] != "http.request" or not message.get("more_body"):
                break
        pending = iter(messages)

        async def replay() -> Message:
            return next(pending, None) or await receive()

        with pace.worked_on(read):
            await self._app(scope, replay, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        await problem(413, f"the body is larger than {self._most} bytes")(scope, receive, send)


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
        await wiring.graph.segments.run(settings.feed_seconds)

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        missing = await wiring.missing()
        return JSONResponse({"status": "not ready" if missing else "ok", "missing": missing}, 503 if missing else 200)

    async def home(_: Request) -> Response:
        return RedirectResponse("/graphql")

    middleware = [Middleware(LimitBody, most=settings.max_body_bytes)]
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
            Route("/graphql", view),
            WebSocketRoute("/graphql", view),
        ],
        middleware=middleware,
        lifespan=lifespan,
    )
