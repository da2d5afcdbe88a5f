"""Event SDKs as shops use them: unchanged, in processes of their own, and what they are asked to send."""

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.builders.services import ROOT

SDKS = ROOT / "tools" / "sdks"
PYTHON = ROOT / ".venv-sdks" / "bin" / "python"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

Call = dict[str, Any]
"""A call of the event specification, such as `{"type": "track", "userId": "u-1", "event": "Product Viewed"}`."""


def require(present: object, what: str) -> None:
    """Skip where a tool is missing; fail on CI, where all are."""
    if not present:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is missing: see CONTRIBUTING.md")


def require_python() -> None:
    """Require the SDKs for Python."""
    require(PYTHON.exists(), ".venv-sdks (`make sdk-tools`)")


def require_node() -> None:
    """Require Node with the SDKs for it."""
    require(shutil.which("node") and (SDKS / "node_modules").exists(), "Node or tools/sdks/node_modules")


@dataclass(frozen=True)
class Shopper:
    """A person who looks at a tent, logs in and orders it, with ids that no other test uses."""

    number: int

    @property
    def user_id(self) -> str:
        return f"u-{self.number}"

    @property
    def anonymous_id(self) -> str:
        return f"anon-{self.number}"

    @property
    def email(self) -> str:
        return f"shopper{self.number}@example.com"

    @property
    def order_id(self) -> str:
        return f"W-{self.number}"

    def calls(self, *types: str) -> list[Call]:
        """What the shop reports, in the order in which it happens; only calls of some types if they are named."""
        before, after = {"anonymousId": self.anonymous_id}, {"userId": self.user_id}
        tent = {"product_id": "p1", "sku": "SKU-1", "name": "Tent", "price": 59.9}
        order = {
            "order_id": self.order_id,
            "total": 119.8,
            "currency": "EUR",
            "products": [{**tent, "quantity": 2}],
        }
        calls = [
            {"type": "page", **before, "category": "Shop", "name": "Tent", "properties": {"url": URL}},
            {"type": "track", **before, "event": "Product Viewed", "properties": tent},
            {"type": "identify", **before, **after, "traits": {"email": self.email, "firstName": "Mara"}},
            {"type": "group", **after, "groupId": "g-5", "traits": {"name": "Acme"}},
            {"type": "track", **after, "event": "Order Completed", "properties": order},
            {"type": "alias", **after, "previousId": self.anonymous_id},
        ]
        return [call for call in calls if not types or call["type"] in types]


URL = "https://shop.example/tent"
_numbers = itertools.count(1_001)


def shopper() -> Shopper:
    """A person whom no other test knows."""
    return Shopper(next(_numbers))


@dataclass(frozen=True)
class ServerSdk:
    """An SDK for servers: its language and vendor, and options that every run has."""

    language: str
    vendor: str

    def __str__(self) -> str:
        return f"{self.vendor}-{self.language}"

    def start(
        self, host: str, write_key: str, calls: Sequence[Call], options: Mapping[str, Any] | None = None
    ) -> "subprocess.Popen[str]":
        """Start a process that sends calls, and ends when they are sent or given up."""
        if self.language == "python":
            require_python()
            command = [str(PYTHON), str(SDKS / "python" / "send.py"), self.vendor]
        else:
            require_node()
            command = ["node", str(SDKS / "node" / "send.mjs"), self.vendor]
        plan = {"host": host, "writeKey": write_key, "options": options or {}, "calls": calls}
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        process.stdin.write(json.dumps(plan))
        process.stdin.close()
        process.stdin = None
        return process

    def send(self, *arguments: Any, **more: Any) -> list[str]:
        """Send calls; return the ids of the messages that the SDK has given up."""
        return given_up(self.start(*arguments, **more))


def given_up(process: "subprocess.Popen[str]") -> list[str]:
    """Wait until an SDK has ended; return the ids of the messages that it has given up."""
    try:
        output, errors = process.communicate(timeout=200)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 0, errors
    return json.loads(output)["failed"]


SERVER_SDKS = [ServerSdk(language, vendor) for language in ("python", "node") for vendor in ("segment", "rudder")]


class Browser:
    """A headless Chromium, and two origins that serve pages with event SDKs."""

    def __init__(self) -> None:
        require_node()
        require(CHROMIUM, "Chromium")
        self._process = subprocess.Popen(
            ["node", str(SDKS / "browser" / "driver.mjs"), CHROMIUM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self._visits = itertools.count(1)
        self.origin, self.foreign_origin = json.loads(self._process.stdout.readline())["origins"]

    def ask(self, do: str, **command: Any) -> Any:
        """Have the driver do something; return what it answers."""
        self._process.stdin.write(json.dumps({"do": do, **command}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer
        return answer["ok"]

    def visit(self, sdk: str, host: str, write_key: str, foreign: bool = False, **options: Any) -> "Visit":
        """A visitor without history opens a page with an SDK."""
        visit = Visit(self, f"visit-{next(self._visits)}", {"host": host, "writeKey": write_key, "options": options})
        self.ask("open", visit=visit.name, sdk=sdk, origin=int(foreign), plan=visit.plan)
        return visit

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)


@dataclass(frozen=True)
class Visit:
    """A visitor of a page."""

    browser: Browser
    name: str
    plan: Mapping[str, Any]

    def call(self, *calls: Call) -> None:
        self.browser.ask("call", visit=self.name, calls=calls)

    def ready(self) -> None:
        """Wait until the SDK has read its settings: a page that is left before may lose its calls."""
        self.browser.ask("ready", visit=self.name)

    def leave(self) -> None:
        self.browser.ask("leave", visit=self.name)

    def come_back(self) -> None:
        self.browser.ask("return", visit=self.name, plan=self.plan)

    @property
    def cookies(self) -> list[dict[str, Any]]:
        return self.browser.ask("cookies", visit=self.name)

    @property
    def log(self) -> list[str]:
        """What the page wrote to its console, and its failed requests."""
        return self.browser.ask("log", visit=self.name)

    def close(self) -> None:
        self.browser.ask("close", visit=self.name)
