"""Functions used at run time: running the fields of an object, and awaiting values."""

from collections.abc import Awaitable
from types import CoroutineType
from typing import Any

from graphql import GraphQLOutputType, Undefined
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path, gather_with_cancel

from schema.execution.compiled.plans import BaseExecutor, CompiledFields, Complete


def run_fields(fields: CompiledFields, source: Any, executor: BaseExecutor, path: Path | None) -> Any:
    """Run all fields of an object. Return the dictionary, or a coroutine of it if a field returned a coroutine."""
    results: dict[str, Any] = {}
    waiting: list[str] | None = None
    try:
        for name, run in fields:
            results[name] = done = run(source, executor, path)
            if done.__class__ is CoroutineType:
                waiting = [name] if waiting is None else [*waiting, name]
    except Exception:
        if waiting:
            executor.settle_in_background([results[name] for name in waiting])
        raise
    return results if waiting is None else await_results(results, waiting)


async def await_results(results: Any, waiting: list[Any]) -> Any:
    """Return a dictionary or list after awaiting its values under the keys in `waiting`."""
    if len(waiting) == 1:
        results[waiting[0]] = await results[waiting[0]]
    else:
        for key, value in zip(waiting, await gather_with_cancel(*(results[key] for key in waiting)), strict=True):
            results[key] = value
    return results


async def run_serially(fields: CompiledFields, executor: BaseExecutor) -> dict[str, Any]:
    """Run all root fields, each after the previous one has finished."""
    results: dict[str, Any] = {}
    for name, run in fields:
        done = run(executor.root_value, executor, None)
        results[name] = await done if done.__class__ is CoroutineType else done
    return results


async def complete_awaitable(
    value: Awaitable[Any],
    executor: BaseExecutor,
    type: GraphQLOutputType,
    details: FieldDetailsList,
    path: Path,
    info: Any,
    complete: Complete,
) -> Any:
    """Await a value and complete it."""
    try:
        done = complete(await value, executor, path, info)
        if done.__class__ is CoroutineType:
            done = await done
    except Exception as error:
        executor.handle_field_error(error, type, details, path)
        return None
    return done


async def await_handled(
    value: Awaitable[Any], executor: BaseExecutor, type: GraphQLOutputType, details: FieldDetailsList, path: Path
) -> Any:
    """Await a value that is otherwise completed."""
    try:
        return await value
    except Exception as error:
        executor.handle_field_error(error, type, details, path)
        return None


_AWAITABLE: dict[type, bool] = {}
_NEEDS_SLOW_PATH: dict[type, bool] = {}


def may_be_awaited(value: Any) -> bool:
    """Return whether a value is awaitable, judging by its class."""
    kind = value.__class__
    awaitable = _AWAITABLE.get(kind)
    if awaitable is None:
        awaitable = _AWAITABLE[kind] = hasattr(kind, "__await__")
    return awaitable


def needs_slow_path(kind: type) -> bool:
    """Return whether values of a class are not leaf values: null, an awaitable or an error."""
    slow = _NEEDS_SLOW_PATH.get(kind)
    if slow is None:
        slow = _NEEDS_SLOW_PATH[kind] = (
            kind in (type(None), type(Undefined)) or hasattr(kind, "__await__") or issubclass(kind, Exception)
        )
    return slow
