"""A real OpenID Connect server in a process of its own, and tokens: those that it issues, and forged ones."""

import base64
import hashlib
import html
import json
import queue
import re
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import jwt

from tests.builders.services import ROOT, require
from tools.neo4j.guard import guard, release

TOOL = ROOT / "tools" / "oidc"


def free_port() -> int:
    """A port of loopback that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class OidcServer:
    """`oidc-provider`. It signs with the first of its keys; `secrets` are those of a server before it."""

    def __init__(
        self, port: int, keys: Sequence[str], secrets: Mapping[str, Any] | None = None, seconds: int = 300
    ) -> None:
        require(
            shutil.which("node") is not None and (TOOL / "node_modules").exists(), "Node or tools/oidc/node_modules"
        )
        self._process = subprocess.Popen(
            ["node", str(TOOL / "server.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        self._guard = guard(self._process.pid)
        asked = {"port": port, "keys": list(keys), "secrets": dict(secrets or {}), "seconds": seconds}
        self._process.stdin.write(json.dumps(asked))
        self._process.stdin.close()
        started = json.loads(self._process.stdout.readline())
        self.issuer, self.audience = started["issuer"], started["audience"]
        self.secrets: dict[str, Any] = started["secrets"]
        """The private keys, as JWKs by their ids."""
        self._fetched: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._fetched.put(line)

    @property
    def fetches(self) -> int:
        """How often the keys have been fetched."""
        time.sleep(0.1)  # the line is printed after the answer
        return self._fetched.qsize()

    def token(self, scope: str = "customer:read") -> str:
        """A token of the client `till`, by its secret."""
        form = {"grant_type": "client_credentials", "scope": scope}
        answer = httpx.post(f"{self.issuer}/token", data=form, auth=("till", "till-secret-till-secret"))
        return answer.raise_for_status().json()["access_token"]

    def tokens_of(self, login: str) -> dict[str, str]:
        """The access token and the ID token of a user that logs in to the client `storefront`, by code with PKCE."""
        verifier = secrets.token_urlsafe(48)
        challenge = encoded(hashlib.sha256(verifier.encode()).digest())
        callback = f"{self.issuer}/callback"
        asked = {
            "client_id": "storefront",
            "response_type": "code",
            "redirect_uri": callback,
            "scope": "openid self:read",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": self.audience,
        }
        with httpx.Client(follow_redirects=False) as browser:
            answer = browser.get(f"{self.issuer}/auth", params=asked)
            while not (location := answer.headers.get("location", "")).startswith(callback):
                answer = (
                    browser.get(urljoin(str(answer.url), location)) if location else _submit(browser, answer, login)
                )
            (code,) = parse_qs(urlsplit(location).query)["code"]
            form = {
                "grant_type": "authorization_code",
                "client_id": "storefront",
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": callback,
            }
            return browser.post(f"{self.issuer}/token", data=form).raise_for_status().json()

    def stop(self) -> None:
        """End the server, if it still runs; its port is free afterward."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(15)
            release(self._guard)


def _submit(browser: httpx.Client, page: httpx.Response, login: str) -> httpx.Response:
    """Send the form of a page that asks for a login or for consent."""
    (action,) = re.findall(r'<form[^>]* action="([^"]+)"', page.text)
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    return browser.post(
        urljoin(str(page.url), html.unescape(action)), data={**fields, "login": login, "password": "any"}
    )


def access_toml(folder: Path, issuer: str, more: str = "") -> Path:
    """A file `access.toml` for the clients of the server."""
    path = folder / "access.toml"
    path.write_text(f"""
[[issuer]]
issuer = "{issuer}"
audience = "https://kith.test"
algorithms = ["ES256"]
role_claim = "kith_roles"
subject_claim = "kith_subject"
{more}

[issuer.roles]
storefront = "storefront"
till = "till"

[[issuer.client]]
id = "till"
sources = ["till"]
""")
    return path


def claims_of(issuer: str, **more: Any) -> dict[str, Any]:
    """The claims of a valid token of the client `till`; a value of `None` removes a claim."""
    now = int(time.time())
    claims = {
        "iss": issuer,
        "aud": "https://kith.test",
        "sub": "till",
        "client_id": "till",
        "iat": now,
        "exp": now + 300,
        "kith_roles": ["till"],
        **more,
    }
    return {name: value for name, value in claims.items() if value is not None}


def signed(claims: Mapping[str, Any], key: Mapping[str, Any], **header: Any) -> str:
    """A token with these claims, signed with a private JWK."""
    algorithm = header.pop("alg", key.get("alg", "ES256"))
    headers = {"typ": "at+jwt", "kid": key["kid"], **header}
    # The library refuses to sign some of what a server must refuse, so that only the signature is its own.
    parts = f"{segment({'alg': algorithm, **headers})}.{segment(dict(claims))}"
    made = jwt.get_algorithm_by_name(algorithm)
    signature = made.sign(parts.encode(), jwt.PyJWK(dict(key), algorithm).key)
    return f"{parts}.{encoded(signature)}"


def segment(value: object) -> str:
    """A part of a token: JSON in Base64."""
    return encoded(json.dumps(value).encode())


def encoded(data: bytes) -> str:
    """Bytes in Base64 as tokens have it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
