"""GraphQL over HTTP and WebSocket: Strawberry's view, made to conform to the GraphQL over HTTP specification."""

import asyncio
from asyncio import CancelledError
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import Any, cast

from cross_web import HTTPException
from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http.streaming import SSETransport, merge_stream_with_heartbeat
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL

from graph.domain.access.audit import NO_AUDIT
from graph.domain.access.processing_record import NO_PROCESSING_RECORDS, ProcessingRecords
from graph.domain.model.errors import InvalidInput, Overloaded, ShuttingDown, StoreUnavailable
from graph.domain.privacy.subject_requests import NO_SUBJECT_REQUESTS
from graph.identity_graph import IdentityGraph
from graph.runtime.timeouts import SharedTimeout
from graph.viewer_graph import ViewerGraph
from schema.execution.access import check_rules
from schema.execution.bookmarks import EXTENSION, decoded
from schema.execution.runner import ALL, QUERIES, ExecutionAnswer, GraphQLRequest, OperationRunner, rejection
from schema.root import new_context, schema
from schema.shared.context import Context
from service.access.authentication import NOT_SIGNED_IN, Authenticator
from service.access.budgets import DEFAULT_BUDGETS, Budget, LookupBudgets
from service.access.signed_in import SignedIn
from service.audit.audit import Audit
from service.config.settings import Settings
from service.http import responses
from service.http.error_format import internal_error
from service.http.event_batches import EventBatch
from service.http.event_sources import EventSources
from service.http.graphql_request import RequestParameters, parse_body, parse_query_parameters
from service.http.large_requests import LargeRequests
from service.http.open_streams import OpenStreams
from service.http.opendsr.service import OpenDSR
from service.http.persisted_documents import PersistedDocuments
from service.http.request_body import Headers, client_address, declared_length, read_body, stated_text
from service.http.responses import (
    EVENT_STREAM,
    GRAPHQL_RESPONSE_JSON,
    JSON,
    ErrorResponse,
    error_response,
    invalid_statement,
    json_response,
    media_type,
    unauthenticated,
    with_etag,
)
from service.http.websockets import ConnectionLimiter, EventStream, TransportWSHandler, WebSocketAdapter, interrupted
from service.observability.error_codes import INTERNAL_SERVER_ERROR
from service.observability.metrics import Metrics
from service.observability.request_ids import request_id
from service.observability.requests import (
    REQUEST_ID,
    OperationRecord,
    RequestObserver,
    RequestRecord,
    Traces,
    with_request_id,
)
from service.runtime import interpreter
from service.runtime.json_body import encode_json, parse_json

NO_SUBSCRIPTIONS = ALL - {OperationType.SUBSCRIPTION}
WAITING_PART = 0.5
"""Part of an operation's time that a large request may wait before it begins."""
_NOTICE = (
    '<style>#graphiql {{ height: calc(100vh - 2em) !important }}</style><p role="note" style="margin: .4em">{}</p>'
)
OPEN_NOTICE = _NOTICE.format("Open: no key is required, because only this machine can connect.")
KEY_NOTICE = _NOTICE.format("A key is required: send Authorization: Bearer KEY among the headers.")
"""What the page of GraphiQL says about access."""
BOOKMARK_HEADER = b"kith-bookmark"
CONNECTION_INIT_TIMEOUT = timedelta(seconds=10)
"""How long a WebSocket may wait before it sends `connection_init`."""


