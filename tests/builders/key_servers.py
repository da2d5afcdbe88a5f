"""An issuer that publishes keys on loopback, and the keys: for tests that need no tokens of a real one."""

import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Key = dict[str, Any]


def ec_key(id: str, **more: Any) -> Key:
    """A private JWK for ES256."""
    made = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    return {**made, "kid": id, "use": "sig", "alg": "ES256", **more}


def rsa_key(id: str, bits: int = 2048, **more: Any) -> Key:
    """A private JWK for RS256 and its relatives."""
    made = RSAAlgorithm.to_jwk(rsa.generate_private_key(public_exponent=65537, key_size=bits), as_dict=True)
    return {"kty": "RSA", "n": made["n"], "e": made["e"], "d": made["d"], "kid": id, **more}


def public(key: Key) -> Key:
    """The public part of a JWK."""
    return {name: value for name, value in key.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "key_ops")}


class Seconds:
    """A clock that moves when a test says so. It begins at the time of the machine, by which PyJWT judges tokens."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


class KeyServer:
    """Publishes a key set. What it answers can be changed at any time; `fetches` counts requests by path."""

    def __init__(self, *keys: Key) -> None:
        self.keys = [public(key) for key in keys]
        self.answers: dict[str, tuple[int, Mapping[str, str], bytes]] = {}
        """Answers other than the usual ones, by path: status, headers, body."""
        self.seconds = 0.0
        """How long each answer takes."""
        self.fetches: dict[str, int] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        self.fetches[request.path] = self.fetches.get(request.path, 0) + 1
        time.sleep(self.seconds)
        documents: dict[str, object] = {
            "/.well-known/openid-configuration": {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"},
            "/jwks": {"keys": self.keys},
        }
        usual = (200, {}, json.dumps(documents.get(request.path, {})).encode())
        status, headers, body = self.answers.get(request.path, usual)
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()
