"""GraphQL over HTTP: Strawberry's view, held to the specification where it is not, every error as JSON."""

from collections.abc import Mapping
from typing import Any

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from graph.identity_graph import IdentityGraph
from schema.context import Context
from schema.root import schema
from service.auth import Keys
from service.errors import formatted, internal, retry_after

RESPONSE = "application/graphql-response+json"
JSON = "application/json"


class KithView(GraphQL[Context, None]):
    """The endpoint. A caller without a valid key gets 401 before anything is read."""

    def __init__(self, graph: IdentityGraph, keys: Keys, explorer: bool) -> None:
        super().__init__(schema, graphql_ide="graphiql" if explorer else None, subscription_protocols=())
        self._graph, self._keys = graph, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except HTTPException as error:
            headers = {"Allow": "POST"} if error.status_code == 405 else None
            response = problem(error.status_code, error.reason, self._media_type(request) or JSON, headers)
        except Exception as error:
            response = _json({"errors": [internal(error)]}, 500, JSON)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method not in ("GET", "POST"):
            return problem(405, "GraphQL is asked with GET or POST", headers={"Allow": "GET, POST"})
        page = self.should_render_graphql_ide(self.request_adapter_class(request))
        if page and self.graphql_ide and "text/html" in request.headers.get("accept", ""):
            return await self.render_graphql_ide(request)
        if self._keys.caller(request.headers.get("authorization", "")) is None:
            headers = {"WWW-Authenticate": 'Bearer realm="kith"'}
            return problem(401, "a valid key is needed: Authorization: Bearer KEY", headers=headers)
        if self._media_type(request) is None:
            return problem(406, f"the answer is {RESPONSE} or {JSON}; Accept allows neither")
        response: Response = await self.run(request)
        return response

    @staticmethod
    def _media_type(request: Request) -> str | None:
        """The media type of the answer: what `Accept` prefers; `None` where it allows neither."""
        accept = request.headers.get("accept", "")
        if not accept.strip():
            return JSON
        best: tuple[float, int, str] | None = None
        for place, entry in enumerate(accept.split(",")):
            kind, *parameters = (part.strip().lower() for part in entry.split(";"))
            quality = 1.0
            for parameter in parameters:
                if parameter.startswith("q="):
                    try:
                        quality = float(parameter[2:])
                    except ValueError:
                        quality = 0.0
            offered = RESPONSE if kind == RESPONSE else JSON if kind in (JSON, "application/*", "*/*") else None
            if offered and quality > 0 and (best is None or (-quality, place) < best[:2]):
                best = (-quality, place, offered)
        return best[2] if best else None

    async def get_context(self, request: Request | WebSocket, response: Any = None) -> Context:
        """The graph and the caller; `_respond` has turned strangers away."""
        caller = self._keys.caller(request.headers.get("authorization", ""))
        if caller is None:
            raise HTTPException(401, "a valid key is needed")
        return Context(self._graph, caller)

    def should_render_graphql_ide(self, request: Any) -> bool:
        """Only for browsers that came to the bare address."""
        asks = request.method == "GET" and not request.query_params.get("query")
        return asks and "text/html" in request.headers.get("accept", "")

    def decode_json(self, data: str | bytes) -> object:
        """JSON, strictly: no NaN, no bytes that are not UTF-8, no nesting without end."""
        return orjson.loads(data)

    def encode_json(self, data: object) -> bytes:
        """JSON."""
        return orjson.dumps(data)

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData | list[GraphQLRequestData]:
        """The request; what is no GraphQL request is 400 or 415."""
        if request.method == "POST":
            kind = (request.content_type or "").split(";")[0].strip().lower()
            if kind != JSON:
                raise HTTPException(415, f"the body must be {JSON}")
            if not isinstance(self.parse_json(await request.get_body()), dict):
                raise HTTPException(400, "the body must be a JSON object")
        data = await super().parse_http_body(request)
        if isinstance(data, GraphQLRequestData):
            if not isinstance(data.query, str) or not data.query.strip():
                raise HTTPException(400, "query: a GraphQL document is needed")
            if not isinstance(data.operation_name, str | None):
                raise HTTPException(400, "operationName must be a string")
            for name, value in (("variables", data.variables), ("extensions", data.extensions)):
                if not isinstance(value, Mapping | None):
                    raise HTTPException(400, f"{name} must be an object")
        return data

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        """Run one operation; a mutation by GET is 405."""
        try:
            return await self.schema.execute(
                request_data.query,
                variable_values=request_data.variables,
                context_value=context,
                operation_name=request_data.operation_name,
                allowed_operation_types=OperationType.from_http(request_adapter.method),
            )
        except CannotGetOperationTypeError as error:
            raise HTTPException(400, f"operationName: {error.as_http_error_reason()}") from error
        except InvalidOperationTypeError as error:
            raise HTTPException(405, error.as_http_error_reason(request_adapter.method)) from error

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """The answer, with its errors as we show them; the status and media type follow from it and the request."""
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = [formatted(error) for error in result.errors]
        if result.data is not None or any(error.path for error in result.errors or ()):
            answer["data"] = result.data
        if result.extensions:
            answer["extensions"] = result.extensions
        request.state.answer = answer
        return answer  # type: ignore[return-value]

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        """An empty one: `run` makes the answer, since it knows the request."""
        return sub_response

    async def run(self, request: Any, *values: Any, **named: Any) -> Any:
        """Strawberry's run; the answer gets the media type and the status that the specification asks for."""
        response = await super().run(request, *values, **named)
        answer = getattr(request.state, "answer", None)
        if answer is None:
            return response
        media_type = self._media_type(request) or JSON
        seconds = retry_after(answer.get("errors", ()))
        if seconds is not None:
            return _json(answer, 503, media_type, {"Retry-After": str(seconds)})
        return _json(answer, 400 if "data" not in answer and media_type == RESPONSE else 200, media_type)


def _json(answer: object, status: int, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(answer), status, headers, media_type=f"{media_type}; charset=utf-8")


def problem(status: int, message: str, media_type: str = JSON, headers: Mapping[str, str] | None = None) -> Response:
    """An error before any execution, in the form of GraphQL."""
    answer = {"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]}
    return _json(answer, status, media_type, headers)
