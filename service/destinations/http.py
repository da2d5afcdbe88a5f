"""How adapters talk HTTP: bounded in time and size, without redirects, with messages that show no secret and no person.

A destination that takes nothing now is `Unavailable`: it cannot be reached, is busy, or refuses the login. Every other
answer is an `Answer` that the adapter judges.
"""

import asyncio
import json
import os
import re
import time
from collections.abc import Collection, Mapping, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
from msgspec import Struct
from pydantic import AfterValidator, Field, StrictBool, ValidationInfo

from service.config.destinations_file import DestinationSettings
from service.destinations.adapter import DONE, MAX_MESSAGE_LENGTH, Outcome, Status, Unavailable
from service.destinations.answer_texts import MAX_RETRY_AFTER, hidden, sentence
from service.runtime.addresses import is_loopback

TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 4_000_000
"""Bytes that are read of an answer."""
LOGIN_STATUSES = frozenset({401, 403})
_BUSY_STATUSES = frozenset({408, 425, 429})
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def _address(address: str) -> str:
    # The address is not shown: a webhook's may be as good as a password.
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("it is not an address such as https://shop.example/hooks") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("it is not an address such as https://shop.example/hooks")
    if parts.username is not None:
        raise ValueError("an address must not contain a user or a password")
    if parts.fragment:
        raise ValueError("an address must not contain a fragment (#…)")
    return address


def require_tls(address: str, allow_http: bool) -> str:
    """Return an address that may be requested. Raises `ValueError` for one without TLS, except of this machine."""
    parts = urlsplit(address)
    if parts.scheme == "http" and not is_loopback(parts.hostname or "") and not allow_http:
        raise ValueError("an address begins with https:// except for this machine; allow_http = true permits others")
    return address


def _url(address: str, info: ValidationInfo) -> str:
    return require_tls(address, bool(info.data.get("allow_http")))


Address = Annotated[str, Field(max_length=2_000), AfterValidator(_address)]
"""A field of a table within `HttpSettings`: an address, of which `require_tls` is still to be asked."""
Url = Annotated[Address, AfterValidator(_url)]
"""A field of `HttpSettings`: an address that may be requested."""


class HttpSettings(DestinationSettings):
    """The settings of destinations that are reached over HTTP."""

    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = TIMEOUT_SECONDS
    """How many seconds an answer may take."""
    allow_http: StrictBool = False
    """Whether addresses of other machines may begin with `http://`."""


class Answer(Struct, frozen=True):
    """The answer to a request: `headers` by name in lower case, and the first `MAX_ANSWER_BYTES` of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False
    secrets: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """How many seconds the destination asks to wait."""
        return retry_after(self.headers.get("retry-after", ""), time.time())

    def json(self) -> Any:
        """Return the body, parsed. Raises `Unavailable` if it is not JSON or is too large."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            what = f"is larger than {MAX_ANSWER_BYTES:,} bytes" if self.is_cut else "is not JSON"
            raise Unavailable(f"{self._status}: the answer {what}") from None

    def message(self, private: Collection[str] = ()) -> str:
        """Return status and what the vendor says of it, without secrets, personal values, and values of `private`."""
        said = hidden(sentence(self.headers.get("content-type", ""), self.body), [*self.secrets, *private])
        return f"{self._status}: {said}"[:MAX_MESSAGE_LENGTH] if said else self._status

    def outcome(self, private: Collection[str] = ()) -> Outcome:
        """Return what the answer means for a request that carried one item: done, or refused for good."""
        return DONE if self.is_success else Outcome(Status.DEAD, self.message(private))

    @property
    def _status(self) -> str:
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)


class HttpClient:
    """The connections of one adapter. `secrets` are never shown, even if a destination repeats them.

    A request ends after `timeout_seconds`, however slowly the answer comes. Connections are opened when they are needed
    and kept; `connections` is the most at the same time.
    """

    def __init__(
        self, timeout_seconds: float = TIMEOUT_SECONDS, secrets: Sequence[str] = (), connections: int = 16
    ) -> None:
        self._seconds, self._secrets = timeout_seconds, tuple(secrets)
        self._client = httpx.AsyncClient(
            timeout=timeout_seconds,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            headers={"User-Agent": "kith", "Accept-Encoding": "identity"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # A proxy of the environment is for other machines.
            mounts={f"all://{host}": None for host in _LOOPBACK},
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        private: Collection[str] = (),
    ) -> Answer:
        """Send a request and return the answer.

        The body is `content`, or `json` or `form` encoded. Raises `Unavailable` if there is no answer, and for 401 and
        403 (with `login`), 408, 425, 429, 3xx and 5xx, except for the statuses in `accept`. `private` are values that
        the message must not contain.
        """
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._exchange(method, url, content, json, form, query, headers)
        except (TimeoutError, httpx.TimeoutException):
            raise Unavailable(f"no answer from {_host(url)} within {self._seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"no answer from {_host(url)}: {_reason(error)}") from None
        status = answer.status
        if status in accept:
            return answer
        if status in LOGIN_STATUSES:
            raise Unavailable(answer.message(private), answer.retry_after, login=True)
        if status in _BUSY_STATUSES or status >= 500:
            raise Unavailable(answer.message(private), answer.retry_after)
        if 300 <= status < 400:
            raise Unavailable(f"{answer.message(private)}: redirects are not followed; set the final address")
        return answer

    async def _exchange(
        self,
        method: str,
        url: str,
        content: bytes | None,
        json: Any,
        form: Mapping[str, str] | None,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        # What a client merges by itself replaces the parameters of the address.
        target = httpx.URL(url).copy_merge_params(query or {})
        request = self._client.build_request(method, target, content=content, json=json, data=form, headers=headers)
        answer = await self._client.send(request, stream=True)
        try:
            body, is_cut = bytearray(), False
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    del body[MAX_ANSWER_BYTES:]
                    is_cut = True
                    break
        finally:
            await answer.aclose()
        return Answer(answer.status_code, dict(answer.headers), bytes(body), is_cut, self._secrets)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def retry_after(header: str, now: float) -> float | None:
    """Return the seconds that a header `Retry-After` asks to wait, as a number or an HTTP date; `None` without one."""
    text = header.strip()
    try:
        seconds = float(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the destination"


def _reason(error: Exception) -> str:
    """Why a request failed: what the operating system or TLS says, which names no secret."""
    cause: BaseException | None = error
    while cause is not None:
        if said := getattr(cause, "verify_message", None):
            return str(said)
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
