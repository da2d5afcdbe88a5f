"""A small real HTTP server on loopback: the base of fakes of vendors' APIs, and what makes them fail."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Received:
    """A request; the headers are by name in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass(frozen=True)
class Reply:
    """An answer. A body that is not bytes becomes JSON."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class VendorServer:
    """Keeps each request in `received` and answers by `answer`, which a fake of a vendor overrides.

    `fault` decides first: what it returns is answered instead, unless it is `None`. `replies` are answered before that,
    one for each request. While `hold()` is in effect, requests get no answer. `stop()` refuses and cuts connections;
    `start()` listens again on the same port. With `certificate`, a folder with `certificate.pem` and `key.pem`, it
    speaks TLS.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.received: list[Received] = []
        self.replies: list[Reply] = []
        self.fault: Callable[[Received], Reply | None] = lambda request: None
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()
        self._connections: set[socket.socket] = set()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self._certificate = certificate

    @property
    def url(self) -> str:
        return f"http{'s' if self._certificate else ''}://127.0.0.1:{self._port}"

    def answer(self, request: Received) -> Reply:
        """What the vendor answers, and what it holds afterward. Only one request is answered at a time."""
        return Reply()

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def start(self) -> None:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                vendor._connections.add(self.connection)

            def finish(self) -> None:
                vendor._connections.discard(self.connection)
                with suppress(OSError):
                    super().finish()

            def handle(self) -> None:
                with suppress(OSError):
                    super().handle()

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = vendor._reply(Received(self.command, parts.path, query, headers, body))
                content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                given = {"Content-Type": "application/json", "Content-Length": str(len(content)), **reply.headers}
                self.send_response(reply.status)
                for name, value in given.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_port
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate / "certificate.pem", self._certificate / "key.pem")
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _reply(self, request: Received) -> Reply:
        with self._lock:
            self.received.append(request)
        self._open.wait()
        with self._lock:
            if self.replies:
                return self.replies.pop(0)
            return self.fault(request) or self.answer(request)

    def stop(self) -> None:
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        self.release()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "VendorServer":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def every(number: int, reply: Reply, of: Callable[[Received], bool] = lambda request: True) -> Any:
    """A `fault` that answers every so many-th request with `reply`; those that `of` does not accept do not count."""
    seen = 0

    def fault(request: Received) -> Reply | None:
        nonlocal seen
        if not of(request):
            return None
        seen += 1
        return reply if seen % number == 0 else None

    return fault
