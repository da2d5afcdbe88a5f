"""Subscriptions: the protocol `graphql-transport-ws`, connection limits and slow readers."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from cross_web import HTTPException
from graphql import GraphQLError
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import ConnectionInitMessage, Message

from graph.domain.model.errors import InvalidInput, ShuttingDown, StoreUnavailable
from graph.runtime.timeouts import SharedTimeout
from schema.execution.runner import ALL, ExecutionAnswer, Stage, rejection
from schema.shared.context import Context
from service.access.authentication import Authenticator
from service.access.signed_in import SignedIn
from service.access.throttle import Failure
from service.http import responses
from service.http.error_format import format_error, internal_error
from service.http.event_batches import EventBatch
from service.http.graphql_request import RequestParameters, parse_parameters
from service.http.request_body import client_address, stated_text
from service.http.websocket_protocol import CONNECTION, WebSocketProtocol
from service.observability.error_codes import INTERNAL_SERVER_ERROR
from service.observability.requests import REQUEST_ID, UNAUTHENTICATED, Transport

log = logging.getLogger("kith")

TOO_MANY_CONNECTIONS = 4290
SLOW_READER = 4080
"""Kith's own close codes, from the private range and not used by the protocol: clients may retry later."""
FORBIDDEN, INVALID_MESSAGE = 4403, 4400
"""Close codes of the protocol: the caller has no valid key, or a message is not valid."""
TRY_AGAIN_LATER = 1013
"""The registered close code of a service that cannot serve the client for now."""
NO_LONGER_VALID = "the key or token is no longer valid"
SERVICE_RESTART = 1012
"""The registered close code of a service that restarts: clients connect again."""
MAX_REASON_BYTES = 123
"""Maximum length of the reason of a close code, by the protocol."""
CLOSE_GRACE_SECONDS = 30.0
"""How long to wait for a slow reader to receive the close code."""


class ConnectionLimiter:
    """Counts the WebSockets and event streams of each caller."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open: Counter[str] = Counter()
        self.open_by_transport: Counter[Transport] = Counter()
        """Numbers of open connections."""

    def acquire(self, caller: str, transport: Transport) -> bool:
        """Count one connection more. Return whether the limit allows it."""
        if self._open[caller] >= self.limit:
            return False
        self._open[caller] += 1
        self.open_by_transport[transport] += 1
        return True

    def release(self, caller: str, transport: Transport) -> None:
        """Count one connection less."""
        self.open_by_transport[transport] -= 1
        self._open[caller] -= 1
        if not self._open[caller]:
            del self._open[caller]


def interrupted() -> ExecutionAnswer:
    """Return the answer to an operation that the end of the service interrupts."""
    error = ShuttingDown("the service is shutting down; writes of the operation may have been stored: send it again")
    return ExecutionAnswer(Stage.TIME, errors=[GraphQLError(error.message, original_error=error)])


class SlowReader(Exception):
    """A subscriber did not read an event in time."""


class EventStream:
    """A streaming response that ends if its client reads too slowly; `on_end` is called in any case."""

    def __init__(
        self, response: StreamingResponse, limit: SharedTimeout, caller: str, on_end: Callable[[], None]
    ) -> None:
        self._response, self._limit, self._caller, self._on_end = response, limit, caller, on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the response."""

        async def send_in_time(message: Any) -> None:
            try:
                with self._limit.scope():
                    await send(message)
            except TimeoutError:
                raise SlowReader from None

        try:
            await self._response(scope, receive, send_in_time)
        except* SlowReader:
            log.warning("an event stream of %s was closed: it did not read an event in time", self._caller)
        finally:
            await self._response.body_iterator.aclose()  # type: ignore[attr-defined]
            self._on_end()


