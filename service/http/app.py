"""The Starlette application: routes, middleware and background tasks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.identity_graph import IdentityGraph
from graph.queries import rules_preview
from service.access.authentication import Authenticator
from service.access.keys import KeyRing
from service.access.processing_records import ServiceProcessingRecords
from service.access.tokens import Tokens
from service.bootstrap import SystemClock, Wiring
from service.config.settings import Settings
from service.connectors.registry import Connectors
from service.http import public_keys_endpoint
from service.http.allowed_hosts import AllowedHosts
from service.http.error_format import internal_error
from service.http.graphql_endpoint import WAITING_PART, GraphQLEndpoint
from service.http.intake_endpoint import IntakeEndpoint
from service.http.metrics_endpoint import MetricsEndpoint
from service.http.opendsr.service import open_opendsr
from service.http.public_keys_endpoint import PublicKeysEndpoint
from service.http.responses import JSON, error_response, json_response
from service.http.unsubscribe_endpoint import UnsubscribeEndpoint
from service.privacy.unsubscribe_links import PATH as UNSUBSCRIBE
from service.privacy.unsubscribe_links import UnsubscribeLinks
from service.runtime.peers import Peers
from service.runtime.worker import Worker

ENDPOINT = "/graphql"
START_SECONDS = 5
"""Longest time before a service listens whose store neither is ready nor has failed to become ready."""
PROBES = ("/livez", "/readyz")
"""Paths that every `Host` may ask for: orchestrators use addresses, and the answers reveal nothing."""


class EndpointShortcut:
    """Routes HTTP requests to the GraphQL endpoint directly, because the router takes 5% of a small request's time."""

    def __init__(self, app: ASGIApp, path: str, endpoint: ASGIApp) -> None:
        self._app, self._path, self._endpoint = app, path, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        app = self._endpoint if scope["type"] == "http" and scope["path"] == self._path else self._app
        await app(scope, receive, send)


class IntakeShortcut:
    """Routes requests of other systems to their endpoint before anything else, as it knows the origins of browsers."""

    def __init__(self, app: ASGIApp, intake: IntakeEndpoint) -> None:
        self._app, self._intake = app, intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        serves = scope["type"] == "http" and self._intake.serves(scope["path"])
        await (self._intake if serves else self._app)(scope, receive, send)


class HostCheck:
    """Rejects requests whose `Host` is not that of this service: a web page may have its own name point to it.

    Starlette's middleware of this purpose takes as long as the router, and its answers have no code.
    """

    def __init__(self, app: ASGIApp, hosts: AllowedHosts, applies: Callable[[], bool]) -> None:
        self._app, self._hosts, self._applies = app, hosts, applies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        if scope["type"] in ("http", "websocket") and scope["path"] not in PROBES and self._applies():
            # A proxy may read another one of several `Host` than the service, so all are checked.
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            if not hosts or not all(map(self._hosts.allows, hosts)):
                await error_response(421, "the Host of the request is not in KITH_ALLOWED_HOSTS")(scope, receive, send)
                return
        await self._app(scope, receive, send)


def connect_workers(graph: IdentityGraph, peers: Peers) -> None:
    """Have the workers of a service look at once for what another one has written, and find each other's previews."""

    async def ask(subject: str, id: str) -> Iterable[bytes]:
        return (await peers.ask(subject, id)).values()

    graph.on_stored = peers.announce
    graph.previews.ask_others = ask
    peers.answers(rules_preview.STATUS, graph.previews.answer)
    peers.answers(rules_preview.CANCEL, partial(graph.previews.answer, cancel=True))


async def failed(_: Request, error: Exception) -> Response:
    """Return the answer to a request outside the endpoint that failed, in the form of all errors."""
    if isinstance(error, HTTPException):
        return error_response(error.status_code, error.detail.lower(), headers=error.headers)
    return json_response({"errors": [internal_error(error)]}, 500, JSON)


def create_endpoint(settings: Settings, wiring: Wiring) -> GraphQLEndpoint:
    """Return the GraphQL endpoint over a wired graph."""
    developer = settings.profile == "development"
    roles = wiring.access.roles
    wiring.graph.decision_log = None if wiring.audit is None else wiring.audit.decisions
    authenticator = Authenticator(
        settings.api_keys.get_secret_value(),
        developer,
        KeyRing(wiring.store, SystemClock().now, developer, roles),
        None if settings.access is None else Tokens(wiring.access.issuers, lambda: wiring.graph.rules),
        open_without_keys=settings.on_loopback,
        on_failure=None if wiring.metrics is None else wiring.metrics.authentication_failed,
        roles=roles,
    )
    return GraphQLEndpoint(
        wiring.graph,
        authenticator,
        settings.without_keys(),
        wiring.metrics,
        wiring.traces,
        wiring.access.budgets,
        wiring.audit,
        ServiceProcessingRecords(
            wiring.graph, wiring.store, wiring.access, settings, SystemClock().now, wiring.audit is not None
        ),
        open_opendsr(settings, wiring, authenticator, SystemClock().now),
    )


