"""WebSockets whose clients can neither block the event loop nor fill the memory.

uvicorn parses all frames that have arrived at once, answers pings whether or not the answers are read, and takes large
messages from clients that have not shown a key.
"""

import asyncio
from asyncio.transports import BaseTransport
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Request
from websockets.protocol import State

CONNECTION = "kith.connection"
"""The key of the connection in the scope of a WebSocket."""
MAX_FIRST_BYTES = 16_384
"""Maximum length of a message before the caller is known."""
PART_BYTES = 4_096
"""Length of what is parsed at once; the smallest frames take a few milliseconds."""
CLOSE_SECONDS = 2.0
"""How long a client may take to answer that its WebSocket is closed."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket."""

    transport: asyncio.Transport

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self.close_timeout = CLOSE_SECONDS
        self.conn.max_message_size = MAX_FIRST_BYTES
        self._since: float = self.loop.time()
        self._is_accepted = False
        self._rest: memoryview = memoryview(b"")
        self._is_scheduled = False

    @property
    def client_since(self) -> float | None:
        """The time of the loop since when it waits for its client to show a key or to close; `None` if it is served."""
        return None if self._is_accepted and not self.close_sent else self._since

    def accept_caller(self) -> None:
        """Take messages of the full length: the caller is known."""
        self._is_accepted = True
        self.conn.max_message_size = self.config.ws_max_size

    def give_up(self, linger: bool = True) -> None:
        """Close the connection."""
        self.transport.abort()

    def connection_made(self, transport: BaseTransport) -> None:
        """Accept a connection."""
        super().connection_made(transport)
        self._since = self.loop.time()

    def handle_connect(self, event: Request) -> None:
        """Serve the request that opens the socket."""
        super().handle_connect(event)
        if not self.close_sent:
            cast(dict[str, Any], self.scope)[CONNECTION] = self

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, in parts between which other connections have their turn."""
        if len(data) <= PART_BYTES and not self._rest:
            super().data_received(data)
        else:
            # Nothing more is read until all of it is parsed.
            self._rest = memoryview(bytes(self._rest) + data)
            self._parse_part()
        self._pause_if_behind()

    def pause_writing(self) -> None:
        """Read no more until the client has read what it was sent, answers to its pings included."""
        super().pause_writing()
        self._pause_if_behind()

    def resume_writing(self) -> None:
        """Read on."""
        super().resume_writing()
        self._go_on()

    async def send_frames(self, frames: bytes) -> None:
        """Send whole frames of text at once, when the client has read most of what it was sent.

        Raises `RuntimeError` if the WebSocket is closed.
        """
        await self.writable.wait()
        if self.disconnected or self.close_sent or self.conn.state is not State.OPEN:
            raise RuntimeError("the WebSocket is closed")
        self.transport.write(frames)

    def _pause_if_behind(self) -> None:
        if (self._rest or not self.writable.is_set()) and not self.transport.is_closing():
            self.transport.pause_reading()

    def _parse_part(self) -> None:
        part, self._rest = self._rest[:PART_BYTES], self._rest[PART_BYTES:]
        super().data_received(bytes(part))
        if not self._is_scheduled:
            self._is_scheduled = True
            self.loop.call_soon(self._parse_next)

    def _parse_next(self) -> None:
        self._is_scheduled = False
        self._go_on()

    def _go_on(self) -> None:
        """Parse the next part, or read on after the last, if the client reads what it is sent."""
        if self.transport.is_closing() or not self.writable.is_set():
            return
        if self._rest:
            self._parse_part()
            self._pause_if_behind()
        elif not self.read_paused:
            self.transport.resume_reading()
