"""Subscriptions: the protocol `graphql-transport-ws`, and readers that do not read."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, cast

from cross_web import HTTPException
from graphql import GraphQLError
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import ConnectionInitMessage, Message

from graph.domain.model.errors import InvalidInput
from graph.runtime.timeouts import TimeLimit
from schema.execution.runner import ALL, Answer, refusal
from schema.shared.context import Caller, Context
from service.http import responses
from service.http.error_format import formatted, internal
from service.http.graphql_request import Sent, sent_from

log = logging.getLogger("kith")

TOO_MANY = 4290
SLOW_READER = 4080
"""Close codes of ours, of the private range and none of the protocol's own: clients may try again later."""
LAST_CHANCE_SECONDS = 30.0
"""How long a slow reader may take to find out why it was cut off."""


class Streams:
    """Counts the WebSockets and event streams of each caller."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: Counter[str] = Counter()

    def take(self, caller: Caller) -> bool:
        """Count one more, unless there are as many as may be."""
        if self._open[caller.name] >= self.most:
            return False
        self._open[caller.name] += 1
        return True

    def give(self, caller: Caller) -> None:
        """Count one less."""
        self._open[caller.name] -= 1
        if not self._open[caller.name]:
            del self._open[caller.name]


class SlowReader(Exception):
    """A subscriber left an event unread for too long."""


class EventStream:
    """A streaming response that ends when its reader does not read; `ended` is called however it ends."""

    def __init__(
        self, response: StreamingResponse, limit: TimeLimit, caller: Caller, ended: Callable[[], None]
    ) -> None:
        self._response, self._limit, self._caller, self._ended = response, limit, caller, ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the response."""

        async def within(message: Any) -> None:
            try:
                with self._limit.within():
                    await send(message)
            except TimeoutError:
                raise SlowReader from None

        try:
            await self._response(scope, receive, within)
        except* SlowReader:
            log.warning("an event stream of %s was cut off: it left an event unread", self._caller.name)
        finally:
            await self._response.body_iterator.aclose()  # type: ignore[attr-defined]
            self._ended()


class SocketAdapter(ASGIWebSocketAdapter):
    """Sends within a time; a reader that takes longer is told why, if it ever reads again."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send one message."""
        try:
            with self.view.slow_reader.within():  # type: ignore[attr-defined]
                await self.ws.send_text(self.view.encode_json(message))  # type: ignore[arg-type]
        except TimeoutError:
            log.warning("a WebSocket was cut off: it left an event unread")
            with contextlib.suppress(TimeoutError, RuntimeError):
                async with asyncio.timeout(LAST_CHANCE_SECONDS):
                    await self.ws.close(SLOW_READER, "slow reader: an event was left unread for too long")
            raise WebSocketDisconnected from None
        except RuntimeError as error:
            # Starlette's word for a socket that is closed already.
            raise WebSocketDisconnected from error


class Handler(BaseGraphQLTransportWSHandler[Context, None]):
    """Strawberry's handler of the protocol, with Kith's operations, keys, limits and errors.

    A bad operation is answered with its errors and ends no other; only a message that is none ends the connection.
    """

    _taken = False

    async def handle_message(self, message: Message) -> None:
        """One message of a client."""
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            await self.handle_invalid_message("a message must be an object with a type")
            return
        if message["type"] in ("subscribe", "complete") and not isinstance(message.get("id"), str):
            await self.handle_invalid_message("id must be a string")
            return
        await super().handle_message(message)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """The first message: the key may be in its payload, since browsers can send no headers."""
        payload = message.get("payload") or {}
        if not isinstance(payload, dict):
            await self.handle_invalid_message("the payload of connection_init must be an object")
            return
        presented = payload.get("authorization") or payload.get("Authorization")
        headers = self.websocket.ws.headers  # type: ignore[attr-defined]
        header = presented if isinstance(presented, str) else headers.get("authorization", "")
        caller = self.view.keys.caller(header)  # type: ignore[attr-defined]
        if caller is None:
            await self.websocket.close(4403, "a valid key is needed: authorization in the payload of connection_init")
            return
        if not self._taken:
            streams = self.view.streams  # type: ignore[attr-defined]
            if not streams.take(caller):
                await self.websocket.close(TOO_MANY, f"{streams.most} connections are open already")
                return
            self._taken = True
            self.context.caller = caller
        await super().handle_connection_init({"type": "connection_init", "payload": {}})

    async def shutdown(self) -> None:
        """Let go of everything."""
        if self._taken:
            self.view.streams.give(self.context.caller)  # type: ignore[attr-defined]
            self._taken = False
        await super().shutdown()

    async def handle_subscribe(self, message: Any) -> None:
        """An operation; a request that is none is answered, and ends nothing."""
        if self.connection_acknowledged and message["id"] not in self.operations:
            try:
                message["payload"] = {"query": sent_from(message.get("payload"))}
            except HTTPException as error:
                told = formatted(GraphQLError(error.reason))
                refused = {"id": message["id"], "type": "error", "payload": [told]}
                await self.send_message(cast(Message, refused))
                return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Run one operation to its end."""
        try:
            sent = cast(Sent, operation.query)
            asked, _ = self.view.asked(sent)  # type: ignore[attr-defined]
            stream = self.view.operations.stream(asked, self.context, ALL)  # type: ignore[attr-defined]
            async with contextlib.aclosing(stream):
                async for answer in stream:
                    if answer.executed:
                        payload = {"id": operation.id, "type": "next", "payload": responses.shown(answer)}
                        await operation.send_operation_message(cast(Message, payload))
                    else:
                        await self._refuse(operation, answer)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except InvalidInput as error:
            await self._refuse(operation, refusal(error))
        except WebSocketDisconnected:
            self.operations.pop(operation.id, None)

    async def _refuse(self, operation: Operation[Context, None], answer: Answer) -> None:
        errors = responses.shown(answer)["errors"]
        await operation.send_operation_message({"id": operation.id, "type": "error", "payload": errors})

    async def handle_task_exception(self, error: Exception) -> None:
        """A fault of ours: logged by its kind, never with what a caller sent."""
        internal(error)