class WebSocketAdapter(ASGIWebSocketAdapter):
    """Sends messages within a time limit. A client that reads too slowly gets a close code with the reason."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send one message."""
        await self._in_time(self.ws.send_text(self.view.encode_json(message)))  # type: ignore[arg-type]

    async def send_events(self, id: str, batch: EventBatch) -> None:
        """Send events of the operation with an id, by one write to the connection."""
        connection: WebSocketProtocol = self.ws.scope[CONNECTION]
        await self._in_time(connection.send_frames(batch.websocket_frames(id)))

    async def _in_time(self, sending: Awaitable[None]) -> None:
        try:
            with self.view.slow_reader.scope():  # type: ignore[attr-defined]
                await sending
        except TimeoutError:
            log.warning("a WebSocket was closed: it did not read an event in time")
            with contextlib.suppress(TimeoutError, RuntimeError):
                async with asyncio.timeout(CLOSE_GRACE_SECONDS):
                    await self.ws.close(SLOW_READER, "slow reader: an event was not read in time")
            raise WebSocketDisconnected from None
        except RuntimeError as error:
            # The socket is already closed.
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Close the socket; a reason with what a client sent, such as an id, may be longer than the protocol allows."""
        await super().close(code, reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore"))


class TransportWSHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """Strawberry's handler of the protocol, with Kith's operations, keys, limits and errors.

    An invalid operation is answered with its errors and does not affect others; an invalid message ends the connection.
    """

    signed_in: SignedIn | None = None
    """Who has signed in with the first message."""
    _ending = False
    _closing: asyncio.Task[None] | None = None

    async def handle(self) -> None:
        """Serve the socket until it closes."""
        sockets = self.view.sockets  # type: ignore[attr-defined]
        sockets.add(self)
        try:
            await super().handle()
        finally:
            sockets.discard(self)

    async def end(self, deadline: float) -> None:
        """Accept no more operations, and close the socket once those that run have ended.

        Those that have not at `deadline`, a time of the loop, are interrupted.
        """
        self._ending = True
        tasks = [operation.task for operation in self.operations.values() if operation.task]
        if tasks:
            await asyncio.wait(tasks, timeout=deadline - asyncio.get_running_loop().time())
        with contextlib.suppress(WebSocketDisconnected, RuntimeError):
            for operation in list(self.operations.values()):
                await self._send_errors(operation, interrupted())
                if operation.task:
                    operation.task.cancel()
            await self.websocket.close(SERVICE_RESTART, "the service is shutting down; connect again")

    async def handle_message(self, message: Message) -> None:
        """Handle one message of a client."""
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            await self.handle_invalid_message("a message must be an object with a type")
            return
        if message["type"] in ("subscribe", "complete") and not isinstance(message.get("id"), str):
            await self.handle_invalid_message("id must be a string")
            return
        await super().handle_message(message)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Handle the first message. Its payload may contain the key, since browsers cannot send headers."""
        payload = message.get("payload") or {}
        if not isinstance(payload, dict):
            await self.handle_invalid_message("the payload of connection_init must be an object")
            return
        presented = payload.get("authorization") or payload.get("Authorization")
        headers = self.websocket.ws.headers  # type: ignore[attr-defined]
        header = presented if isinstance(presented, str) else headers.get("authorization", "")
        reason, purpose = payload.get("reason"), payload.get("purpose")
        authenticator: Authenticator = self.view.authenticator  # type: ignore[attr-defined]
        try:
            signed_in = await authenticator.sign_in(
                header,
                reason if isinstance(reason, str) else stated_text(headers.get("kith-reason", "")),
                purpose if isinstance(purpose, str) else headers.get("kith-purpose", ""),
            )
        except InvalidInput as error:
            status = FORBIDDEN if error.code == "PURPOSE_NOT_ALLOWED" else INVALID_MESSAGE
            self._log_rejection(error.code, status)
            await self.websocket.close(status, error.message)
            return
        except StoreUnavailable as error:
            self._log_rejection(error.code, TRY_AGAIN_LATER)
            await self.websocket.close(TRY_AGAIN_LATER, error.message)
            return
        if signed_in is None:
            await self._refuse(authenticator.failed(header, client_address(self.websocket.ws.scope)))  # type: ignore[attr-defined]
            return
        if self.signed_in is None:
            connection_limiter = self.view.connection_limiter  # type: ignore[attr-defined]
            if not connection_limiter.acquire(signed_in.viewer.caller, "websocket"):
                self._log_rejection(responses.CODES[429], TOO_MANY_CONNECTIONS)
                await self.websocket.close(
                    TOO_MANY_CONNECTIONS, f"the limit of {connection_limiter.limit} open connections is reached"
                )
                return
            self.signed_in = signed_in
            self.websocket.ws.scope[CONNECTION].accept_caller()  # type: ignore[attr-defined]
        await super().handle_connection_init({"type": "connection_init", "payload": {}})

    async def _refuse(self, failure: Failure) -> None:
        """Close the socket of a caller without a valid key."""
        if failure.retry_after is not None:
            self._log_rejection("TOO_MANY_INVALID_KEYS", TOO_MANY_CONNECTIONS, failure.repeated)
            reason = f"{responses.TOO_MANY_FAILURES}; try again in {failure.retry_after} s"
            await self.websocket.close(TOO_MANY_CONNECTIONS, reason)
            return
        self._log_rejection(UNAUTHENTICATED, FORBIDDEN, failure.repeated)
        reason = "a valid key is required: authorization in the payload of connection_init"
        await self.websocket.close(FORBIDDEN, reason)

    def end_if_unauthorized(self) -> None:
        """Close the socket if its caller's key or token is no longer valid."""
        if self._ending or self.signed_in is None or self.signed_in.holds():
            return
        self._ending = True
        self._closing = asyncio.create_task(self._close_unauthorized())

    async def _close_unauthorized(self) -> None:
        with contextlib.suppress(WebSocketDisconnected, RuntimeError):
            await self.websocket.close(FORBIDDEN, NO_LONGER_VALID)

    def _log_rejection(self, code: str, status: int, repeated: bool = False) -> None:
        scope = self.websocket.ws.scope  # type: ignore[attr-defined]
        self.view.observer.socket_rejected(scope, scope[REQUEST_ID], code, status, repeated)  # type: ignore[attr-defined]

    async def shutdown(self) -> None:
        """Release the connection and everything that belongs to it."""
        if self.signed_in is not None:
            self.view.connection_limiter.release(self.signed_in.viewer.caller, "websocket")  # type: ignore[attr-defined]
            self.signed_in = None
        await super().shutdown()

    async def handle_subscribe(self, message: Any) -> None:
        """Handle an operation. An invalid request is answered with an error and does not end the connection."""
        if self.connection_acknowledged and message["id"] not in self.operations:
            limit = self.max_subscriptions_per_connection
            self.end_if_unauthorized()
            if self._closing is not None:
                return
            if self._ending:
                await self._reject(message["id"], responses.response_body(interrupted())["errors"])
                return
            if limit is not None and len(self.operations) >= limit:
                error = {
                    "message": f"the limit of {limit} operations at the same time on one connection is reached",
                    "extensions": {"code": "TOO_MANY_OPERATIONS"},
                }
                await self._reject(message["id"], [error])
                return
            try:
                message["payload"] = {"query": parse_parameters(message.get("payload"))}
            except HTTPException as error:
                await self._reject(message["id"], [format_error(GraphQLError(error.reason))])
                return
        await super().handle_subscribe(message)

    async def _reject(self, id: str, errors: list[dict[str, Any]]) -> None:
        await self.send_message(cast(Message, {"id": id, "type": "error", "payload": errors}))

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Run one operation to its end."""
        scope, headers = self.websocket.ws.scope, self.websocket.ws.headers  # type: ignore[attr-defined]
        signed_in = cast(SignedIn, self.signed_in)
        context = self.view.context(signed_in, scope)  # type: ignore[attr-defined]
        record = self.view.observer.operation_on_socket(  # type: ignore[attr-defined]
            scope[REQUEST_ID], signed_in.viewer, headers.get("traceparent", ""), headers.get("tracestate", "")
        )
        try:
            parameters = cast(RequestParameters, operation.query)
            await self.view.reach(parameters)  # type: ignore[attr-defined]
            graphql_request, _ = self.view.graphql_request(parameters)  # type: ignore[attr-defined]
            batches = self.view.event_batches(graphql_request, context, ALL, record)  # type: ignore[attr-defined]
            async with contextlib.aclosing(batches):
                async for batch in batches:
                    record.streamed(len(batch.answers), batch.failed)
                    if not batch.executed:
                        await self._send_errors(operation, batch.answers[0])
                    elif not operation.completed:
                        await self.websocket.send_events(operation.id, batch)  # type: ignore[attr-defined]
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except (InvalidInput, StoreUnavailable) as error:
            record.failed([error.code])
            await self._send_errors(operation, rejection(error))
        except WebSocketDisconnected:
            self.operations.pop(operation.id, None)
        except Exception as error:
            record.failed([INTERNAL_SERVER_ERROR])
            reply = {"id": operation.id, "type": "error", "payload": [internal_error(error)]}
            with contextlib.suppress(WebSocketDisconnected):
                await operation.send_operation_message(cast(Message, reply))
        finally:
            record.end()
            self.view.observer.operation_ended(record)  # type: ignore[attr-defined]

    async def _send_errors(self, operation: Operation[Context, None], answer: ExecutionAnswer) -> None:
        errors = responses.response_body(answer)["errors"]
        await operation.send_operation_message({"id": operation.id, "type": "error", "payload": errors})

    async def handle_task_exception(self, error: Exception) -> None:
        """Log an unexpected error without its text, which may contain data of a request."""
        internal_error(error)
