"""GraphQL over HTTP and WebSocket: Strawberry's view, held to the specification where it is not."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, cast

import orjson
from cross_web import HTTPException
from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http.streaming import SSETransport
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL

from graph.domain.model.errors import InvalidInput
from graph.identity_graph import IdentityGraph
from graph.runtime.timeouts import TimeLimit
from schema.execution.runner import ALL, QUERIES, Answer, Asked, Operations, refusal
from schema.root import new_context, schema
from schema.shared.context import Caller, Context
from service.config.settings import Settings
from service.http import responses
from service.http.auth import Keys
from service.http.error_format import internal
from service.http.graphql_request import Sent, from_body, from_parameters
from service.http.persisted_documents import KnownDocuments
from service.http.request_body import Heads, body_of
from service.http.responses import EVENTS, JSON, RESPONSE, as_json, media_type, problem, validated
from service.http.websockets import EventStream, Handler, SocketAdapter, Streams
from service.runtime import interpreter

NO_SUBSCRIPTIONS = ALL - {OperationType.SUBSCRIPTION}
FIRST_MESSAGE = timedelta(seconds=10)
"""How long a socket may say nothing at first."""


class KithView(GraphQL[Context, None]):
    """The endpoint. A caller without a valid key gets 401 before anything is read."""

    websocket_adapter_class = SocketAdapter
    graphql_transport_ws_handler_class = Handler

    def __init__(self, graph: IdentityGraph, keys: Keys, settings: Settings) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql" if settings.open(settings.explorer) else None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=FIRST_MESSAGE,
            max_subscriptions_per_connection=settings.max_subscriptions,
            allowed_origins=settings.origins,
        )
        self._graph, self.keys, self._settings = graph, keys, settings
        self.operations = Operations(schema, settings.limits)
        self.documents = KnownDocuments(settings.documents, settings.only_trusted, settings.automatic_documents)
        self.streams = Streams(settings.max_connections)
        self.slow_reader = TimeLimit(settings.slow_reader_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one WebSocket."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        heads = Heads(scope)
        response: ASGIApp
        try:
            response = await self._respond(Request(scope, receive), heads)
        except HTTPException as error:
            response = problem(error.status_code, error.reason, self._error_type(heads))
        except InvalidInput as error:
            response = self._answered(self._error_type(heads), refusal(error))
        except ClientDisconnect:
            return
        except Exception as error:
            response = as_json({"errors": [internal(error)]}, 500, JSON)
        await response(scope, receive, send)

    @staticmethod
    def _error_type(heads: Heads) -> str:
        accepted = media_type(heads.get(b"accept"))
        return RESPONSE if accepted == RESPONSE else JSON

    def _answered(self, kind: str, answer: Answer) -> Response:
        return responses.response(answer, kind, self._settings.statuses)

    async def _respond(self, request: Request, heads: Heads) -> ASGIApp:
        if request.method not in ("GET", "POST"):
            return problem(405, "GraphQL is asked with GET or POST", headers={"Allow": "GET, POST"})
        accept = heads.get(b"accept")
        if self.graphql_ide and request.method == "GET" and "text/html" in accept and not request.query_params:
            return await self.render_graphql_ide(request)
        caller = self.keys.caller(heads.get(b"authorization"))
        if caller is None:
            headers = {"WWW-Authenticate": 'Bearer realm="kith"'}
            return problem(401, "a valid key is needed: Authorization: Bearer KEY", headers=headers)
        kind = media_type(accept)
        if kind is None:
            return problem(406, f"the answer is {RESPONSE}, {JSON} or {EVENTS}; Accept allows none of them")
        context = new_context(self._graph, caller)
        if request.method == "GET":
            with interpreter.WorkedOn(0):
                return await self._asked_by_get(request, heads, kind, context)
        if heads.get(b"content-type").split(";")[0].strip().lower() != JSON:
            return problem(415, f"the body must be {JSON}")
        body = await body_of(request, heads, self._settings.max_body_bytes)
        with interpreter.WorkedOn(len(body)):
            return await self._asked_by_post(request, body, kind, context)

    async def _asked_by_get(self, request: Request, heads: Heads, kind: str, context: Context) -> ASGIApp:
        sent = from_parameters(request.query_params)
        asked, known = self.asked(sent)
        if not known and not self._settings.open(self._settings.get_queries):
            return problem(405, "only known documents are served by GET here", headers={"Allow": "POST"})
        if kind == EVENTS:
            return self._events(request, asked, context)
        response = self._answered(kind, await self._run(sent, asked, context, QUERIES))
        return validated(response, heads.get(b"if-none-match")) if known else response

    async def _asked_by_post(self, request: Request, body: bytes, kind: str, context: Context) -> ASGIApp:
        sent = from_body(body, self._settings.max_batch)
        if isinstance(sent, list):
            if kind == EVENTS:
                raise HTTPException(400, "a batch has one answer, not events")
            results = [responses.shown(await self._run_one(one, context)) for one in sent]
            return as_json(results, 200, kind)
        asked, _ = self.asked(sent)
        if kind == EVENTS:
            return self._events(request, asked, context)
        return self._answered(kind, await self._run(sent, asked, context, NO_SUBSCRIPTIONS))

    async def _run_one(self, sent: Sent, context: Context) -> Answer:
        """One operation of a batch, whose refusal is no one else's."""
        try:
            return await self._run(sent, self.asked(sent)[0], context, NO_SUBSCRIPTIONS)
        except InvalidInput as error:
            return refusal(error)

    def asked(self, sent: Sent) -> tuple[Asked, bool]:
        """A request with its document in hand, and whether that is a known one; raises `InvalidInput` without one."""
        text, known = self.documents.text(sent)
        return Asked(text, sent.variables, sent.operation_name, sent.tell_cost), known

    async def _run(self, sent: Sent, asked: Asked, context: Context, allowed: Collection[OperationType]) -> Answer:
        answer = await self.operations.run(asked, context, allowed)
        if answer.executed:
            self.documents.register(sent, asked.query)
        return answer

    def _events(self, request: Request, asked: Asked, context: Context) -> ASGIApp:
        """Server-sent events, in the distinct connections mode of `graphql-sse`."""
        caller = context.caller
        allowed = ALL - {OperationType.MUTATION} if request.method == "GET" else ALL
        transport = cast(SSETransport, self._get_stream_transport("sse"))
        if not self.streams.take(caller):
            return problem(429, f"{self.streams.most} connections of {caller.name} are open already")
        source = self.operations.stream(asked, context, allowed)
        chunks = self._stream_result(request, cast(Any, source), transport)
        response = StreamingResponse(chunks(), headers=dict(transport.headers))
        return EventStream(response, self.slow_reader, caller, lambda: self.streams.give(caller))

    async def process_result(self, request: Request, result: Any) -> Any:
        """An answer of a stream as JSON can hold it."""
        return responses.shown(result)

    def encode_json(self, data: object) -> str:
        """JSON as text: a WebSocket's messages must be no binary ones."""
        return orjson.dumps(data).decode()

    def decode_json(self, data: str | bytes) -> object:
        """JSON, strictly."""
        return orjson.loads(data)

    async def get_context(self, request: Request | WebSocket, response: Any = None) -> Context:
        """The context of a socket; its caller is known once its first message has come."""
        return new_context(self._graph, Caller(""))
