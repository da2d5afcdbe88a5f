"""The real service in a process of its own, and the tools that check it from outside."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tools.neo4j.guard import guard, release

ROOT = Path(__file__).parents[2]
API = ROOT / "tools" / "api"
TOOLS = ROOT / ".venv-api" / "bin"


class Service:
    """`kith serve`, asked over HTTP."""

    def __init__(self, store: str, folder: Path, **settings: object) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.store = store
        self.url = f"http://127.0.0.1:{self.port}/graphql"
        self.socket = f"ws://127.0.0.1:{self.port}/graphql"
        self.log = folder / f"service-{self.port}.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KITH_")}
        chosen = {f"KITH_{name.upper()}": str(value) for name, value in settings.items()}
        if not store.startswith("sqlite:"):  # Without settings these would be in the working folder, the checkout.
            environment |= {
                "KITH_AUDIT": str(folder / "audit"),
                "KITH_ERASURE_KEYS": str(folder / "kith-erasure-keys"),
                "KITH_ERASURE_LEDGER": str(folder / "kith-erasures.ndjson"),
            }
        environment |= {
            "KITH_STORE": store,
            "KITH_PORT": str(self.port),
            "KITH_DRAIN_SECONDS": "0",
            "KITH_NEO4J_USER": os.environ.get("NEO4J_USER", ""),
        }
        environment |= {"KITH_NEO4J_PASSWORD": os.environ.get("NEO4J_PASSWORD", ""), **chosen}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve"],
            env=environment,
            cwd=ROOT,
            stderr=subprocess.STDOUT,
            stdout=self.log.open("wb"),
        )
        self._guard = guard(self._process.pid)
        self.http = httpx.Client(timeout=60)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ready(self) -> dict[str, Any]:
        """The answer of `/readyz`."""
        return self.http.get(f"http://127.0.0.1:{self.port}/readyz").json()

    def wait(self, status: int = 200) -> "Service":
        """Wait until `/readyz` answers with a status; 503 is that of a service that cannot become ready by itself."""
        for _ in range(300):
            if self._process.poll() is not None:
                raise AssertionError(self.log.read_text())
            try:
                if self.http.get(f"http://127.0.0.1:{self.port}/readyz").status_code == status:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError("the service is not ready after 30 s")

    def ask(self, query: str, variables: Mapping[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        answer = self.http.post(self.url, json={"query": query, "variables": variables}, headers=headers).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def exchange(self, *pieces: bytes, seconds: float = 20) -> bytes:
        """What comes back for pieces of raw bytes until the service closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            for piece in pieces:
                connection.sendall(piece)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
            return received

    def signal(self, *signals: int) -> None:
        for number in signals:
            self._process.send_signal(number)
            time.sleep(0.3)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def ended(self, seconds: float = 30) -> int:
        """The exit status, once the process has ended."""
        return self._process.wait(seconds)

    def stop(self) -> None:
        self.http.close()
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        release(self._guard)


Serve = Callable[..., Service]
"""Starts a service with some settings."""


def kith(folder: Path, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """The command line, run in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "service", *words], cwd=folder, capture_output=True, text=True, check=False, **more
    )


def require(present: bool, what: str) -> None:
    """Skip where a tool is missing; fail on CI, where all are."""
    if not present:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is missing: `make api-tools`")


def node(script: str, *arguments: object, input: object = None) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts of `tools/api` with Node."""
    require(shutil.which("node") is not None and (API / "node_modules").exists(), "Node or tools/api/node_modules")
    text = None if input is None else json.dumps(input)
    return subprocess.run(
        ["node", str(API / script), *map(str, arguments)],
        input=text,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )


class Subscriber:
    """A real client of `graphql-ws` or `graphql-sse`, in a process of its own."""

    def __init__(self, service: Service, protocol: str, *operations: Mapping[str, Any], key: str | None = None) -> None:
        require(shutil.which("node") is not None and (API / "node_modules").exists(), "Node or tools/api/node_modules")
        url = service.socket if protocol == "ws" else service.url
        asked = {"protocol": protocol, "url": url, "key": key, "operations": operations}
        self._process = subprocess.Popen(
            ["node", str(API / "subscribe.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self._process.stdin.write(json.dumps(asked))
        self._process.stdin.close()

    def lines(self) -> Iterator[dict[str, Any]]:
        """What comes, until the client has ended."""
        for line in self._process.stdout:
            yield json.loads(line)

    def next(self) -> dict[str, Any]:
        """What comes next."""
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
