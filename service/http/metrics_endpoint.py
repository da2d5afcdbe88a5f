"""Serves the metrics to Prometheus."""

import asyncio
from collections.abc import Mapping

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from graph.domain.access.scopes import SERVICE_METRICS
from graph.domain.model.errors import StoreUnavailable
from service.access.authentication import Authenticator
from service.bootstrap import SystemClock, Wiring
from service.http import worker_metrics
from service.http.graphql_endpoint import GraphQLEndpoint
from service.http.request_body import client_address
from service.http.responses import error_response, unauthenticated
from service.observability.graph_metrics import GraphMetrics
from service.observability.metrics import Metrics
from service.runtime import version
from service.runtime.peers import Peers

METRICS = "metrics"
"""What a worker asks another one for."""


class MetricsEndpoint:
    """The handler of `/metrics`: Prometheus' text format, or OpenMetrics if `Accept` asks for it.

    With an `authenticator` a caller without a valid key gets 401, one whose role may not read metrics 403. The metrics
    contain no personal data, but how many identifiers there are tells who records one whether it was known. With
    `peers` the answer has the metrics of all workers.
    """

    def __init__(
        self,
        metrics: Metrics,
        wiring: Wiring,
        graphql: GraphQLEndpoint,
        authenticator: Authenticator | None,
        peers: Peers | None = None,
    ) -> None:
        self._metrics, self._wiring, self._graphql, self._authenticator = metrics, wiring, graphql, authenticator
        self._peers = peers
        if peers is not None:
            peers.answers(METRICS, self._answer_peer)
        build = {"version": version.number(), "commit": version.commit() or "unknown"}
        now = SystemClock().now
        counts = dict if wiring.audit is None else wiring.audit.counts
        self._graph = GraphMetrics(
            wiring.graph,
            wiring.store,
            now,
            self._sizes,
            self._connections,
            build,
            counts,
            wiring.destinations.sent,
        )
        metrics.register(self._graph)

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        if self._authenticator is not None and (refused := await self._refused(request, self._authenticator)):
            return refused
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(await self._collected()), media_type=content_type)

    async def _collected(self) -> Collector:
        if self._peers is None:
            await self._read()
            return self._metrics.registry
        answers, _ = await asyncio.gather(self._peers.ask(METRICS), self._read())
        others = {number: worker_metrics.decoded(answer) for number, answer in answers.items()}
        return worker_metrics.AllWorkers({self._peers.number: self._metrics.registry.collect(), **others})

    async def _read(self) -> None:
        await self._graph.read(not await self._wiring.missing())

    async def _answer_peer(self, _: str) -> bytes:
        await self._read()
        return worker_metrics.encoded(self._metrics.registry.collect())

    async def _refused(self, request: Request, authenticator: Authenticator) -> Response | None:
        """Return the answer to a caller that may not read metrics, `None` to others."""
        authorization = request.headers.get("authorization", "")
        try:
            signed_in = await authenticator.sign_in(authorization)
            if signed_in is not None:
                viewer = signed_in.viewer
                message = f"the role {viewer.role} may not read /metrics (scope {SERVICE_METRICS})"
                return None if viewer.may(SERVICE_METRICS) else error_response(403, message, code="FORBIDDEN")
        except StoreUnavailable as error:
            # The metrics say why the store is not available. On loopback there may be no keys at all.
            return None if authenticator.may_be_open else error_response(503, error.message, code=error.code)
        return unauthenticated(authenticator.failed(authorization, client_address(request.scope)))

    def _sizes(self) -> Mapping[str, int]:
        return {
            **self._graphql.operations.documents.sizes(),
            "registered_documents": self._graphql.documents.registered,
        }

    def _connections(self) -> Mapping[str, int]:
        connections = self._graphql.connection_limiter.open_by_transport
        return {"websocket": connections["websocket"], "sse": connections["sse"]}
