"""The routes of OpenDSR. Every answer is signed; callers have keys or tokens, as at the GraphQL endpoint."""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

from cross_web import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from graph.domain.access.accessed import Accessed
from graph.domain.access.scopes import ERASURE_WRITE, SUBJECT_EXPORT
from graph.domain.access.viewer import Viewer
from graph.domain.model.errors import InvalidInput, StoreUnavailable, TemporaryFailure
from graph.runtime.timeouts import SharedTimeout
from service.access.authentication import Authenticator
from service.audit.recorder import Kind, Recorder
from service.config.opendsr_file import OpenDSRSettings
from service.http.error_format import internal_error
from service.http.opendsr import answers
from service.http.opendsr.answers import Answers
from service.http.opendsr.processor import Processor
from service.http.opendsr.register import RegisteredRequest
from service.http.opendsr.requests import (
    ACCESS,
    ERASURE,
    PORTABILITY,
    VERSIONS,
    Fault,
    InvalidRequest,
    RequestReader,
    Version,
)
from service.http.opendsr.signing import Signer
from service.http.request_body import Headers, client_address, read_body, stated_text
from service.http.responses import JSON, TOO_MANY_FAILURES
from service.observability.request_ids import request_id
from service.runtime.json_body import encode_json, parse_json

MAX_BODY_BYTES = 200_000
NDJSON = "application/x-ndjson"
STATUSES = {"REQUEST_NOT_FOUND": 404, "RESULTS_EXPIRED": 410, "PURPOSE_NOT_ALLOWED": 403, "FORBIDDEN": 403}
"""The HTTP status of an error by its code; 400 for others."""
SCOPES = {ERASURE: ERASURE_WRITE, ACCESS: SUBJECT_EXPORT, PORTABILITY: SUBJECT_EXPORT}
"""The scope that a caller needs for each type of request."""

Handler = Callable[["Call"], Awaitable[Response]]


class Results(Protocol):
    """What answers an access request."""

    async def export(self, keys: tuple[str, ...], type: str, viewer: Viewer) -> tuple[bytes, Accessed]:
        """Return everything that is stored about a person, and what was accessed."""
        ...


class Call:
    """One HTTP request, with the version of its path and its caller."""

    def __init__(self, request: Request, version: Version) -> None:
        self.request, self.version = request, version
        self.headers = Headers(request.scope)
        self.id = request_id(self.headers.get(b"x-request-id"), self.headers.get(b"traceparent"))
        self.viewer: Viewer

    @property
    def subject_request_id(self) -> str:
        """The id in the path."""
        return str(self.request.path_params["id"])


