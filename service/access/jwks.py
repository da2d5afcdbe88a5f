"""The public keys of an issuer: fetched, kept, and fetched again when they change."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from jwt import PyJWK, PyJWTError
from jwt.types import JWKDict
from msgspec import Struct

from service.access.access_file import Issuer
from service.runtime.addresses import is_loopback, is_safe_address

log = logging.getLogger("kith.access")

FETCH_SECONDS = 5.0
"""Maximum time of one request to an issuer, from the connection to the last byte."""
MAX_BYTES = 256_000
"""Maximum size of a document of an issuer."""
MAX_KEYS = 100
"""Maximum number of keys of an issuer that are kept."""
RETRY_SECONDS = 30.0
"""Least time between two fetches for keys that are not known, and between attempts while the issuer is away."""
PATIENCE_SECONDS = 1.0
"""How long a token with a known key waits for a refresh before the known key is used."""
_DISCOVERY = "/.well-known/openid-configuration"
_PUBLIC = ("kty", "crv", "x", "y", "n", "e")
"""The public members of keys. What else a key set contains is not read: neither private parts nor certificates."""
_BY_TYPE: Mapping[tuple[Any, Any], frozenset[str]] = {
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
}
"""The algorithms for which a key can be used, by its type and curve."""
_MIN_RSA_BITS = 2048


class CannotFetch(Exception):
    """Keys could not be fetched. The message contains nothing but what the settings name, and the reason."""


class PublicKey(Struct, frozen=True):
    """A public key, and the algorithms for which it may be used."""

    key: Any
    algorithms: frozenset[str]


class IssuerKeys:
    """The public keys of one issuer.

    They are fetched when they are first needed, again every `keys_refresh_seconds`, and at most every 30 s for a key
    that is not known. While the issuer cannot be reached, the known keys are used until `keys_max_age_seconds` after
    the last successful fetch. `monotonic` returns seconds.
    """

    def __init__(self, issuer: Issuer, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._issuer, self._monotonic = issuer, monotonic
        self._jwks_uri = issuer.jwks_uri
        self._keys: dict[str, PublicKey] = {}
        self._fetched_at: float | None = None
        self._failed_at: float | None = None
        self._searched_at: float | None = None
        """When keys were last fetched because one was not known."""
        self._fetching: asyncio.Task[None] | None = None
        self._problem = ""

    async def find(self, id: str) -> PublicKey | None:
        """Return a key by its id (`kid`); `None` if the issuer does not publish it."""
        before = self._fetched_at
        if self._age() >= self._issuer.keys_refresh_seconds:
            await self._refresh(id)
        if self._age() >= self._issuer.keys_max_age_seconds:
            return None
        if id not in self._keys and self._fetched_at == before and self._may_try(self._searched_at):
            self._searched_at = self._monotonic()
            self._fetch_once()
        if id not in self._keys and self._fetching is not None:
            await asyncio.wait({self._fetching})
        return self._keys.get(id)

    def counts(self, id: str) -> bool:
        """Return whether a key is among those that were fetched last, and these are not too old to be used."""
        return id in self._keys and self._age() < self._issuer.keys_max_age_seconds

    async def _refresh(self, id: str) -> None:
        """Fetch the keys; a known key that still counts does not wait long."""
        if self._fetching is None and not self._may_try(self._failed_at):
            return
        await asyncio.wait({self._fetch_once()}, timeout=PATIENCE_SECONDS if self.counts(id) else None)

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._monotonic() - self._fetched_at

    def _may_try(self, last: float | None) -> bool:
        return last is None or self._monotonic() - last >= RETRY_SECONDS

    def _fetch_once(self) -> "asyncio.Task[None]":
        """Return the one fetch that runs, and begin it if none does."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                uri = self._jwks_uri or await self._discover()
                self._keys = usable_keys(await fetch_json(uri), self._issuer.algorithms)
            self._jwks_uri, self._fetched_at, self._failed_at = uri, self._monotonic(), None
            self._report("" if self._keys else "it publishes no key that can be used")
        except Exception as error:
            self._failed_at = self._monotonic()
            # The issuer may have moved its keys.
            self._jwks_uri = self._issuer.jwks_uri
            self._report(str(error) if isinstance(error, CannotFetch) else f"no answer ({type(error).__name__})")
        finally:
            self._fetching = None

    async def _discover(self) -> str:
        """Return the address of the keys from the issuer's own description."""
        document = await fetch_json(self._issuer.issuer.rstrip("/") + _DISCOVERY)
        if not isinstance(document, dict) or document.get("issuer") != self._issuer.issuer:
            raise CannotFetch("its description names another issuer")
        uri = document.get("jwks_uri")
        if not isinstance(uri, str) or not is_safe_address(uri):
            raise CannotFetch("its description names no jwks_uri with https://")
        return uri

    def _report(self, problem: str) -> None:
        """Log a problem when it begins, and that it is over."""
        if problem and problem != self._problem:
            log.warning("the keys of the issuer %s cannot be used: %s", self._issuer.issuer, problem)
        elif self._problem and not problem:
            log.info("the keys of the issuer %s have been fetched again", self._issuer.issuer)
        self._problem = problem


async def fetch_json(address: str) -> Any:
    """Return the JSON document at an address. Raises `CannotFetch`; redirects are not followed."""
    # A proxy of the environment is for other machines.
    from_environment = not is_loopback(urlsplit(address).hostname or "")
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    try:
        async with (
            httpx.AsyncClient(follow_redirects=False, trust_env=from_environment, timeout=FETCH_SECONDS) as client,
            client.stream("GET", address, headers=headers) as response,
        ):
            if response.status_code != 200:
                raise CannotFetch(f"the answer has the status {response.status_code}")
            if response.headers.get("content-encoding", "identity") != "identity":
                # A few compressed bytes can become gigabytes.
                raise CannotFetch("the answer is compressed")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise CannotFetch(f"the answer has more than {MAX_BYTES} bytes")
    except httpx.HTTPError as error:
        raise CannotFetch(f"no answer ({type(error).__name__})") from None
    try:
        return orjson.loads(bytes(body))
    except orjson.JSONDecodeError:
        raise CannotFetch("the answer is not JSON") from None


def usable_keys(document: Any, algorithms: tuple[str, ...]) -> dict[str, PublicKey]:
    """Return the keys of a key set by their ids, for the algorithms of the settings; others are left out.

    Raises `CannotFetch` if the document is not a key set.
    """
    published = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(published, list):
        raise CannotFetch("the answer is not a key set")
    keys: dict[str, PublicKey] = {}
    for entry in published[:MAX_KEYS]:
        found = _public_key(entry, frozenset(algorithms)) if isinstance(entry, dict) else None
        if found is not None:
            keys.setdefault(entry["kid"], found)
    return keys


def _public_key(entry: dict[str, Any], allowed: frozenset[str]) -> PublicKey | None:
    if not isinstance(entry.get("kid"), str) or entry.get("use", "sig") != "sig":
        return None
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    usable = _BY_TYPE.get((str(entry.get("kty")), entry.get("crv") if isinstance(entry.get("crv"), str) else None))
    usable = (usable or frozenset()) & allowed
    if "alg" in entry:
        usable &= {str(entry["alg"])}
    if not usable:
        return None
    public: JWKDict = {name: entry[name] for name in _PUBLIC if name in entry}
    try:
        key = PyJWK(public, min(usable)).key
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if public["kty"] == "RSA" and key.key_size < _MIN_RSA_BITS:
        return None
    return PublicKey(key, usable)
