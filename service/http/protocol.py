"""HTTP connections that no client can hold on to: the head of a request, its time and their number have limits.

uvicorn with httptools has none of these: a head of any size is copied again with each piece that arrives, and a client
that sends nothing keeps its connection forever.
"""

import asyncio
from collections.abc import Iterable
from typing import cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from service.http.responses import JSON, error_response
from service.http.websocket_protocol import WebSocketProtocol

MAX_URL_BYTES = 8_000
"""Maximum length of a request's path and query. The limits of the head are close to those of common proxies."""
MAX_HEAD_BYTES = 32_768
"""Maximum length of a request's URL and headers together."""
MAX_HEADERS = 100
"""Maximum number of headers of a request."""
MAX_FRAMING_BYTES = 32_768
"""Maximum length of what comes at once between the parts of a body: extensions of chunks, and trailers."""
TURN_BYTES = 16_384
"""Length of a piece of a body after which other connections have their turn, if nothing reads the body."""
MAX_UPGRADE_HEADER_BYTES = 8_000
"""Maximum length of one header of a WebSocket's request; the library behind it reads no longer ones."""
NEW_CONNECTION_SECONDS = 1.0
"""How long a connection that has not sent anything is spared while the service shuts down."""
LINGER_SECONDS = 2.0
"""How long what a rejected client still sends is discarded, so that it can read the answer first."""


class Connections(ServerState):
    """All connections of a server: at most `limit`, whose requests' heads arrive within `request_seconds` each.

    `closing` is set while the service shuts down: every answer then closes its connection.
    """

    def __init__(self, limit: int, request_seconds: float) -> None:
        super().__init__()
        self.limit, self.request_seconds = limit, request_seconds
        self.closing = False

    def http(self) -> list["HttpProtocol"]:
        """Return the connections that are not WebSockets."""
        return [connection for connection in self.connections if isinstance(connection, HttpProtocol)]

    def make_room(self) -> bool:
        """Return whether one more connection may be served.

        If there are too many, the one that has waited longest for its client is closed: slow clients do not keep out
        others.
        """
        if len(self.connections) <= self.limit:
            return True
        waiting = [(since, connection) for connection in self._all() if (since := connection.client_since) is not None]
        if not waiting:
            return False
        min(waiting, key=lambda pair: pair[0])[1].give_up(linger=False)
        return True

    def _all(self) -> Iterable["HttpProtocol | WebSocketProtocol"]:
        return cast("Iterable[HttpProtocol | WebSocketProtocol]", self.connections)

    def close_slow(self, now: float) -> None:
        """Close the connections whose clients have taken too long."""
        for connection in self.http():
            connection.close_if_slow(now)


