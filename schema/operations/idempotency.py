"""Idempotency keys of requests that have no id of their own."""

import hashlib
from dataclasses import asdict

import orjson
import strawberry

from graph.domain.model.errors import InvalidInput
from graph.domain.model.idempotency import IdempotencyKey
from graph.domain.model.validation import check_text
from schema.shared.context import Info


@strawberry.input
class IdempotentInput:
    """The field of all inputs whose requests have no id of their own."""

    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A unique key of this request, 1 to 200 characters. Requests with the same key and content are "
        "executed once and return the same result; another request with the same key is an error.",
    )


def idempotency_key_of(info: Info, operation: str, input: IdempotentInput) -> IdempotencyKey | None:
    """Return the idempotency key of a request, if the caller sent one; raises `InvalidInput` if it is not valid."""
    key = input.idempotency_key
    if key is None:
        return None
    if (problem := check_text("idempotencyKey", key, 200)) is not None:
        raise InvalidInput(problem.code, problem.message, problem.path)
    content = orjson.dumps([operation, asdict(input)], default=_unset, option=orjson.OPT_SORT_KEYS)
    return IdempotencyKey(info.context.viewer.caller, key, hashlib.sha256(content).hexdigest())


def _unset(_: object) -> None:
    """Return null for a field of a one-of input that was not sent, which is the only value of no type of JSON."""
