"""Data of other systems over HTTP: `POST /in/SOURCE`, and the paths of event SDKs, which find their source by a key."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cross_web import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from graph.domain.access.accessed import Accessed
from graph.domain.model.dates import SECOND
from graph.domain.model.errors import InvalidInput, Overloaded, StoreUnavailable, TemporaryFailure
from graph.runtime.timeouts import SharedTimeout
from service.access.throttle import FailureThrottle
from service.audit.recorder import Recorder
from service.connectors import proofs
from service.connectors.intake import Intake, Outcome, Result
from service.connectors.registry import Connectors
from service.connectors.unpack import TooLarge, inflate, unpack
from service.http import collector, page_script, visitor_cookie
from service.http.error_format import internal_error
from service.http.large_requests import LargeRequests
from service.http.request_body import Headers, client_address, read_body
from service.http.responses import CODES, JSON, TOO_MANY_FAILURES, json_response
from service.observability.request_ids import request_id
from service.runtime import interpreter
from service.runtime.addresses import network_of
from service.runtime.json_body import encode_json

PREFIX = "/in/"
MAX_BYTES_IN_FLIGHT = 64_000_000
"""Length of all bodies together that are read or wait to be stored."""
MAX_BYTES_OF_ADDRESS = 32_000_000
"""The part of it that the senders of one address may take, so that slow ones do not keep out all others."""
MAX_VALUES = 1_000_000
"""Lines, cells or elements of a body."""
MAX_RECORDS = 100_000
"""Records of a request."""
APART_BYTES = 65_536
"""Length of a body from which on it is unpacked in a thread of its own: others get their answers meanwhile."""
MAX_LARGE_BODIES = 2
"""Large bodies that are taken at the same time: one is stored while the next one is mapped. With more of them, each
look-up of a till waits for a slice of each."""
MAX_SHOWN = 20
"""Refused records that an answer describes."""
_PRIVATE = frozenset({"authorization", "cookie", "prefix", "proxy-authorization"})
"""Headers that mappings cannot read: secrets, and a value of the source that no sender may set."""


class _HeldBytes:
    """Counts what a request holds in memory while it is served: what has arrived, not what it says will arrive."""

    def __init__(self, endpoint: "IntakeEndpoint", address: str) -> None:
        self._endpoint, self._address = endpoint, network_of(address)
        self._bytes = 0

    def hold(self, count: int) -> None:
        """Count bytes. Raises `Overloaded` if all requests together hold too many."""
        own = self._endpoint.held_by_address[self._address] + count
        if self._endpoint.held_bytes + count > MAX_BYTES_IN_FLIGHT or own > MAX_BYTES_OF_ADDRESS:
            raise Overloaded("too much data waits to be stored; send this again later", 1.0)
        self._bytes += count
        self._endpoint.held_bytes += count
        self._endpoint.held_by_address[self._address] = own

    def counting(self, receive: Receive) -> Receive:
        """Return what receives a body and counts it."""

        async def counted() -> Message:
            message = await receive()
            self.hold(len(message.get("body", b"")))
            return message

        return counted

    def release(self) -> None:
        """The request is answered."""
        self._endpoint.held_bytes -= self._bytes
        self._endpoint.held_by_address[self._address] -= self._bytes
        if not self._endpoint.held_by_address[self._address]:
            del self._endpoint.held_by_address[self._address]


class IntakeEndpoint:
    """Serves the ways in of all sources. One bad record never costs the others of its request."""

    def __init__(
        self,
        connectors: Connectors,
        now: Callable[[], int],
        max_body_bytes: int,
        body_seconds: float,
        waiting_seconds: float,
        recorder: Recorder | None = None,
        on_failure: Callable[[str], None] | None = None,
    ) -> None:
        """`recorder` writes the audit log; `None` without one. `now` returns microseconds.

        `on_failure` is called with one of `SIGN_IN_FAILURES` for each request that does not prove who sent it.

        A body arrives within `body_seconds`; a large one waits for its turn at most `waiting_seconds`.
        """
        self._connectors, self._now, self._max_bytes, self._recorder = connectors, now, max_body_bytes, recorder
        self._on_failure = on_failure
        self._timeout = SharedTimeout(body_seconds)
        self._throttle = FailureThrottle(time.monotonic)
        self._unpacker = ThreadPoolExecutor(1, "kith-unpack")
        self._large_bodies = LargeRequests(waiting_seconds, MAX_LARGE_BODIES)
        self.held_bytes = 0
        self.held_by_address: Counter[str] = Counter()
        self._script = page_script.PageScript()

    def serves(self, path: str) -> bool:
        """Return whether a path is one of the ways in."""
        return path.startswith(PREFIX) or path == page_script.PATH or collector.is_path(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        headers = Headers(scope)
        try:
            response = await self._answer(request, headers)
        except ClientDisconnect:
            return
        except HTTPException as error:
            response = _error(error.status_code, error.reason)
        except TooLarge as error:
            response = _error(413, error.message)
        except InvalidInput as error:
            response = _error(400, error.message, code=error.code)
        except Overloaded as error:
            response = _later(429, error.message, error.retry_after)
        except (TemporaryFailure, StoreUnavailable) as error:
            response = _later(503, error.message, 5, error.code)
        except Exception as error:
            response = _failed(500, internal_error(error))
        self._allow_origin(response, headers.get(b"origin"))
        response.headers.setdefault("Cache-Control", "no-store")
        await response(scope, receive, send)

    async def _answer(self, request: Request, headers: Headers) -> Response:
        if request.method == "OPTIONS":
            return self._preflight(headers)
        source, path = self._target(request.url.path)
        if request.method in ("GET", "HEAD"):
            return self._get(request, source, path)
        if request.method != "POST":
            return _error(405, "send data by POST", headers={"Allow": "POST, GET, OPTIONS"})
        intake = None if source is None else self._connectors.get(source)
        if source is not None and intake is None:
            return _error(404, f"there is no source {source[:60]!r}")
        if path and not collector.is_path(path):
            return _error(404, f"there is nothing at {path[:60]!r}")
        if intake is not None:
            intake.require_room(1)
        held = _HeldBytes(self, client_address(request.scope))
        try:
            counted = Request(request.scope, held.counting(request.receive))
            return await self._take(counted, headers, intake, path, held)
        finally:
            held.release()

    async def _take(
        self, request: Request, headers: Headers, intake: Intake | None, path: str, held: "_HeldBytes"
    ) -> Response:
        received_at = self._now()
        if intake is not None and not proofs.reads_body(intake.mapping.proof):
            # A wrong key in a header costs no more than the headers.
            proof = self._proof_of(request, b"", None, intake.source.url)
            if (refused := self._check(request, headers, intake, proof, path)) is not None:
                return refused
        body = await read_body(request, headers, self._max_bytes, self._timeout)
        body = inflate(body, headers.get(b"content-encoding"), self._max_bytes)
        held.hold(len(body))
        if len(body) < interpreter.LARGE_REQUEST_BYTES:
            return await self._take_body(request, headers, intake, path, body, received_at)
        async with self._large_bodies.turn(len(body)):
            with interpreter.TrackedRequest(len(body)):
                return await self._take_body(request, headers, intake, path, body, received_at)

    async def _take_body(
        self, request: Request, headers: Headers, intake: Intake | None, path: str, body: bytes, received_at: int
    ) -> Response:
        if intake is not None and intake.mapping.ping and body.startswith(intake.mapping.ping.encode()):
            return Response(status_code=204)  # The check of an address: without a signature, and without data.
        if intake is None and not body.strip():
            return _error(400, "the body is empty")
        content: Any = None
        if intake is None:
            content = await self._unpacked(body, "json")
        elif proofs.reads_content(intake.mapping.proof):
            content = await self._unpacked(body, intake.mapping.format)
        proof = self._proof_of(request, body, content, "" if intake is None else intake.source.url)
        if intake is None:
            intake = self._connectors.of_key(proofs.write_keys(proof))
            if intake is None:
                return self._unproved(request, "the write key is missing or not that of a source")
            intake.require_room(1)
        if (refused := self._check(request, headers, intake, proof, path)) is not None:
            return refused
        if content is None:
            content = await self._unpacked(body, intake.mapping.format)
        _require_few(content)
        content = collector.completed(content, path)
        if intake.mapping.proof.get("method") == proofs.WRITE_KEY:
            content = collector.without_keys(content)
        cookie = ""
        if intake.source.browser:
            secure = collector.is_https(request)
            content, cookie = visitor_cookie.identified(content, headers.get(b"cookie"), secure)
        # Names with a dot are those of what Kith itself puts beside records.
        came_with: dict[str, Any] = {
            name: value for name, value in proof.headers.items() if name not in _PRIVATE and "." not in name
        }
        came_with |= {f"query.{name.lower()}": value for name, value in proof.query.items()}
        records, beside = intake.mapping.split(content, came_with)
        _require_few(records)
        outcomes = await intake.take(records, beside, received_at)
        self._record(headers, intake, len(records))
        response = _answer(outcomes, intake)
        if cookie:
            response.headers["Set-Cookie"] = cookie
        return response

    async def _unpacked(self, body: bytes, format: str) -> Any:
        if len(body) < APART_BYTES:
            return unpack(body, format, MAX_VALUES)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._unpacker, unpack, body, format, MAX_VALUES)

    def _record(self, headers: Headers, intake: Intake, records: int) -> None:
        """Write who sent how much to the audit log. Raises `AuditUnavailable`: then it is sent again."""
        if self._recorder is not None and records:
            accessed = Accessed()
            accessed.wrote(records, (intake.source.name,))
            id = request_id(headers.get(b"x-request-id"), headers.get(b"traceparent"))
            self._recorder.command(intake.viewer, "intake", accessed, "write", "http", id)

    def _proof_of(self, request: Request, body: bytes, content: Any, url: str) -> proofs.Request:
        names = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
        query = dict(request.query_params)
        return proofs.Request(
            names, query, body, url or str(request.url), self._now() / SECOND, content, request.method
        )

    def _check(
        self, request: Request, headers: Headers, intake: Intake, proof: proofs.Request, path: str
    ) -> Response | None:
        source, mapping = intake.source, intake.mapping
        if source.browser:
            origin = headers.get(b"origin")
            if origin not in source.origins:
                shown = f"the origin {origin[:60]!r}" if origin else "a request without the header Origin"
                return _error(403, f"{shown} is not among the origins of the source {source.name!r} in connectors.toml")
            if request.url.path.startswith(PREFIX) and not proofs.write_keys(proof):
                return None  # The key is public, and some clients have no place for it but the path.
        if proofs.is_proved(proof, source.secrets, mapping.proof):
            return None
        needed = proofs.expected(mapping.proof) if source.secrets else "one of its secrets, and it has none"
        return self._unproved(
            request, f"the request does not prove that it comes from {source.name!r}: it needs {needed}"
        )

    def _unproved(self, request: Request, message: str) -> Response:
        if self._on_failure is not None:
            self._on_failure("unknown")
        failure = self._throttle.failed(client_address(request.scope))
        if failure.retry_after is not None:
            return _later(429, TOO_MANY_FAILURES, failure.retry_after, "TOO_MANY_INVALID_KEYS")
        return _error(401, message)

    def _target(self, path: str) -> tuple[str | None, str]:
        """Return the source that a path names, and the path of an SDK behind it."""
        if not path.startswith(PREFIX):
            return None, path
        source, slash, rest = path.removeprefix(PREFIX).partition("/")
        return source, f"/{rest}" if slash and rest else ""

    def _get(self, request: Request, source: str | None, path: str) -> Response:
        if path == page_script.PATH:
            return self._script.answer(request)
        if (document := collector.settings(path, request)) is not None:
            return json_response(document, 200, JSON)
        intake = None if source is None else self._connectors.get(source)
        if intake is not None and not path and intake.mapping.answers_get:
            # The check of an address, before the first delivery.
            return Response(request.query_params.get("challenge", ""), 200, media_type="text/plain")
        return _error(404 if intake is None else 405, "there is nothing to read here")

    # --- browsers

    def _preflight(self, headers: Headers) -> Response:
        response = Response(status_code=204)
        asked = headers.get(b"access-control-request-headers")
        if headers.get(b"origin") in self._connectors.origins:
            response.headers["Access-Control-Allow-Methods"] = "POST, GET"
            # A star does not cover the header Authorization.
            names = [name.strip() for name in asked.split(",")]
            response.headers["Access-Control-Allow-Headers"] = ", ".join(filter(collector.is_header_name, names))
            response.headers["Access-Control-Max-Age"] = "7200"
        return response

    def _allow_origin(self, response: Response, origin: str) -> None:
        if not origin:
            return
        response.headers.add_vary_header("Origin")
        if origin in self._connectors.origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"


def _require_few(content: Any) -> None:
    """Raise `TooLarge` if a list of records, or one in what was sent, is too long."""
    for value in (content, *content.values()) if isinstance(content, dict) else (content,):
        if isinstance(value, list) and len(value) > MAX_RECORDS:
            raise TooLarge("BODY_TOO_LARGE", f"the body has {len(value)} records; {MAX_RECORDS} are allowed at once")


def _error(status: int, message: str, headers: Mapping[str, str] | None = None, code: str | None = None) -> Response:
    return _failed(status, {"message": message, "extensions": {"code": code or CODES[status]}}, headers)


def _failed(status: int, error: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Return an error in the form of all errors.

    Its code and message are at the top, too, where RudderStack's SDK for Python reads them. Without them it sends the
    same again, even after 401.
    """
    body = {"code": error["extensions"]["code"], "message": error["message"], "errors": [error]}
    return json_response(body, status, JSON, headers)


def _later(status: int, message: str, seconds: int, code: str = "OVERLOADED") -> Response:
    return _error(status, message, headers={"Retry-After": str(seconds)}, code=code)


def _answer(outcomes: Sequence[Outcome], intake: Intake) -> Response:
    if intake.source.browser:
        # The key is public: whoever has it learns nothing of what is stored.
        return Response(encode_json({"success": True}), media_type=JSON)
    counts = {result.value: 0 for result in Result}
    refused: list[Mapping[str, Any]] = []
    for position, outcome in enumerate(outcomes):
        counts[outcome.result.value] += 1
        if outcome.problem is not None and len(refused) < MAX_SHOWN:
            problem = outcome.problem
            refused.append(
                {"record": position, "code": problem.code, "message": problem.message, "path": list(problem.path)}
            )
    return Response(encode_json({"success": True, **counts, "problems": refused}), media_type=JSON)
