"""The code of an execution error, for answers, logs and metrics."""

from graphql import GraphQLError

from graph.domain.model.errors import KithError, StoreFailure

BAD_REQUEST = "BAD_REQUEST"
INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


def original_of(error: GraphQLError) -> BaseException | None:
    """Return the error that a resolver raised; `None` if GraphQL itself found the error."""
    original = error.original_error
    while isinstance(original, GraphQLError):
        original = original.original_error
    return original


def error_code(error: GraphQLError) -> str:
    """Return the code of an error; of an unexpected one `INTERNAL_SERVER_ERROR`."""
    original = original_of(error)
    if original is None:
        return str((error.extensions or {}).get("code", BAD_REQUEST))
    if isinstance(original, KithError) and not isinstance(original, StoreFailure):
        return original.code
    return INTERNAL_SERVER_ERROR
