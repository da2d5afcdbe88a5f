"""Errors on their way out: expected ones with code and path, unexpected ones as nothing but an id found in the log."""

import logging
import secrets
from collections.abc import Iterable
from typing import Any

from graphql import GraphQLError

from graph.domain.model.errors import InvalidInput, KithError, StoreFailure, TemporaryFailure

log = logging.getLogger("kith")


def formatted(error: GraphQLError) -> dict[str, Any]:
    """One error of an execution as the answer shows it."""
    shown: dict[str, Any] = {"message": error.message}
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        shown["path"] = error.path
    original = error.original_error
    while isinstance(original, GraphQLError):
        original = original.original_error
    if original is None:
        shown["extensions"] = {"code": "BAD_REQUEST", **(error.extensions or {})}
    elif isinstance(original, KithError) and not isinstance(original, StoreFailure):
        shown["message"] = original.message
        shown["extensions"] = {"code": original.code, **_details(original)}
    else:
        shown |= internal(original)
    return shown


def internal(error: BaseException) -> dict[str, Any]:
    """An unexpected error: logged with an id, and the id is all that is shown.

    The log names the type and the place, not the text: an exception's text may hold what a caller sent.
    """
    id = secrets.token_hex(8)
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place is not None else "?"
    log.error("internal error %s: %s at %s", id, type(error).__name__, where)
    log.debug("internal error %s", id, exc_info=error)
    return {
        "message": f"internal error {id}; the service's log tells more",
        "extensions": {"code": "INTERNAL", "id": id},
    }


def _details(error: KithError) -> dict[str, Any]:
    match error:
        case TemporaryFailure():
            return {"retryAfter": error.retry_after}
        case InvalidInput() if error.path:
            return {"inputPath": list(error.path)}
    return {}


def retry_after(errors: Iterable[dict[str, Any]]) -> int | None:
    """Seconds after which the request may be sent again, where a temporary failure is among the errors."""
    hints = [error.get("extensions", {}).get("retryAfter") for error in errors]
    return max((hint for hint in hints if hint is not None), default=None)
