"""Services with sources that send data, and what they send."""

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from graph.ports import Store
from tests.builders.clients import Client
from tests.builders.runs import Run

SAMPLES = Path(__file__).parents[1] / "samples"
ORIGIN = "http://127.0.0.1:19101"
"""The origin of the pages of the recorded browsers."""
BACKEND_KEY = "wk_backend"
SOURCES = f"""
[[source]]
name = "web"
mapping = "segment"
browser = true
origins = ["{ORIGIN}"]
secrets = ["wk_web", "wk_rudweb", "k1:secret1"]
link_traits = true

[[source]]
name = "backend"
mapping = "segment"
secrets = ["file:backend-key"]
"""

MAPPING = """
title = "Repairs"
records = "jobs"
id = "job"
at = "updated"

[[statement]]
kind = "interaction"
when = { state = ["received", "done"] }
[statement.fields]
type = { path = "state", prefix = "repair_" }
[statement.identifiers]
email = ["contact.email", "^.fallback"]

[[statement]]
kind = "consent"
label = "consent"
each = "consents"
when = { consents = true }
unless = { state = "done" }
[statement.fields]
purpose = "name"
decision = { value = "given" }
[statement.identifiers]
email = "^.contact.email"

[[ignore]]
when = { state = "draft" }
"""
"""A mapping of a shop that repairs things."""


def connected(store: Store, run: Run, folder: Path, sources: str = SOURCES, **settings: Any) -> Client:
    """A service with sources; that of servers has the key `BACKEND_KEY`."""
    (folder / "backend-key").write_text(BACKEND_KEY)
    file = folder / "connectors.toml"
    file.write_text(sources)
    return Client(store, run, connectors=str(file), **settings)


def post(client: Client, path: str, body: Any, key: str = BACKEND_KEY, **headers: str) -> httpx.Response:
    """The answer to a body; JSON unless it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    own = {"authorization": f"Basic {basic(key)}"} if key else {}
    return client._run(client.http.post(path, content=content, headers=own | headers))


def basic(key: str) -> str:
    """A key as the user of `Authorization: Basic`."""
    return base64.b64encode(f"{key}:".encode()).decode()


def event(type: str, id: str, **fields: Any) -> dict[str, Any]:
    """An event of Segment's specification."""
    return {"type": type, "messageId": id, "timestamp": "2026-03-01T10:00:00.000Z", **fields}


def recorded() -> Iterator[tuple[str, dict[str, Any]]]:
    """The recorded requests of SDKs that carry events, with the name of each recording."""
    for file in sorted((SAMPLES / "sdks").glob("*.json")):
        for request in json.loads(file.read_text()).get("requests", []):
            if request["method"] == "POST" and isinstance(request["body"], dict):
                yield file.stem, request


def replay(client: Client, request: dict[str, Any], body: Any = None) -> httpx.Response:
    """Send a recorded request again, or another body in its place."""
    headers = {
        name: value
        for name, value in request["headers"].items()
        if name not in ("content-length", "host", "authorization")
    }
    path = request["path"]
    if "origin" in headers:
        # Some of them have no key at all: the path names the source.
        path = f"/in/web{path}"
    else:
        headers["authorization"] = f"Basic {basic(BACKEND_KEY)}"
    content = json.dumps(request["body"] if body is None else body).encode()
    if headers.get("content-encoding") == "gzip":
        content = gzip.compress(content)
    return client._run(client.http.post(path, content=content, headers=headers, params=request["query"] or None))