class HttpProtocol(HttpToolsProtocol):
    """One connection.

    While it waits for its client, `waiting_since` is the time of the loop since when; it is `None` while a request is
    served, whose body the endpoint awaits.
    """

    server_state: Connections
    waiting_since: float | None = None
    _reading = True
    """Whether the client has begun to send something, or has never sent anything; otherwise it may be idle."""
    _in_head = False
    _began_earlier = False
    """Whether the head has begun before the piece that is being parsed."""
    _head_bytes = 0
    """The length of the further pieces of the head."""
    _piece_bytes = 0
    _in_body = False
    _body_since = 0.0
    _framing_bytes = 0
    """The length of the pieces of a body since the last one that contained a part of its content."""
    _discarding = False
    _refused = False
    _rejection: tuple[int, str] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection, or remember to refuse its request if there are too many."""
        super().connection_made(transport)
        self._refused = not self.server_state.make_room()
        self.waiting_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Parse a piece of a request."""
        if self._discarding:
            return
        self._unset_keepalive_if_required()
        self._began_earlier, self._piece_bytes = self._in_head, len(data)
        if self._in_body:
            self._framing_bytes += len(data)
        try:
            if self._parse(data):
                self.handle_websocket_upgrade()
                return
        except httptools.HttpParserError:
            self.reject(*(self._rejection or (400, "the request is not valid HTTP")))
            return
        if self._in_head and self._began_earlier:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._reject_head()
        elif self._in_body and self._framing_bytes > MAX_FRAMING_BYTES:
            self.reject(431, f"trailers or extensions of chunks are longer than {MAX_FRAMING_BYTES} bytes")
        elif self._in_body and not self.busy and len(data) > TURN_BYTES:
            # Many small chunks of a body that was answered already: other connections have their turn.
            self.flow.pause_reading()
            self.loop.call_soon(self.flow.resume_reading)
        if not self._reading and not self.busy:
            # The rest of a body that was answered already, or line ends: it is not a request, but must not last either.
            self._reading, self.waiting_since = True, self.loop.time()

    def _parse(self, data: bytes) -> bool:
        """Parse a piece and return whether it opens a WebSocket. Raises `HttpParserError`."""
        rest: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                if self._should_upgrade():
                    return True
                # Some clients offer HTTP/2 with their first request, and send its body. The parser takes what follows
                # such a head for the other protocol, or for the next request. So it gets the head without the offer.
                rest = memoryview(rest)[upgrade.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.feed_data(self._head_without_upgrade())
            else:
                return False

    def _head_without_upgrade(self) -> bytes:
        lines = [b"%s %s HTTP/%s\r\n" % (self.scope["method"].encode(), self.url, self.scope["http_version"].encode())]
        lines += [b"%s: %s\r\n" % (name, value) for name, value in self.headers if name != b"upgrade"]
        return b"".join([*lines, b"\r\n"])

    def _reject_head(self) -> None:
        if len(self.url) > MAX_URL_BYTES:
            self.reject(414, f"the URL is longer than {MAX_URL_BYTES} bytes")
        else:
            self.reject(431, f"the headers are longer than {MAX_HEAD_BYTES} bytes")

    @property
    def client_since(self) -> float | None:
        """The time of the loop since when it waits for its client, be it for the rest of a body; otherwise `None`."""
        return self._body_since if self._awaits_body() else self.waiting_since

    def _awaits_body(self) -> bool:
        return self.busy and self.cycle.more_body and not self.cycle.response_started and not self.pipeline

    @property
    def busy(self) -> bool:
        """Whether a request is being served."""
        return self.cycle is not None and not self.cycle.response_complete

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head, self._reading, self._head_bytes = True, True, 0
        self._in_body, self._framing_bytes = False, 0
        if not self.busy:
            self.waiting_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Serve a request, unless its head exceeds a limit."""
        self._rejection = self._check_head()
        if self._rejection is not None:
            # The parser must not go on; `data_received` answers.
            raise ValueError(self._rejection[1])
        if self.parser.should_upgrade() and not self._should_upgrade():
            # Another protocol than WebSocket: `_parse` begins again.
            self.scope["method"] = self.parser.get_method().decode("ascii")
            self.scope["http_version"] = self.parser.get_http_version()
            return
        self._in_head, self._reading, self.waiting_since = False, False, None
        self._in_body, self._body_since = True, self.loop.time()
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            # Trailers are not headers: whoever sends them may be another than who wrote the head.
            self.headers = []
        if self.server_state.closing and self.cycle is not None:
            self.cycle.keep_alive = False

    def _check_head(self) -> tuple[int, str] | None:
        """Return the status and the reason with which the head must be rejected, if any."""
        if self._refused:
            return 503, "too many connections are open; retry in a moment"
        if len(self.url) > MAX_URL_BYTES:
            return 414, f"the URL has {len(self.url)} bytes; {MAX_URL_BYTES} are allowed"
        if len(self.headers) > MAX_HEADERS:
            return 431, f"the request has {len(self.headers)} headers; {MAX_HEADERS} are allowed"
        # A head in one short piece needs no counting.
        if self._began_earlier or self._piece_bytes > MAX_HEAD_BYTES:
            size = len(self.url) + _length(self.headers)
            if size > MAX_HEAD_BYTES:
                return 431, f"the headers have {size} bytes; {MAX_HEAD_BYTES} are allowed"
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                return 400, "this is no proxy: CONNECT is not served"
            if self._should_upgrade() and (self.busy or self.parser.get_method() != b"GET" or self._has_body()):
                return 400, "a WebSocket is opened by GET without a body, on a connection that serves nothing else"
            longest = max((_length([header]) for header in self.headers), default=0)
            if longest > MAX_UPGRADE_HEADER_BYTES:
                return 431, f"a header has {longest} bytes; {MAX_UPGRADE_HEADER_BYTES} are allowed"
        return None

    def _has_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
            for name, value in self.headers
        )

    def on_body(self, body: bytes) -> None:
        """Add to the body of the request."""
        self._framing_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has arrived as a whole."""
        if self._in_head:
            return  # It begins again, see `_parse`.
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if not self.busy:
            self.waiting_since = self.loop.time()

    def close_if_slow(self, now: float) -> None:
        """Close the connection if the client has begun a request and taken too long, or never began one."""
        if self.waiting_since is None or self.busy or not self._reading:
            return
        limit = LINGER_SECONDS if self._discarding else self.server_state.request_seconds
        if now - self.waiting_since > limit:
            self.give_up()

    def give_up(self, linger: bool = True) -> None:
        """Stop waiting for the client: answer a begun request with 408, otherwise just close."""
        if self._in_head and not self._discarding:
            self.reject(408, "the headers did not arrive in time", linger)
        elif self._awaits_body() and not self._discarding:
            self.reject(408, "the body did not arrive in time", linger)
        else:
            self.waiting_since = None
            self.transport.close()

    def shutdown(self) -> None:
        """Close the connection if it is idle, otherwise after the answer to its request.

        A connection that is new may be about to send its request, and is waited for.
        """
        if self.busy:
            self.cycle.keep_alive = False
        elif not self._in_head and not self._discarding and self.waiting_since is not None:
            new = self.cycle is None and self.loop.time() - self.waiting_since < NEW_CONNECTION_SECONDS
            if not new:
                self.transport.close()

    def reject(self, status: int, message: str, linger: bool = True) -> None:
        """Answer a request that is not passed to the application, and end the connection."""
        if self.transport.is_closing():
            return
        if self._awaits_body():
            # The application waits for the rest of a body that cannot be read.
            self.cycle.disconnected = self.cycle.response_complete = True
            self.cycle.message_event.set()
        if self.busy:
            # The answer to an earlier request is being written, and this one must not get into it.
            self.cycle.keep_alive = False
            self._discarding = True
            return
        headers = {"Connection": "close"} | ({"Retry-After": "1"} if status == 503 else {})
        answer = error_response(status, message, JSON, headers)
        lines = [STATUS_LINE[status], *(b"%s: %s\r\n" % header for header in answer.raw_headers)]
        self.transport.write(b"".join([*lines, b"\r\n", bytes(answer.body)]))
        self._in_head, self._reading, self._discarding = False, True, True
        if linger and self.transport.can_write_eof():
            self.waiting_since = self.loop.time()
            self.transport.write_eof()
        else:
            self.waiting_since = None
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer invalid HTTP."""
        self.reject(400, msg)


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """The length of headers as they were sent, with colon, space and line end."""
    return sum(len(name) + len(value) + 4 for name, value in headers)
