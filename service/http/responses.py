"""Answers on their way out: media type, status, headers."""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import orjson
from starlette.responses import Response

from schema.execution.runner import Answer, Stage
from service.http.error_format import formatted, retry_after

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
EVENTS = "text/event-stream"

Statuses = Literal["2025", "2026-08"]


def media_type(accept: str) -> str | None:
    """The media type of the answer: what `Accept` prefers; `None` where it allows none of ours."""
    if not accept.strip():
        return JSON
    best: tuple[float, int, str] | None = None
    for place, entry in enumerate(accept.split(",")):
        kind, *parameters = (part.strip().lower() for part in entry.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        offered = kind if kind in (RESPONSE, EVENTS) else JSON if kind in (JSON, "application/*", "*/*") else None
        if offered and quality > 0 and (best is None or (-quality, place) < best[:2]):
            best = (-quality, place, offered)
    return best[2] if best else None


def shown(answer: Answer) -> dict[str, Any]:
    """An answer as JSON can hold it."""
    result: dict[str, Any] = {}
    if answer.errors:
        result["errors"] = [formatted(error) for error in answer.errors]
    if answer.executed:
        result["data"] = answer.data
    if answer.extensions:
        result["extensions"] = answer.extensions
    return result


def status(answer: Answer, media_type: str, statuses: Statuses) -> int:
    """The HTTP status of an answer.

    With `application/json` it is 200 whatever GraphQL says, as the specification asks for old clients' sake. The draft
    of August 2026 tells a document that cannot be parsed (400) from one that cannot be run (422), and an answer with
    errors beside its data (294) from a whole one.
    """
    match answer.stage:
        case Stage.METHOD:
            return 405
        case Stage.TIME:
            return 504
        case _ if media_type == JSON:
            return 200
        case Stage.PARSING:
            return 400
        case Stage.VALIDATION:
            return 400 if statuses == "2025" else 422
        case Stage.EXECUTION:
            partial = bool(answer.errors) and answer.data is not None
            return 294 if partial and statuses == "2026-08" else 200


def response(answer: Answer, media_type: str, statuses: Statuses) -> Response:
    """The response to one request."""
    result = shown(answer)
    seconds = retry_after(result["errors"]) if answer.errors else None
    if seconds is not None:
        return as_json(result, 503, media_type, {"Retry-After": str(seconds)})
    headers = {"Allow": "POST"} if answer.stage is Stage.METHOD else None
    return as_json(result, status(answer, media_type, statuses), media_type, headers)


def as_json(answer: object, status: int, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """A response that holds JSON."""
    return Response(orjson.dumps(answer), status, headers, media_type=f"{media_type}; charset=utf-8")


def problem(status: int, message: str, media_type: str = JSON, headers: Mapping[str, str] | None = None) -> Response:
    """An error before any execution, in the form of GraphQL."""
    answer = {"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]}
    return as_json(answer, status, media_type, headers)


def validated(response: Response, if_none_match: str) -> Response:
    """A response with its ETag, or 304 where the caller holds the same. It may be kept, but never used unasked."""
    etag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}
    known = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    if response.status_code == 200 and (etag in known or "*" in known):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response
