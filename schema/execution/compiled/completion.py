"""Completes values: turns what resolvers return into what the answer contains, by the kind of the type."""

from types import CoroutineType, SimpleNamespace
from typing import Any, cast

from graphql import (
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path, is_iterable
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.cast import get_strawberry_type_cast
from strawberry.types.union import StrawberryUnion

from schema.execution.compiled.awaiting import (
    await_handled,
    await_results,
    complete_awaitable,
    may_be_awaited,
    run_fields,
)
from schema.execution.compiled.fast_objects import FastObject, FastPathSlot, fast_object_of
from schema.execution.compiled.plans import BaseExecutor, CompiledFields, Complete
from schema.execution.compiled.scalars import EXACT_TYPES, coercion


def completer(
    executor: BaseExecutor, type: GraphQLOutputType, parent: GraphQLObjectType, name: str, details: FieldDetailsList
) -> tuple[Complete, bool]:
    """Return the function that completes values of a type, and whether it needs the resolver's info."""
    complete, needs_info, _ = _completer(executor, type, parent, name, details)
    return complete, needs_info


def _completer(
    executor: BaseExecutor, type: GraphQLOutputType, parent: GraphQLObjectType, name: str, details: FieldDetailsList
) -> tuple[Complete, bool, FastPathSlot]:
    """Return the same as `completer`, and the slot for the fast path of objects."""
    if is_non_null_type(type):
        inner, needs_info, slot = _completer(executor, type.of_type, parent, name, details)
        return _non_null(inner, f"Cannot return null for non-nullable field {parent}.{name}."), needs_info, slot
    if is_list_type(type):
        inner, needs_info, slot = _completer(executor, type.of_type, parent, name, details)
        return _list(inner, type.of_type, type, parent, name, details, slot), needs_info, FastPathSlot()
    if is_leaf_type(type):
        return _leaf(type), False, FastPathSlot()
    slot = FastPathSlot()
    if is_abstract_type(type):
        return _abstract(type, details, slot), True, slot
    object_type = cast("GraphQLObjectType", type)
    return _object(object_type, details, slot), object_type.is_type_of is not None, slot


def _non_null(inner: Complete, message: str) -> Complete:
    def complete(value: Any, executor: BaseExecutor, path: Path, info: Any) -> Any:
        done = inner(value, executor, path, info)
        if done is None:
            raise TypeError(message)
        return done

    return complete


def _leaf(type: GraphQLLeafType) -> Complete:
    exact_type = EXACT_TYPES.get(type.name)
    coerce = coercion(type)

    def complete(value: Any, executor: BaseExecutor, path: Path, info: Any) -> Any:
        if value is None or value is Undefined:
            return None
        if value.__class__ is exact_type:
            return value
        if isinstance(value, Exception):
            raise value
        done = coerce(value)
        # graphql-core reports values that cannot be coerced.
        return executor.complete_leaf_value(type, value) if done is None or done is Undefined else done

    return complete


def _list(
    inner: Complete,
    item_type: GraphQLOutputType,
    list_type: Any,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    slot: FastPathSlot,
) -> Complete:
    def complete(value: Any, executor: BaseExecutor, path: Path, info: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        if slot.run is not None and (objects := _all_fast(slot.run, value)) is not None:
            return objects
        if not isinstance(value, list | tuple) and not is_iterable(value):
            # graphql-core handles everything else, such as asynchronous iterables and errors. It names the field in
            # errors, so it needs that much of an info if neither the resolver nor the type needs more.
            named: Any = SimpleNamespace(parent_type=parent, field_name=name) if info is None else info
            return executor.complete_list_value(list_type, details, named, path, value, None)
        results: list[Any] = []
        waiting: list[int] | None = None
        try:
            for index, item in enumerate(value):
                item_path = Path(path, index, None)
                if may_be_awaited(item):
                    done: Any = complete_awaitable(item, executor, item_type, details, item_path, info, inner)
                else:
                    try:
                        done = inner(item, executor, item_path, info)
                    except Exception as error:
                        executor.handle_field_error(error, item_type, details, item_path)
                        done = None
                    if done.__class__ is CoroutineType:
                        done = await_handled(done, executor, item_type, details, item_path)
                results.append(done)
                if done.__class__ is CoroutineType:
                    waiting = [index] if waiting is None else [*waiting, index]
        except Exception:
            if waiting:
                executor.settle_in_background([results[index] for index in waiting])
            raise
        return results if waiting is None else await_results(results, waiting)

    return complete


def _all_fast(run: FastObject, items: Any) -> list[dict[str, Any]] | None:
    """Build all items of a list on the fast path; `None` if it fails for any of them."""
    if items.__class__ is not list:
        return None
    try:
        objects = [run(item) for item in items]
    except Exception:
        return None
    return None if None in objects else cast("list[dict[str, Any]]", objects)


def _object(type: GraphQLObjectType, details: FieldDetailsList, slot: FastPathSlot) -> Complete:
    is_type_of = type.is_type_of
    prepared = False
    fields: CompiledFields | None = None

    def complete(value: Any, executor: BaseExecutor, path: Path, info: Any) -> Any:
        nonlocal prepared, fields
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        if not prepared:
            slot.run, prepared = fast_object_of(executor, type, details), True
        if slot.run is not None:
            try:
                result = slot.run(value)
            except Exception:
                result = None
            if result is not None:
                return result
        if is_type_of is not None and is_type_of(value, info) is not True:
            # graphql-core handles an awaitable result and reports the error.
            return executor.complete_object_value(type, details, info, path, value, None)
        if fields is None:
            fields = executor.compile_fields(type, executor.subfields(type, details))
        return run_fields(fields, value, executor, path)

    return complete


def _abstract(type: Any, details: FieldDetailsList, slot: FastPathSlot) -> Complete:
    objects: dict[str, tuple[Complete, FastPathSlot]] = {}
    by_class: dict[Any, FastObject] = {}
    by_class_only = _resolved_by_class(type)

    def fast_object(value: Any) -> dict[str, Any] | None:
        run = by_class.get(value.__class__)
        return None if run is None or get_strawberry_type_cast(value) is not None else run(value)

    def complete(value: Any, executor: BaseExecutor, path: Path, info: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        name = (type.resolve_type or executor.type_resolver)(value, info, type)
        if not isinstance(name, str):
            return executor.complete_abstract_value(type, details, info, path, value, None)
        member = objects.get(name)
        if member is None:
            runtime, own_slot = executor.ensure_valid_runtime_type(name, type, details, info, value), FastPathSlot()
            member = objects[name] = _object(runtime, details, own_slot), own_slot
        done, run = member[0](value, executor, path, info), member[1].run
        if run is not None and by_class_only and get_strawberry_type_cast(value) is None:
            by_class[value.__class__], slot.run = run, fast_object
        return done

    return complete


def _resolved_by_class(type: Any) -> bool:
    """Return whether the class of a value determines its union member, as in `StrawberryUnion.get_type_resolver`."""
    if not isinstance(type.extensions.get("strawberry-definition"), StrawberryUnion):
        return False
    members = (member.extensions.get("strawberry-definition") for member in type.types)
    return all(isinstance(member, StrawberryObjectDefinition) and member.concrete_of is None for member in members)