def create_app(
    settings: Settings, wiring: Wiring, endpoint: GraphQLEndpoint, worker: Worker | None = None
) -> Starlette:
    """Return the application over a wired graph and its endpoint; `worker` is the place of one of several processes."""
    connectors = Connectors(wiring.graph, settings.connectors)
    peers = None if worker is None else Peers(worker.folder, worker.number, worker.count)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if peers is not None:
            connect_workers(wiring.graph, peers)
            await peers.open(wiring.graph.look_for_writes)
        preparing = asyncio.create_task(wiring.prepare_when_available())
        # A proxy sends requests to a process as soon as it listens, and its store would still be unavailable.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wiring.attempted.wait(), START_SECONDS)
        # Not before: a new store has no place for keys yet.
        watching = asyncio.create_task(endpoint.watch_keys())
        background = [asyncio.create_task(after(preparing, work)) for work in background_work()]
        auditing = None if wiring.audit is None else asyncio.create_task(wiring.audit.run())
        watching_erasures = asyncio.create_task(after(preparing, wiring.watch_erasures))
        watching_connectors = asyncio.create_task(connectors.watch())
        answering = None if endpoint.opendsr is None else asyncio.create_task(after(preparing, endpoint.opendsr.run))
        yield
        watching_connectors.cancel()
        for work in background:
            work.cancel()
        # What was sent is stored before the store closes, and the leases are given back.
        if background:
            await asyncio.wait(background)
        if peers is not None:
            peers.close()
        watching_erasures.cancel()
        if answering is not None:
            answering.cancel()
        if auditing is not None:
            auditing.cancel()
        preparing.cancel()
        watching.cancel()
        await wiring.graph.close()
        if wiring.audit is not None:
            await asyncio.to_thread(wiring.audit.close)
        if wiring.traces is not None:
            await asyncio.to_thread(wiring.traces.close)

    def background_work() -> list[Callable[[], Awaitable[None]]]:
        graph = wiring.graph
        # One worker is enough. Several services on one store are safe, but each does, or looks for, all of it.
        if worker is not None and not worker.is_first:
            return []
        work: list[Callable[[], Awaitable[None]]] = [
            partial(graph.segment_worker.run, settings.change_poll_seconds),
            graph.refused.run_periodically,
            partial(wiring.destinations.run, graph, wiring.store, SystemClock()),
        ]
        if settings.rfm_interval_seconds:
            work.append(partial(graph.statistics.run_periodically, settings.rfm_interval_seconds))
        if settings.retention_interval_seconds:
            work.append(partial(graph.retention.run_periodically, settings.retention_interval_seconds))
        return work

    async def after(prepared: asyncio.Task[None], work: Callable[[], Awaitable[None]]) -> None:
        await asyncio.wait([prepared])
        await work()

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        missing = {"service": "the service is shutting down"} if endpoint.shutting_down else await wiring.missing()
        answer = {"status": "not ready" if missing else "ok", "missing": missing}
        # A destination that fails is no reason to take this process out of the load balancer.
        if degraded := {} if missing else await wiring.degraded():
            answer["degraded"] = degraded
        return JSONResponse(answer, 503 if missing else 200)

    async def home(_: Request) -> Response:
        return RedirectResponse(ENDPOINT)

    paths = (ENDPOINT, f"{ENDPOINT}/")  # both answer, since a redirect would lead to the `Host` that the client names
    routes: list[BaseRoute] = [
        Route("/", home),
        Route("/livez", livez),
        Route("/readyz", readyz),
        *(Route(path, endpoint) for path in paths),
        *(WebSocketRoute(path, endpoint) for path in paths),
    ]
    if wiring.safeguards is not None:
        routes.append(Route(public_keys_endpoint.PATH, PublicKeysEndpoint(wiring.safeguards).answer))
    if endpoint.opendsr is not None:
        routes += endpoint.opendsr.routes
    if secrets := settings.secrets_of_unsubscribe_links:
        links = UnsubscribeLinks(secrets, settings.unsubscribe_url)
        unsubscribe = UnsubscribeEndpoint(wiring.graph, links, settings.request_seconds)
        routes.append(Route(f"{UNSUBSCRIBE}{{token}}", unsubscribe.answer, methods=["GET", "POST"]))
    if wiring.metrics is not None:
        required = None if settings.metrics == "public" else endpoint.authenticator
        routes.append(Route("/metrics", MetricsEndpoint(wiring.metrics, wiring, endpoint, required, peers).answer))
    middleware = [Middleware(EndpointShortcut, path=ENDPOINT, endpoint=endpoint)]
    if settings.allowed_hosts or settings.on_loopback:
        # A service that others can reach is never open, and one on loopback until it has a key.
        applies = (lambda: True) if settings.allowed_hosts else lambda: endpoint.authenticator.is_open
        middleware.insert(0, Middleware(HostCheck, hosts=AllowedHosts(settings.hosts), applies=applies))
    if settings.origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["X-Request-Id"],
        )
        middleware.insert(0, cors)
    if len(connectors):
        intake = IntakeEndpoint(
            connectors,
            wiring.graph.now,
            settings.max_body_bytes,
            settings.request_seconds,
            settings.timeout_seconds * WAITING_PART,
            None if wiring.audit is None else wiring.audit.recorder,
            None if wiring.metrics is None else wiring.metrics.authentication_failed,
        )
        middleware.insert(0, Middleware(IntakeShortcut, intake=intake))
    app = Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={HTTPException: failed, Exception: failed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app
