"""Formats errors: expected ones with code and path, unexpected ones only with an id that the log contains."""

import logging
import secrets
from collections.abc import Iterable
from typing import Any

from graphql import GraphQLError

from graph.domain.model.errors import InvalidInput, KithError, TemporaryFailure, TooManyLookups
from service.observability.error_codes import BAD_REQUEST, INTERNAL_SERVER_ERROR, is_expected, original_of

log = logging.getLogger("kith")


def format_error(error: GraphQLError) -> dict[str, Any]:
    """Return one execution error as the response contains it."""
    formatted: dict[str, Any] = {"message": error.message}
    if error.locations:
        formatted["locations"] = [{"line": location.line, "column": location.column} for location in error.locations]
    if error.path:
        formatted["path"] = error.path
    original = original_of(error)
    if original is None:
        formatted["extensions"] = {"code": BAD_REQUEST, **(error.extensions or {})}
    elif is_expected(original):
        formatted["message"] = original.message
        formatted["extensions"] = {"code": original.code, **_details(original)}
    else:
        formatted |= internal_error(original)
    return formatted


def internal_error(error: BaseException) -> dict[str, Any]:
    """Log an unexpected error under an id and return an error that contains only the id.

    The log contains the error's type and location, not its text: the text may contain personal data of a request.
    """
    id = secrets.token_hex(8)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    location = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame is not None else "?"
    log.error("internal error %s: %s at %s", id, type(error).__name__, location)
    log.debug("internal error %s", id, exc_info=error)
    return {
        "message": f"internal error {id}; see the service's log",
        "extensions": {"code": INTERNAL_SERVER_ERROR, "id": id},
    }


def _details(error: KithError) -> dict[str, Any]:
    match error:
        case TemporaryFailure():
            return {"retryAfter": error.retry_after}
        case InvalidInput() if error.path:
            return {"inputPath": list(error.path)}
    return {}


def retry_after(errors: Iterable[dict[str, Any]]) -> tuple[int, int] | None:
    """Return the HTTP status and the seconds after which to retry if errors include a temporary failure, else `None`.

    The status is 429 if the caller has asked for too much, and 503 if the service cannot answer now.
    """
    temporary = [error["extensions"] for error in errors if "retryAfter" in error.get("extensions", {})]
    if not temporary:
        return None
    status = 429 if any(extensions["code"] == TooManyLookups.code for extensions in temporary) else 503
    return status, max(extensions["retryAfter"] for extensions in temporary)
