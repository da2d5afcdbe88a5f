"""The vendors' own clients, in processes of their own, and the requests that they and the adapters send."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from tests.builders.sdks import require
from tests.builders.services import ROOT
from tests.builders.vendor_libraries import library
from tests.builders.vendor_servers import Received, VendorServer

TOOLS = ROOT / "tools" / "destinations"

Call = dict[str, Any]
Request = tuple[str, str, tuple[tuple[str, str], ...], Any]
"""Method, path, parameters and the parsed body."""


def call(vendor: str, server: VendorServer, secret: str, calls: Sequence[Call]) -> list[Request]:
    """What the vendor's client for Python sends: see tools/destinations/call_vendor.py."""
    before = len(server.received)
    library("call_vendor", [{"vendor": vendor, "url": server.url, "secret": secret, "calls": calls}])
    return requests(server.received[before:])


def call_jsforce(server: VendorServer, token: str, calls: Sequence[Call]) -> list[Request]:
    """What jsforce sends: see tools/destinations/call_salesforce.mjs."""
    require(shutil.which("node") and (TOOLS / "node_modules").exists(), "Node or tools/destinations/node_modules")
    before = len(server.received)
    command = ["node", str(TOOLS / "call_salesforce.mjs")]
    task = json.dumps({"url": server.url, "token": token, "calls": calls})
    run = subprocess.run(command, input=task, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return requests(server.received[before:])


def requests(received: Iterable[Received]) -> list[Request]:
    """Requests as they are compared: without headers, order, and what is written in several ways."""
    return [
        (one.method, unquote(one.path).rstrip("/"), tuple(sorted(one.query.items())), _body(one)) for one in received
    ]


def _body(request: Received) -> Any:
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return request.form
    if request.headers.get("content-type", "").startswith("text/xml"):
        return [(element.tag, element.text) for element in ElementTree.fromstring(request.body).iter()]
    return request.json if request.body else None
