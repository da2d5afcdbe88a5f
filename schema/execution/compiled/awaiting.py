"""What is done at run time: fields of objects, and what is waited for."""

from collections.abc import Awaitable
from types import CoroutineType
from typing import Any

from graphql import GraphQLOutputType, Undefined
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path, gather_with_cancel

from schema.execution.compiled.plans import Complete, Fields, Running


def run_fields(fields: Fields, source: Any, executor: Running, path: Path | None) -> Any:
    """All fields of an object; a coroutine where some are."""
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
    return results if waiting is None else awaited(results, waiting)


async def awaited(results: Any, waiting: list[Any]) -> Any:
    """A dictionary or list once what it waits for has come."""
    if len(waiting) == 1:
        results[waiting[0]] = await results[waiting[0]]
    else:
        for key, value in zip(waiting, await gather_with_cancel(*(results[key] for key in waiting)), strict=True):
            results[key] = value
    return results


async def run_serially(fields: Fields, executor: Running) -> dict[str, Any]:
    """All fields of the root, each when the one before is done."""
    results: dict[str, Any] = {}
    for name, one in fields:
        done = one(executor.root_value, executor, None)
        results[name] = await done if done.__class__ is CoroutineType else done
    return results


async def completed_later(
    value: Awaitable[Any],
    executor: Running,
    type: GraphQLOutputType,
    details: FieldDetailsList,
    path: Path,
    info: Any,
    complete: Complete,
) -> Any:
    """A value that is waited for, completed when it has come."""
    try:
        done = complete(await value, executor, path, info)
        if done.__class__ is CoroutineType:
            done = await done
    except Exception as error:
        executor.handle_field_error(error, type, details, path)
        return None
    return done


async def handled(
    value: Awaitable[Any], executor: Running, type: GraphQLOutputType, details: FieldDetailsList, path: Path
) -> Any:
    """A value that is completed already but for what it waits for."""
    try:
        return await value
    except Exception as error:
        executor.handle_field_error(error, type, details, path)
        return None


_AWAITABLE: dict[type, bool] = {}
_ODD: dict[type, bool] = {}


def may_be_awaited(value: Any) -> bool:
    """Whether a value is to be waited for, by its class."""
    kind = value.__class__
    found = _AWAITABLE.get(kind)
    if found is None:
        found = _AWAITABLE[kind] = hasattr(kind, "__await__")
    return found


def is_odd(kind: type) -> bool:
    """Whether values of a class are no values of leaves: nothing, something to wait for, or an error."""
    found = _ODD.get(kind)
    if found is None:
        found = _ODD[kind] = (
            kind in (type(None), type(Undefined)) or hasattr(kind, "__await__") or issubclass(kind, Exception)
        )
    return found
