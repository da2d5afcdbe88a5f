"""HTTP responses: media type, status and headers."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson
from starlette.responses import Response

from graph.domain.model.errors import InvalidInput
from schema.execution.runner import ExecutionAnswer, Stage
from service.access.throttle import Failure
from service.http.error_format import format_error, internal_error, retry_after
from service.runtime.json_body import encode_json

GRAPHQL_RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "ORIGIN_NOT_ALLOWED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    408: "REQUEST_TIMEOUT",
    413: "BODY_TOO_LARGE",
    414: "URL_TOO_LONG",
    415: "UNSUPPORTED_MEDIA_TYPE",
    421: "HOST_NOT_ALLOWED",
    429: "TOO_MANY_CONNECTIONS",
    431: "HEADERS_TOO_LARGE",
    503: "OVERLOADED",
}
"""The code of an error that occurred before a document was read, by its HTTP status."""

TOO_MANY_FAILURES = "too many requests without a valid key came from this address"

HttpStatusProfile = Literal["2025", "2026-08"]


def media_type(accept: str) -> str | None:
    """Return the supported media type that `Accept` prefers; `None` if it allows none."""
    if not accept.strip():
        return JSON
    best: tuple[float, int, str] | None = None
    for position, entry in enumerate(accept.split(",")):
        kind, *parameters = (part.strip().lower() for part in entry.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        offered = (
            kind
            if kind in (GRAPHQL_RESPONSE_JSON, EVENT_STREAM)
            else JSON
            if kind in (JSON, "application/*", "*/*")
            else None
        )
        if offered and quality > 0 and (best is None or (-quality, position) < best[:2]):
            best = (-quality, position, offered)
    return best[2] if best else None


def response_body(answer: ExecutionAnswer) -> dict[str, Any]:
    """Return an answer as JSON values."""
    result: dict[str, Any] = {}
    if answer.errors:
        result["errors"] = [format_error(error) for error in answer.errors]
    if answer.executed:
        result["data"] = answer.data
    if answer.extensions:
        result["extensions"] = answer.extensions
    return result


def encoded_body(answer: ExecutionAnswer) -> bytes:
    """Return an answer as JSON, to be put into a message. It is an error if it cannot be encoded."""
    return _encode(response_body(answer))


def _encode(body: dict[str, Any]) -> bytes:
    try:
        return encode_json(body)
    except (TypeError, ValueError, RecursionError) as error:
        return encode_json({"errors": [internal_error(error)], "data": None})


def status(answer: ExecutionAnswer, media_type: str, http_status_profile: HttpStatusProfile) -> int:
    """Return the HTTP status of an answer.

    With `application/json` it is 200 even if the request is invalid, which the GraphQL over HTTP specification requires
    for older clients. The draft of August 2026 distinguishes a document that cannot be parsed (400) from one that
    cannot be executed (422), and an answer with both data and errors (294) from one without errors (200).
    """
    match answer.stage:
        case Stage.METHOD:
            return 405
        case Stage.ACCESS:
            return 403
        case Stage.TIME:
            return 504
        case _ if media_type == JSON:
            return 200
        case Stage.PARSING:
            return 400
        case Stage.VALIDATION:
            return 400 if http_status_profile == "2025" else 422
        case Stage.EXECUTION:
            partial = bool(answer.errors) and answer.data is not None
            return 294 if partial and http_status_profile == "2026-08" else 200


def response(answer: ExecutionAnswer, media_type: str, http_status_profile: HttpStatusProfile) -> Response:
    """Return the response to one request."""
    result = response_body(answer)
    temporary = retry_after(result["errors"]) if answer.errors else None
    if temporary is not None:
        return _response(result, temporary[0], media_type, {"Retry-After": str(temporary[1])})
    headers = {"Allow": "POST"} if answer.stage is Stage.METHOD else None
    return _response(result, status(answer, media_type, http_status_profile), media_type, headers)


def batch_response(answers: Sequence[ExecutionAnswer], media_type: str) -> Response:
    """Return the response to a batch: 200, or 429 if the caller has asked for too much with any of its operations."""
    bodies = [response_body(answer) for answer in answers]
    temporary = retry_after(error for body in bodies for error in body.get("errors", ()))
    body = [orjson.Fragment(_encode(body)) for body in bodies]
    if temporary is not None and temporary[0] == 429:
        return json_response(body, 429, media_type, {"Retry-After": str(temporary[1])})
    return json_response(body, 200, media_type)


def _response(body: dict[str, Any], status: int, kind: str, headers: Mapping[str, str] | None) -> Response:
    return Response(_encode(body), status, headers, media_type=f"{kind}; charset=utf-8")


def json_response(answer: object, status: int, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a JSON body."""
    return Response(encode_json(answer), status, headers, media_type=f"{media_type}; charset=utf-8")


class ErrorResponse(Response):
    """An error that occurred before execution."""

    code: str


def error_response(
    status: int,
    message: str,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
    code: str | None = None,
) -> ErrorResponse:
    """Return an error that occurred before execution, in the form of a GraphQL response.

    Its code follows from the status if it is not given.
    """
    code = code or CODES[status]
    answer = {"errors": [{"message": message, "extensions": {"code": code}}]}
    response = ErrorResponse(encode_json(answer), status, headers, media_type=f"{media_type}; charset=utf-8")
    response.code = code
    return response


def unauthenticated(failure: Failure) -> ErrorResponse:
    """Return the answer to a request without a valid key."""
    if failure.retry_after is not None:
        headers = {"Retry-After": str(failure.retry_after)}
        return error_response(429, TOO_MANY_FAILURES, headers=headers, code="TOO_MANY_INVALID_KEYS")
    headers = {"WWW-Authenticate": 'Bearer realm="kith"'}
    return error_response(401, "a valid key is required: Authorization: Bearer KEY", headers=headers)


def invalid_statement(error: InvalidInput) -> ErrorResponse:
    """Return the answer to a request whose purpose or reason is not allowed."""
    return error_response(403 if error.code == "PURPOSE_NOT_ALLOWED" else 400, error.message, code=error.code)


def with_etag(response: Response, if_none_match: str) -> Response:
    """Return a response with its ETag, or 304 if the caller has it. Caches must revalidate before each use."""
    etag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}
    cached = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if response.status_code == 200 and (etag in cached or "*" in cached):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response