class OpenDSREndpoint:
    """The handlers of all versions. `recorder` writes the audit log, `None` without one."""

    def __init__(
        self,
        settings: OpenDSRSettings,
        authenticator: Authenticator,
        processor: Processor,
        reader: RequestReader,
        signer: Signer,
        results: Results,
        namespaces: Callable[[], Collection[str]],
        recorder: Recorder | None,
        body_seconds: float,
    ) -> None:
        self._authenticator, self._processor, self._reader, self._signer = authenticator, processor, reader, signer
        self._results, self._namespaces, self._recorder = results, namespaces, recorder
        self._answers = Answers(settings)
        self._body_timeout = SharedTimeout(body_seconds)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of all versions, with and without a slash at the end."""
        routes: list[BaseRoute] = [Route(answers.CERTIFICATE, self._certificate, methods=["GET"])]
        for version in VERSIONS.values():
            base = f"{answers.PATH}/v{version.major}"
            collection = f"{base}/{version.collection}"
            for path, handlers in (
                (f"{base}/discovery", {"GET": self._discovery}),
                (collection, {"POST": self._create, "GET": self._list}),
                (f"{collection}/{{id}}", {"GET": self._status, "DELETE": self._cancel}),
                (f"{collection}/{{id}}/results", {"GET": self._fetch}),
            ):
                for end in ("", "/"):
                    routes.append(Route(path + end, self._handler(version, handlers), methods=list(handlers)))
        return routes

    # --- what everybody may read: a controller verifies signatures by it

    async def _certificate(self, _: Request) -> Response:
        return Response(self._signer.certificate, media_type="application/x-pem-file")

    async def _discovery(self, call: Call) -> Response:
        return self._signed(call, 200, self._answers.discovery(call.version, self._namespaces()))

    # --- what callers with a scope may do

    async def _create(self, call: Call) -> Response:
        if call.headers.get(b"content-type").split(";")[0].strip().lower() != JSON:
            return self._error(call, 400, Fault("UNSUPPORTED_MEDIA_TYPE", f"the body must be {JSON}"))
        body = await read_body(call.request, call.headers, MAX_BODY_BYTES, self._body_timeout)
        try:
            parsed = parse_json(body)
        except json.JSONDecodeError:
            return self._error(call, 400, Fault("INVALID_VALUE", "the body is not JSON"))
        request = self._reader.read(parsed, call.version)
        self._require(call.viewer, SCOPES[request.type])
        self._record(call, f"opendsr {request.type}", Accessed(asked=dict.fromkeys(request.keys)), "write")
        registered = await self._processor.create(request, call.version, call.viewer)
        return self._signed(call, 201, self._answers.created(registered, body))

    async def _status(self, call: Call) -> Response:
        self._require(call.viewer, *SCOPES.values())
        request = await self._processor.find(call.subject_request_id)
        return self._signed(call, 200, self._answers.status(request))

    async def _list(self, call: Call) -> Response:
        self._require(call.viewer, *SCOPES.values())
        group = call.request.query_params.get("group_id", "")
        if not group:
            return self._error(call, 400, Fault("INVALID_VALUE", "group_id is required"))
        found: list[RegisteredRequest] = [one for one in await self._processor.register.all() if one.group == group]
        return self._signed(call, 200, [self._answers.status(one) for one in found])

    async def _cancel(self, call: Call) -> Response:
        self._require(call.viewer, *SCOPES.values())
        found = await self._processor.find(call.subject_request_id)
        # Whoever may only export must not keep an erasure from being carried out.
        self._require(call.viewer, SCOPES[found.type])
        request = await self._processor.cancel(call.subject_request_id)
        return self._signed(call, 202, self._answers.canceled(request))

    async def _fetch(self, call: Call) -> Response:
        self._require(call.viewer, SUBJECT_EXPORT)
        request = await self._processor.find(call.subject_request_id)
        if request.type == ERASURE or request.status != "completed":
            return self._error(call, 404, Fault("REQUEST_NOT_FOUND", "the request has no results"))
        content, accessed = await self._results.export(self._processor.keys(request), request.type, call.viewer)
        self._record(call, f"opendsr {request.type}", accessed, "export")
        return self._signed_bytes(call, 200, content, NDJSON if request.type == PORTABILITY else JSON)

    # --- what all handlers share

    def _handler(self, version: Version, handlers: Mapping[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
        public = handlers.get("GET") == self._discovery

        async def handle(request: Request) -> Response:
            call = Call(request, version)
            response = await self._answer(call, handlers["GET" if request.method == "HEAD" else request.method], public)
            response.headers["X-Request-Id"] = call.id
            response.headers["Cache-Control"] = "no-store"
            return response

        return handle

    async def _answer(self, call: Call, handler: Handler, public: bool) -> Response:
        """Return the answer of a handler, whatever happens. Raises `ClientDisconnect`."""
        try:
            refused = None if public else await self._sign_in(call)
            return refused or await handler(call)
        except InvalidRequest as error:
            return self._error(call, 400, *error.faults)
        except InvalidInput as error:
            return self._error(call, STATUSES.get(error.code, 400), Fault(error.code, error.message))
        except HTTPException as error:
            return self._error(call, error.status_code, Fault("BAD_REQUEST", error.reason))
        except (TemporaryFailure, StoreUnavailable) as error:
            response = self._error(call, 503, Fault(error.code, error.message))
            response.headers["Retry-After"] = "5"
            return response
        except ClientDisconnect:
            raise
        except Exception as error:
            described = internal_error(error)
            return self._error(call, 500, Fault(described["extensions"]["code"], described["message"]))

    async def _sign_in(self, call: Call) -> Response | None:
        """Set the viewer of a call; return the answer to a caller without a valid key."""
        authorization = call.headers.get(b"authorization")
        signed_in = await self._authenticator.sign_in(
            authorization, stated_text(call.headers.get(b"kith-reason")), call.headers.get(b"kith-purpose")
        )
        if signed_in is not None:
            call.viewer = signed_in.viewer
            return None
        failure = self._authenticator.failed(authorization, client_address(call.request.scope))
        if failure.retry_after is None:
            response = self._error(call, 401, Fault("UNAUTHENTICATED", "a valid key is required"))
            response.headers["WWW-Authenticate"] = 'Bearer realm="kith"'
        else:
            response = self._error(call, 429, Fault("TOO_MANY_INVALID_KEYS", TOO_MANY_FAILURES))
            response.headers["Retry-After"] = str(failure.retry_after)
        return response

    @staticmethod
    def _require(viewer: Viewer, *scopes: str) -> None:
        """Raise `InvalidInput` if a viewer holds none of some scopes."""
        if not any(map(viewer.may, scopes)):
            message = f"the role {viewer.role} may not do this (scope {' or '.join(dict.fromkeys(scopes))})"
            raise InvalidInput("FORBIDDEN", message)

    def _record(self, call: Call, name: str, accessed: Accessed, kind: Kind) -> None:
        if self._recorder is not None:
            self._recorder.command(call.viewer, name, accessed, kind, "http", call.id)

    def _signed(self, call: Call, status: int, body: object) -> Response:
        return self._signed_bytes(call, status, encode_json(body), JSON)

    def _signed_bytes(self, call: Call, status: int, body: bytes, media_type: str) -> Response:
        headers = self._answers.headers(call.version, self._signer.sign(body))
        return Response(body, status, headers, media_type=media_type)

    def _error(self, call: Call, status: int, *faults: Fault) -> Response:
        return self._signed(call, status, answers.error(status, faults, call.version))
