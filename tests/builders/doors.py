"""A proxy in front of the service, as a load balancer is: it refuses requests, loses answers, or delivers twice."""

import contextlib
import gzip
import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}


@dataclass(frozen=True)
class Passed:
    """A request, and the status that its sender got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def sent(self) -> Any:
        """The JSON of the body, whatever the content type says."""
        packed = self.headers.get("content-encoding") == "gzip"
        return json.loads(gzip.decompress(self.body) if packed else self.body)

    @property
    def message_ids(self) -> list[str]:
        """The ids of the messages in the body: those of a batch, or the one."""
        return [item["messageId"] for item in self.sent.get("batch", [self.sent])] if self.method == "POST" else []


class Door:
    """Forwards requests to a port of this machine, one connection each."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.passed: list[Passed] = []
        self.refusing = False
        """Whether requests with messages are answered 503 without being forwarded, as while no service is there."""
        self.retry_after: int | None = None
        """Seconds that refusals name."""
        self.answers_lost = 0
        """The number of next requests with messages that are forwarded and answered 503 nevertheless."""
        self.twice = False
        """Whether requests with messages are delivered two times."""
        self._lock = threading.Lock()
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                with contextlib.suppress(ConnectionError):
                    door._answer(self, body)

            do_GET = do_POST = do_OPTIONS = _serve

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def posts(self, status: int | None = None) -> list[Passed]:
        """The requests with messages, or those that were answered with a status."""
        return [one for one in self.passed if one.method == "POST" and status in (None, one.status)]

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition is met, which other processes bring about."""
        for _ in range(1_200):
            if condition():
                return
            time.sleep(0.1)
        seen = [(one.method, one.path, one.status) for one in self.passed]
        raise AssertionError(f"not within 120 s: {what}; passed: {seen}")

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        posted = handler.command == "POST"
        headers = {name.lower(): value for name, value in handler.headers.items()}
        status, given, content = 503, [], b""
        if not (posted and self.refusing):
            for _ in range(2 if posted and self.twice else 1):
                status, given, content = self._forward(handler.command, handler.path, headers, body)
            with self._lock:
                if posted and self.answers_lost > 0:
                    self.answers_lost -= 1
                    status, given, content = 503, [], b""
        elif self.retry_after is not None:
            given = [("Retry-After", str(self.retry_after))]
        self.passed.append(Passed(handler.command, handler.path, headers, body, status))
        handler.send_response(status)
        for name, value in given:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._target, timeout=60)
        try:
            kept = {name: value for name, value in headers.items() if name not in HOP_BY_HOP}
            connection.request(method, path, body or None, kept)
            answer = connection.getresponse()
            content = answer.read()
            named = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
            return answer.status, named, content
        finally:
            connection.close()
