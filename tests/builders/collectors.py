"""A service that collects events of SDKs, and what it knows of a shopper."""

import json
from pathlib import Path
from typing import Any

from tests.builders.sdks import Shopper
from tests.builders.services import Service

SERVER_KEY = "sk-server-5f0c2e"
PAGE_KEY = "wk-page-1f0a44"
CAUTIOUS_KEY = "wk-cautious-77ab"
"""The key of pages whose traits link nobody."""

SOURCES = """
[[source]]
name = "backend"
mapping = "segment"
secrets = ["file:server-key"]
"""
PAGE_SOURCES = f"""
[[source]]
name = "web"
mapping = "segment"
browser = true
link_traits = true
origins = ORIGINS
secrets = ["{PAGE_KEY}"]

[[source]]
name = "cautious"
mapping = "segment"
browser = true
origins = ORIGINS
secrets = ["{CAUTIOUS_KEY}"]
"""

CUSTOMER = """query ($by: CustomerBy!) { customer(by: $by) {
  id
  identifiers(first: 50) { nodes { namespace value sources } }
  emails { value }
  consents { purpose decision identifier { namespace } }
  orders(first: 10) { nodes { number total currency source lines { sku name quantity total } } }
  timeline(first: 50, kinds: [INTERACTION]) { nodes { ... on Interaction { id type sku campaign channel properties } } }
} }"""


class Collector:
    """`kith serve` with a source for servers, and sources for pages of some origins."""

    def __init__(self, folder: Path, *origins: str) -> None:
        (folder / "server-key").write_text(SERVER_KEY)
        pages = PAGE_SOURCES.replace("ORIGINS", json.dumps(origins)) if origins else ""
        (folder / "connectors.toml").write_text(SOURCES + pages)
        store = f"sqlite:///{folder / 'kith.db'}"
        self.service = Service(store, folder, connectors=folder / "connectors.toml").wait()

    def stop(self) -> None:
        self.service.stop()

    def customer(self, namespace: str, value: str) -> dict[str, Any] | None:
        """The customer with an identifier, with what was collected about them."""
        by = {"identifier": {"namespace": namespace, "value": value}}
        return self.service.ask(CUSTOMER, {"by": by})["customer"]

    def knows(self, shopper: Shopper, events: int) -> bool:
        """Whether everything has arrived that a shopper does: the email address, the order, and some events."""
        found = self.customer("login", shopper.user_id)
        return bool(found and found["emails"] and found["orders"]["nodes"]) and len(types_of(found)) >= events

    def problems(self) -> str:
        """What the log of the service says that is worse than information."""
        lines = self.service.log.read_text().splitlines()
        return "\n".join(line for line in lines if "WARNING" in line or "ERROR" in line or "Traceback" in line)


def types_of(customer: dict[str, Any]) -> list[str]:
    """The types of a customer's interactions, in alphabetical order."""
    return sorted(node["type"] for node in customer["timeline"]["nodes"])


def identifiers_of(customer: dict[str, Any], namespace: str) -> set[str]:
    """The values of a customer's identifiers of a namespace."""
    return {node["value"] for node in customer["identifiers"]["nodes"] if node["namespace"] == namespace}
