"""OpenDSR: a register in memory, requests, and a controller that is notified of them."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from service.config import opendsr_file
from service.config.opendsr_file import OpenDSRSettings
from service.http.opendsr.register import RegisteredRequest
from tests.builders.certificates import write_pair

DOMAIN = "opendsr.shop.example"
ID = "a7551968-d5d6-44b2-9831-815ac9017798"
NOW = 1_767_600_000_000_000
"""2026-01-05T08:00:00Z in microseconds."""


def body(*keys: str, type: str = "erasure", id: str = ID, **more: Any) -> dict[str, Any]:
    """A request of version 2 for a person who is named by identifiers of any namespace."""
    identifiers = [{"namespace": key.partition("=")[0], "value": key.partition("=")[2]} for key in keys]
    return {
        "regulation": "gdpr",
        "subject_request_id": id,
        "subject_request_type": type,
        "submitted_time": "2026-01-02T15:00:00Z",
        "extensions": {DOMAIN: {"identifiers": identifiers}},
        **more,
    }


def registered(id: str = ID, **more: Any) -> RegisteredRequest:
    """A registered request."""
    defaults = {"type": "erasure", "version": 2, "caller": "dpo", "submitted": NOW, "received": NOW, "due": NOW}
    return RegisteredRequest(id, **{**defaults, "digest": "d", **more})


def write_settings(folder: Path, **more: Any) -> Path:
    """Write `opendsr.toml` with a certificate and its key; return its path."""
    write_pair(folder, DOMAIN)
    values = {
        "domain": DOMAIN,
        "controller_id": "shop",
        "certificate": "certificate.pem",
        "private_key": "key.pem",
        **more,
    }
    path = folder / "opendsr.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))
    return path


def settings_in(folder: Path, **more: Any) -> OpenDSRSettings:
    """The settings of such a file."""
    settings = opendsr_file.read(write_settings(folder, **more))
    assert settings is not None
    return settings


class Values:
    """Named values in memory. `before_replace` is called before each change, as another process may be faster."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.before_replace: Callable[[], None] = lambda: None

    async def get_value(self, name: str) -> str | None:
        return self.texts.get(name)

    async def replace_value(self, name: str, text: str, expected: str | None) -> bool:
        self.before_replace()
        if self.texts.get(name) != expected:
            return False
        self.texts[name] = text
        return True


class Controller:
    """A controller on loopback, which notes what it is notified of and answers with `status`."""

    def __init__(self, status: int = 202) -> None:
        self.status = status
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.changed = threading.Condition()
        controller = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                with controller.changed:
                    controller.received.append((dict(self.headers.items()), self.rfile.read(length)))
                    controller.changed.notify_all()
                self.send_response(controller.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/callbacks"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def statuses(self) -> list[str]:
        """What it was notified of."""
        return [json.loads(body)["request_status"] for _, body in self.received]

    def wait(self, count: int) -> None:
        """Wait until it was notified so often."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, 30)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
