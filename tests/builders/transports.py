"""The application's transports, called as an ASGI server calls them: without sockets, so that thousands of requests are
sent in a test."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from websockets.protocol import Protocol, Side, State

from service.http.websocket_protocol import CONNECTION

STREAM_SECONDS = 30
"""How long to wait for the first event of a subscription that has none to send."""

Answer = dict[str, Any] | None
"""A GraphQL response; `None` if a stream was accepted and has not sent an event."""


class _Connection:
    """What the application uses of a server's connection. Events are received as messages of their own."""

    def __init__(self, received: asyncio.Queue[Any]) -> None:
        self._frames = Protocol(Side.CLIENT, state=State.OPEN)
        self._received = received

    def accept_caller(self) -> None:
        pass

    async def send_frames(self, frames: bytes) -> None:
        self._frames.receive_data(frames)
        for frame in self._frames.events_received():
            await self._received.put({"type": "websocket.send", "text": frame.data.decode()})


class Transports:
    """Sends documents with one caller's key."""

    def __init__(self, app: Any, key: str) -> None:
        self._app = app
        self._headers = [
            (b"host", b"localhost"),
            (b"authorization", f"Bearer {key}".encode()),
            (b"content-type", b"application/json"),
        ]

    async def post(self, texts: Sequence[str]) -> list[Answer]:
        """Send each document in a request of its own."""
        return [orjson.loads(await self._request("POST", body={"query": text})) for text in texts]

    async def get(self, texts: Sequence[str]) -> list[Answer]:
        """Send each document in the URL."""
        return [orjson.loads(await self._request("GET", query=urlencode({"query": text}))) for text in texts]

    async def batch(self, texts: Sequence[str], size: int = 100) -> list[Answer]:
        """Send the documents in batches."""
        answers: list[Answer] = []
        for start in range(0, len(texts), size):
            batch = [{"query": text} for text in texts[start : start + size]]
            answers += orjson.loads(await self._request("POST", body=batch))
        return answers

    async def sse(self, texts: Sequence[str]) -> list[Answer]:
        """Request an event stream for each document, and return its first event."""
        answers: list[Answer] = []
        for text in texts:
            received = await self._request("POST", body={"query": text}, accept=b"text/event-stream")
            data = [line[6:] for line in received.splitlines() if line.startswith(b"data: ")]
            answers.append(orjson.loads(data[0]) if data else None)
        return answers

    async def websocket(self, texts: Sequence[str]) -> list[Answer]:
        """Send the documents one after the other on one connection, and return the first message for each."""
        sent, received = asyncio.Queue[Any](), asyncio.Queue[Any]()
        headers = [*self._headers[:2], (b"sec-websocket-protocol", b"graphql-transport-ws")]
        scope = {
            "type": "websocket",
            "path": "/graphql",
            "query_string": b"",
            "headers": headers,
            "subprotocols": ["graphql-transport-ws"],
            CONNECTION: _Connection(received),
        }

        async def send(message: Any) -> None:
            await received.put(message)

        def say(**message: Any) -> None:
            sent.put_nowait({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

        async def heard() -> Any:
            return orjson.loads((await received.get())["text"])

        serving = asyncio.create_task(self._app(scope, sent.get, send))
        sent.put_nowait({"type": "websocket.connect"})
        assert (await received.get())["type"] == "websocket.accept"
        say(type="connection_init")
        assert (await heard())["type"] == "connection_ack"
        answers: list[Answer] = []
        for number, text in enumerate(texts):
            id = str(number)
            say(type="subscribe", id=id, payload={"query": text})
            answers.append(None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STREAM_SECONDS if text.startswith("subscription") else None):
                    while (message := await heard())["id"] != id or message["type"] == "complete":
                        pass
                is_error = message["type"] == "error"
                answers[-1] = {"errors": message["payload"]} if is_error else message["payload"]
            say(type="complete", id=id)
        sent.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await serving
        return answers

    async def _request(
        self, method: str, body: Any = None, query: str = "", accept: bytes = b"application/json"
    ) -> bytes:
        """Return the body of the response; of a stream, what it contains up to its first event."""
        chunks: list[bytes] = []
        ended = asyncio.Event()
        sent = False

        async def receive() -> Any:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": b"" if body is None else orjson.dumps(body)}
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STREAM_SECONDS):
                    await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            chunk = message.get("body", b"")
            chunks.append(chunk)
            if b"data: " in chunk or (message["type"] == "http.response.body" and not message.get("more_body")):
                ended.set()

        scope = {
            "type": "http",
            "method": method,
            "path": "/graphql",
            "query_string": query.encode(),
            "headers": [*self._headers, (b"accept", accept)],
            "client": ("127.0.0.1", 1),
            "http_version": "1.1",
        }
        await self._app(scope, receive, send)
        return b"".join(chunks)
