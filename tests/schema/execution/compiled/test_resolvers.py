"""What runs around a resolver runs in every run: permission classes and other field extensions, compiled or not."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission

from graph.domain.access.scopes import NOBODY
from graph.domain.access.viewer import Reach, Viewer
from schema.execution.limits import Limits
from schema.execution.runner import ALL, GraphQLRequest, OperationRunner
from schema.shared.derived_fields import DERIVED
from tests.builders.unreliable_schema import IsolatedSchema

RUNS = 6


class Deny(BasePermission):
    """Denies everybody."""

    message = "denied"

    def has_permission(self, *_: Any, **__: Any) -> bool:
        return False


class Shout(FieldExtension):
    """Changes what a resolver returns."""

    def resolve(self, next_: Any, source: Any, info: Any, **arguments: Any) -> Any:
        return f"{next_(source, info, **arguments)}!"


DENIED: dict[str, Any] = {"permission_classes": [Deny]}
CHANGED: dict[str, Any] = {"extensions": [Shout()]}


def _value(self: Any) -> str:
    return "secret"


def _field(options: dict[str, Any], **more: Any) -> Any:
    def resolve(self) -> str | None:  # type: ignore[no-untyped-def]
        return "secret"

    return strawberry.field(resolver=resolve, **options, **more)


def _argument_field(options: dict[str, Any]) -> Any:
    def resolve(self, times: int = 1) -> str | None:  # type: ignore[no-untyped-def]
        return "secret" * times

    return strawberry.field(resolver=resolve, metadata={DERIVED: None}, **options)


@strawberry.type
class Guarded:
    """An object of each kind of field, with something around it."""

    open: str = "open"
    plain: str | None = strawberry.field(default="secret", **DENIED)
    derived: str | None = _field(DENIED, metadata={DERIVED: _value})
    method: str | None = _field(DENIED, metadata={DERIVED: None})
    with_argument: str | None = _argument_field(DENIED)
    resolved: str | None = _field(DENIED)
    plain_changed: str | None = strawberry.field(default="secret", **CHANGED)
    derived_changed: str | None = _field(CHANGED, metadata={DERIVED: _value})
    method_changed: str | None = _field(CHANGED, metadata={DERIVED: None})
    with_argument_changed: str | None = _argument_field(CHANGED)
    resolved_changed: str | None = _field(CHANGED)


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    def one(self) -> Guarded:
        return Guarded()

    @strawberry.field
    def many(self) -> list[Guarded]:
        return [Guarded(), Guarded()]


SCHEMA = IsolatedSchema(query=Query)
EVERYTHING = Viewer("tests", "tests", frozenset({NOBODY}), Reach.ANY)
"""A viewer that may select fields without a rule."""
KINDS = ("plain", "derived", "method", "withArgument", "resolved")


def answers(text: str) -> list[tuple[Any, list[str]]]:
    """The data and the messages of errors of several runs in one process."""
    runner = OperationRunner(SCHEMA, Limits())

    async def run() -> list[Any]:
        context: Any = SimpleNamespace(viewer=EVERYTHING)
        return [await runner.run(GraphQLRequest(text, {}), context, ALL) for _ in range(RUNS)]

    return [(answer.data, [error.message for error in answer.errors or ()]) for answer in asyncio.run(run())]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("beside", ["", "open"])
def test_permission_classes_are_honored_on_every_run(kind: str, beside: str) -> None:
    expected = {**({"open": "open"} if beside else {}), kind: None}
    assert answers(f"{{ one {{ {beside} {kind} }} }}") == [({"one": expected}, ["denied"])] * RUNS
    assert answers(f"{{ many {{ {beside} {kind} }} }}") == [({"many": [expected] * 2}, ["denied"] * 2)] * RUNS


@pytest.mark.parametrize("kind", KINDS)
def test_field_extensions_run_on_every_run(kind: str) -> None:
    changed = f"{kind}Changed"
    assert answers(f"{{ many {{ {changed} }} }}") == [({"many": [{changed: "secret!"}] * 2}, [])] * RUNS