class GraphQLEndpoint(GraphQL[Context, None]):
    """The GraphQL endpoint. A caller without a valid key gets 401 before the body is read."""

    websocket_adapter_class = WebSocketAdapter
    graphql_transport_ws_handler_class = TransportWSHandler

    def __init__(
        self,
        graph: IdentityGraph,
        authenticator: Authenticator,
        settings: Settings,
        metrics: Metrics | None = None,
        traces: Traces | None = None,
        budgets: Mapping[str, Budget] = DEFAULT_BUDGETS,
        audit: Audit | None = None,
        processing: ProcessingRecords = NO_PROCESSING_RECORDS,
        opendsr: OpenDSR | None = None,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql" if settings.is_enabled(settings.graphiql) else None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=CONNECTION_INIT_TIMEOUT,
            max_subscriptions_per_connection=settings.max_subscriptions,
            allowed_origins=settings.origins,
        )
        check_rules(schema._schema)
        self.graph, self.authenticator, self._settings, self.audit = graph, authenticator, settings, audit
        self._processing, self.opendsr = processing, opendsr
        self.operations = OperationRunner(schema, settings.limits, lambda: graph.bookmarks)
        self.documents = PersistedDocuments(
            settings.documents, settings.trusted_documents_only, settings.persisted_queries
        )
        graph.erasure_listeners += (self.operations.documents.clear, self.documents.forget_registered)
        self.observer = RequestObserver(settings.slow_seconds, metrics, traces)
        self.budgets = LookupBudgets(budgets, metrics)
        self.connection_limiter = ConnectionLimiter(settings.max_connections)
        self.slow_reader = SharedTimeout(settings.slow_reader_seconds)
        self.body_timeout = SharedTimeout(settings.request_seconds)
        self.large_requests = LargeRequests(settings.timeout_seconds * WAITING_PART)
        self.sockets: set[TransportWSHandler] = set()
        self.streams = OpenStreams()
        self.event_sources = EventSources(graph, self.operations)
        graph.erasure_listeners.append(self.event_sources.forget)
        self.shutting_down = self._sockets_ended = False
        self.gave_up = False
        """Whether the operations that still run are canceled, because the time to shut down is over."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        request_headers = Headers(scope)
        id = request_id(request_headers.get(b"x-request-id"), request_headers.get(b"traceparent"))
        if scope["type"] != "http":
            scope[REQUEST_ID] = id
            refused = self._response(JSON, interrupted()) if self._sockets_ended else None
            await (refused or super().__call__)(scope, receive, with_request_id(send, id))
            return
        traceparent, tracestate = request_headers.get(b"traceparent"), request_headers.get(b"tracestate")
        record = self.observer.request(scope, id, traceparent, tracestate)
        try:
            response = await self._answer(Request(scope, receive), request_headers, record)
            await response(scope, receive, record.sending(send))
        except ClientDisconnect:
            return
        finally:
            record.end()

    async def _answer(self, request: Request, request_headers: Headers, record: RequestRecord) -> ASGIApp:
        """Return the response to a request, whatever happens, and note its error. Raises `ClientDisconnect`."""
        try:
            response = await self._respond(request, request_headers, record)
        except HTTPException as error:
            # The rest of a body that did not arrive in time cannot be told from the next request.
            headers = {"Connection": "close"} if error.status_code == 408 else None
            rejected = error_response(error.status_code, error.reason, self._error_type(request_headers), headers)
            record.codes = (rejected.code,)
            return rejected
        except (InvalidInput, Overloaded, StoreUnavailable) as error:
            record.codes = (error.code,)
            return self._response(self._error_type(request_headers), rejection(error))
        except ClientDisconnect:
            raise
        except CancelledError:
            if not self.gave_up:
                raise
            record.codes = (ShuttingDown.code,)
            return self._response(self._error_type(request_headers), interrupted())
        except Exception as error:
            record.codes = (INTERNAL_SERVER_ERROR,)
            return json_response({"errors": [internal_error(error)]}, 500, JSON)
        if isinstance(response, ErrorResponse):
            record.codes = (response.code,)
        return response

    @staticmethod
    def _error_type(request_headers: Headers) -> str:
        accepted = media_type(request_headers.get(b"accept"))
        return GRAPHQL_RESPONSE_JSON if accepted == GRAPHQL_RESPONSE_JSON else JSON

    def _response(self, kind: str, answer: ExecutionAnswer) -> Response:
        return responses.response(answer, kind, self._settings.http_status_profile)

    async def _respond(self, request: Request, request_headers: Headers, record: RequestRecord) -> ASGIApp:
        if request.method not in ("GET", "POST"):
            return error_response(405, "use GET or POST", headers={"Allow": "GET, POST"})
        accept = request_headers.get(b"accept")
        if self.graphql_ide and request.method == "GET" and "text/html" in accept and not request.query_params:
            return await self.render_graphql_ide(request)
        authorization = request_headers.get(b"authorization")
        try:
            signed_in = await self.authenticator.sign_in(
                authorization, stated_text(request_headers.get(b"kith-reason")), request_headers.get(b"kith-purpose")
            )
        except InvalidInput as error:
            return invalid_statement(error)
        if signed_in is None:
            failure = self.authenticator.failed(authorization, client_address(request.scope))
            record.failed_before = failure.repeated
            return unauthenticated(failure)
        kind = media_type(accept)
        if kind is None:
            return error_response(406, f"Accept must allow {GRAPHQL_RESPONSE_JSON}, {JSON} or {EVENT_STREAM}")
        context = self.context(signed_in, request.scope)
        if request.method == "GET":
            with interpreter.TrackedRequest(0):
                return await self._handle_get(request, request_headers, kind, context, record)
        if request_headers.get(b"content-type").split(";")[0].strip().lower() != JSON:
            return error_response(415, f"the body must be {JSON}")
        length = declared_length(request_headers)
        if length >= interpreter.LARGE_REQUEST_BYTES:
            self.large_requests.require_room(min(length, self._settings.max_body_bytes))
        with record.body:
            body = await read_body(request, request_headers, self._settings.max_body_bytes, self.body_timeout)
        if len(body) < interpreter.LARGE_REQUEST_BYTES:
            with interpreter.TrackedRequest(len(body)):
                return await self._handle_post(request, request_headers, body, kind, context, record)
        async with self.large_requests.turn(len(body)):
            with interpreter.TrackedRequest(len(body)):
                return await self._handle_post(request, request_headers, body, kind, context, record)

    def context(self, signed_in: SignedIn, scope: Scope) -> Context:
        """Return the context of an operation of a caller, with the budget of the caller and its address."""
        budget = self.budgets.of(signed_in.viewer, client_address(scope))
        audit = NO_AUDIT if self.audit is None else self.audit
        requests = NO_SUBJECT_REQUESTS if self.opendsr is None else self.opendsr.processor
        graph = ViewerGraph(self.graph, signed_in.viewer, budget)
        return new_context(graph, signed_in.holds, audit, self._processing, requests)

    async def _handle_get(
        self, request: Request, request_headers: Headers, kind: str, context: Context, record: RequestRecord
    ) -> ASGIApp:
        parameters = parse_query_parameters(request.query_params)
        await self.reach(parameters, request_headers)
        graphql_request, persisted = self.graphql_request(parameters)
        if not persisted and not self._settings.is_enabled(self._settings.get_queries):
            return error_response(405, "only persisted documents are allowed with GET", headers={"Allow": "POST"})
        if kind == EVENT_STREAM:
            return self._event_stream(request, graphql_request, context, record)
        answer = await self._run(parameters, graphql_request, context, QUERIES, record)
        if answer.extensions is not None and persisted:
            # It would make each answer another one for caches.
            answer.extensions.pop(EXTENSION, None)
        response = self._response(kind, answer)
        return with_etag(response, request_headers.get(b"if-none-match")) if persisted else response

    async def _handle_post(
        self,
        request: Request,
        request_headers: Headers,
        body: bytes,
        kind: str,
        context: Context,
        record: RequestRecord,
    ) -> ASGIApp:
        parameters = parse_body(body, self._settings.max_batch)
        if isinstance(parameters, list):
            if kind == EVENT_STREAM:
                raise HTTPException(400, "a batch cannot be answered with an event stream")
            answers = [await self._run_batched(operation, request_headers, context, record) for operation in parameters]
            return responses.batch_response(answers, kind)
        await self.reach(parameters, request_headers)
        graphql_request, _ = self.graphql_request(parameters)
        if kind == EVENT_STREAM:
            return self._event_stream(request, graphql_request, context, record)
        return self._response(kind, await self._run(parameters, graphql_request, context, NO_SUBSCRIPTIONS, record))

    async def _run_batched(
        self, parameters: RequestParameters, request_headers: Headers, context: Context, record: RequestRecord
    ) -> ExecutionAnswer:
        """Run one operation of a batch. Its rejection does not affect the others."""
        try:
            await self.reach(parameters, request_headers)
            graphql_request, _ = self.graphql_request(parameters)
        except (InvalidInput, StoreUnavailable) as error:
            answer = rejection(error)
            record.operation(context.viewer).answered(answer)
        else:
            answer = await self._run(parameters, graphql_request, context, NO_SUBSCRIPTIONS, record)
        record.operations[-1].end()
        return answer

    async def reach(self, parameters: RequestParameters, request_headers: Headers | None = None) -> None:
        """Wait until reads see what the caller has seen. Raises `InvalidInput` and `StoreUnavailable`."""
        text = parameters.bookmark
        if text is None and request_headers is not None:
            text = request_headers.get(BOOKMARK_HEADER)
        # A client may send what it got, nothing, before its first answer.
        if text is not None and text != "":
            await self.graph.reach(decoded(text))

    async def event_batches(
        self, request: GraphQLRequest, context: Context, allowed: Collection[OperationType], record: OperationRecord
    ) -> AsyncGenerator[EventBatch, None]:
        """Run an operation and yield its answers once they are recorded. The first that cannot be is the last."""
        stream = None if self.audit is None else self.audit.recorder.stream(record, context)
        batches = self.event_sources.batches(request, context, allowed, record.prepared)
        async with aclosing(batches):
            async for batch in batches:
                rejected = None if stream is None else stream.answered(batch.answers)
                if rejected is not None:
                    yield EventBatch([rejected])
                    return
                yield batch

    def graphql_request(self, parameters: RequestParameters) -> tuple[GraphQLRequest, bool]:
        """Return a request with its document, and whether the document is persisted. Raises `InvalidInput`."""
        text, persisted = self.documents.text(parameters)
        return GraphQLRequest(text, parameters.variables, parameters.operation_name, parameters.include_cost), persisted

    async def _run(
        self,
        parameters: RequestParameters,
        graphql_request: GraphQLRequest,
        context: Context,
        allowed: Collection[OperationType],
        record: RequestRecord,
    ) -> ExecutionAnswer:
        operation = record.operation(context.viewer)
        answer = await self.operations.run(graphql_request, context, allowed, operation.prepared)
        if self.audit is not None:
            answer = self.audit.recorder.operation(operation, context, answer)
        operation.answered(answer)
        if answer.executed:
            self.documents.register(parameters, graphql_request.query)
        return answer

    def _event_stream(
        self, request: Request, graphql_request: GraphQLRequest, context: Context, record: RequestRecord
    ) -> ASGIApp:
        """Return server-sent events in the distinct connections mode of `graphql-sse`."""
        caller = context.viewer.caller
        allowed = ALL - {OperationType.MUTATION} if request.method == "GET" else ALL
        transport = cast(SSETransport, self._get_stream_transport("sse"))
        if not self.connection_limiter.acquire(caller, "sse"):
            return error_response(429, f"the limit of {self.connection_limiter.limit} open connections is reached")
        operation = record.operation(context.viewer, "sse")
        batches = self.event_batches(graphql_request, context, allowed, operation)
        watched = self.streams.watched(batches, context.is_authorized)
        chunks = merge_stream_with_heartbeat(
            partial(_server_sent, watched, operation, transport),
            lambda: transport.heartbeat_message(self.encode_json),
            interval=transport.heartbeat_interval,
            send_initial_heartbeat=transport.send_initial_heartbeat,
        )
        response = StreamingResponse(chunks(), headers=dict(transport.headers))
        return EventStream(response, self.slow_reader, caller, lambda: self.connection_limiter.release(caller, "sse"))

    async def render_graphql_ide(self, request: Request) -> Response:
        """Return the page of GraphiQL, which says whether a key is required."""
        notice = OPEN_NOTICE if self.authenticator.is_open else KEY_NOTICE
        return HTMLResponse(self.graphql_ide_html.replace("<body>", f"<body>{notice}", 1))

    async def watch_keys(self) -> None:
        """Follow which keys are valid, and end the streams and sockets of callers whose right has ended."""
        try:
            await self.authenticator.watch(self._end_unauthorized)
        finally:
            self.authenticator.close()

    def _end_unauthorized(self) -> None:
        self.streams.end_unauthorized()
        for handler in list(self.sockets):
            handler.end_if_unauthorized()

    async def end_sockets(self, deadline: float) -> None:
        """Close all WebSockets as soon as their operations have ended, at the latest at a time of the loop."""
        self._sockets_ended = True
        await asyncio.gather(*(handler.end(deadline) for handler in list(self.sockets)))

    def encode_json(self, data: object) -> str:
        """Encode JSON as text: messages of a WebSocket must not be binary."""
        return encode_json(data).decode()

    def decode_json(self, data: str | bytes) -> object:
        """Decode strict JSON."""
        return parse_json(data)

    async def reject_websocket(self, request: WebSocket) -> WebSocket:
        """Refuse the handshake of a page of another origin."""
        await request.send_denial_response(error_response(403, "the Origin is not in KITH_ALLOWED_ORIGINS"))
        return request

    async def get_context(self, request: Request | WebSocket, response: Any = None) -> Context:
        """Return the context of a WebSocket. Its operations have their own, once its first message has arrived."""
        return new_context(ViewerGraph(self.graph, NOT_SIGNED_IN), lambda: False)


async def _server_sent(
    batches: AsyncGenerator[EventBatch, None], operation: OperationRecord, transport: SSETransport
) -> AsyncGenerator[Any, None]:
    """Yield the answers of a stream as server-sent events, and count them."""
    async with aclosing(batches):
        async for batch in batches:
            operation.streamed(len(batch.answers), batch.failed)
            yield batch.server_sent()
    yield transport.encode_complete()
