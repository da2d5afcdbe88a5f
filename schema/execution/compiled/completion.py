"""How values of each kind of type are completed."""

from types import CoroutineType
from typing import Any, cast

from graphql import (
    GraphQLError,
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

from schema.execution.compiled.awaiting import awaited, completed_later, handled, may_be_awaited, run_fields
from schema.execution.compiled.fast_objects import Holder, Quick, quick_of
from schema.execution.compiled.plans import Complete, Fields, Running
from schema.execution.compiled.scalars import PLAIN, coercion


def completer(
    executor: Running, type: GraphQLOutputType, parent: GraphQLObjectType, name: str, details: FieldDetailsList
) -> tuple[Complete, bool]:
    """How values of a type are completed, and whether the resolver's info is wanted for it."""
    complete, wants_info, _ = _completer(executor, type, parent, name, details)
    return complete, wants_info


def _completer(
    executor: Running, type: GraphQLOutputType, parent: GraphQLObjectType, name: str, details: FieldDetailsList
) -> tuple[Complete, bool, Holder]:
    """The same, and the quick way of objects."""
    if is_non_null_type(type):
        inner, wants_info, holder = _completer(executor, type.of_type, parent, name, details)
        return _non_null(inner, f"Cannot return null for non-nullable field {parent}.{name}."), wants_info, holder
    if is_list_type(type):
        inner, wants_info, holder = _completer(executor, type.of_type, parent, name, details)
        return _list(inner, type.of_type, type, parent, name, details, holder), wants_info, Holder()
    if is_leaf_type(type):
        return _leaf(type), False, Holder()
    holder = Holder()
    if is_abstract_type(type):
        return _abstract(type, details, holder), True, holder
    object_type = cast("GraphQLObjectType", type)
    return _object(object_type, details, holder), object_type.is_type_of is not None, holder


def _non_null(inner: Complete, message: str) -> Complete:
    def complete(value: Any, executor: Running, path: Path, info: Any) -> Any:
        done = inner(value, executor, path, info)
        if done is None:
            raise TypeError(message)
        return done

    return complete


def _leaf(type: GraphQLLeafType) -> Complete:
    plain = PLAIN.get(type.name)
    coerce = coercion(type)

    def complete(value: Any, executor: Running, path: Path, info: Any) -> Any:
        if value is None or value is Undefined:
            return None
        if value.__class__ is plain:
            return value
        if isinstance(value, Exception):
            raise value
        done = coerce(value)
        # The error of a value that does not fit is graphql-core's own.
        return executor.complete_leaf_value(type, value) if done is None or done is Undefined else done

    return complete


def _list(
    inner: Complete,
    item_type: GraphQLOutputType,
    list_type: Any,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    holder: Holder,
) -> Complete:
    def complete(value: Any, executor: Running, path: Path, info: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        if holder.run is not None and (found := _all_quickly(holder.run, value)) is not None:
            return found
        if not isinstance(value, list | tuple) and not is_iterable(value):
            # Whatever else it may be, an asynchronous iterable or an error, is graphql-core's to tell.
            if info is None:
                raise GraphQLError(f"Expected Iterable, but did not find one for field '{parent}.{name}'.")
            return executor.complete_list_value(list_type, details, info, path, value, None)
        results: list[Any] = []
        waiting: list[int] | None = None
        try:
            for index, item in enumerate(value):
                own = Path(path, index, None)
                if may_be_awaited(item):
                    done: Any = completed_later(item, executor, item_type, details, own, info, inner)
                else:
                    try:
                        done = inner(item, executor, own, info)
                    except Exception as error:
                        executor.handle_field_error(error, item_type, details, own)
                        done = None
                    if done.__class__ is CoroutineType:
                        done = handled(done, executor, item_type, details, own)
                results.append(done)
                if done.__class__ is CoroutineType:
                    waiting = [index] if waiting is None else [*waiting, index]
        except Exception:
            if waiting:
                executor.settle_in_background([results[index] for index in waiting])
            raise
        return results if waiting is None else awaited(results, waiting)

    return complete


def _all_quickly(run: Quick, items: Any) -> list[dict[str, Any]] | None:
    """All items of a list by the quick way; `None` where it is none for one of them."""
    if items.__class__ is not list:
        return None
    try:
        found = [run(one) for one in items]
    except Exception:
        return None
    return None if None in found else cast("list[dict[str, Any]]", found)


def _object(type: GraphQLObjectType, details: FieldDetailsList, holder: Holder) -> Complete:
    is_type_of = type.is_type_of
    prepared = False
    fields: Fields | None = None

    def complete(value: Any, executor: Running, path: Path, info: Any) -> Any:
        nonlocal prepared, fields
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        if not prepared:
            holder.run, prepared = quick_of(executor, type, details), True
        if holder.run is not None:
            try:
                found = holder.run(value)
            except Exception:
                found = None
            if found is not None:
                return found
        if is_type_of is not None and is_type_of(value, info) is not True:
            # An answer to be waited for, or an error, is graphql-core's to tell.
            return executor.complete_object_value(type, details, info, path, value, None)
        if fields is None:
            fields = executor.compiled(type, executor.subfields(type, details))
        return run_fields(fields, value, executor, path)

    return complete


def _abstract(type: Any, details: FieldDetailsList, holder: Holder) -> Complete:
    objects: dict[str, tuple[Complete, Holder]] = {}
    by_class: dict[Any, Quick] = {}
    told_by_class = _told_by_class(type)

    def quick(value: Any) -> dict[str, Any] | None:
        run = by_class.get(value.__class__)
        return None if run is None or get_strawberry_type_cast(value) is not None else run(value)

    def complete(value: Any, executor: Running, path: Path, info: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        name = (type.resolve_type or executor.type_resolver)(value, info, type)
        if not isinstance(name, str):
            return executor.complete_abstract_value(type, details, info, path, value, None)
        known = objects.get(name)
        if known is None:
            runtime, own = executor.ensure_valid_runtime_type(name, type, details, info, value), Holder()
            known = objects[name] = _object(runtime, details, own), own
        done, run = known[0](value, executor, path, info), known[1].run
        if run is not None and told_by_class and get_strawberry_type_cast(value) is None:
            by_class[value.__class__], holder.run = run, quick
        return done

    return complete


def _told_by_class(type: Any) -> bool:
    """Whether the class of a value tells which type of a union it is; `StrawberryUnion.get_type_resolver` decides."""
    if not isinstance(type.extensions.get("strawberry-definition"), StrawberryUnion):
        return False
    of = (one.extensions.get("strawberry-definition") for one in type.types)
    return all(isinstance(one, StrawberryObjectDefinition) and one.concrete_of is None for one in of)
