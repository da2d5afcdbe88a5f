"""The code of an execution error, for answers, logs and metrics."""

from typing import TypeGuard

from graphql import GraphQLError

from graph.domain.model.errors import KithError, StoreFailure

BAD_REQUEST = "BAD_REQUEST"
INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


def original_of(error: GraphQLError) -> BaseException | None:
    """Return the error behind an execution error; `None` if the request is the reason.

    It is what a resolver raised, or the error itself if the type of a field cannot represent its value.
    """
    cause = error
    while isinstance(cause.original_error, GraphQLError):
        cause = cause.original_error
    if cause.original_error is None and error.path and not cause.nodes:
        return cause
    return cause.original_error


def is_expected(original: BaseException) -> TypeGuard[KithError]:
    """Return whether callers get the code and the message of an error; of others they get an id."""
    return isinstance(original, KithError) and not isinstance(original, StoreFailure)


def error_code(error: GraphQLError) -> str:
    """Return the code of an error; of an unexpected one `INTERNAL_SERVER_ERROR`."""
    original = original_of(error)
    if original is None:
        return str((error.extensions or {}).get("code", BAD_REQUEST))
    return original.code if is_expected(original) else INTERNAL_SERVER_ERROR
