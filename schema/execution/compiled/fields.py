"""Compiles a field: its value is read from an attribute or returned by a resolver, and then completed."""

from collections.abc import Callable
from operator import attrgetter
from types import CoroutineType
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path

from schema.execution.compiled.awaiting import await_handled, complete_awaitable, may_be_awaited, needs_slow_path
from schema.execution.compiled.completion import completer
from schema.execution.compiled.fast_objects import attribute_of
from schema.execution.compiled.plans import BaseExecutor, CompiledField, Complete
from schema.execution.compiled.resolvers import derived_by, resolver_of
from schema.execution.compiled.scalars import EXACT_TYPES, coercion


def compile_field(
    executor: BaseExecutor, parent: GraphQLObjectType, name: str, details: FieldDetailsList
) -> CompiledField:
    """Return the function that runs a field."""
    field = details[0].node.name.value
    graphql_field = executor.schema.get_field(parent, field)
    if graphql_field is None:
        raise TypeError(f"field {parent}.{field} does not exist")
    if field == "__typename":
        return lambda source, executor, path: parent.name
    complete, needs_info = completer(executor, graphql_field.type, parent, field, details)
    attribute, getter = attribute_of(graphql_field), derived_by(graphql_field)
    if attribute is not None:
        getter = attrgetter(attribute)
    elif getter is None:
        fetch, needs_own_info = resolver_of(executor, graphql_field, details)
        return _general(fetch, graphql_field, parent, name, details, complete, needs_info or needs_own_info)
    if _is_leaf(graphql_field.type):
        return _leaf_attribute(getter, graphql_field.type, parent, name, details, complete)
    return _general(
        lambda source, executor, info: getter(source), graphql_field, parent, name, details, complete, needs_info
    )


class LazyResolveInfo:
    """The resolver's info. Most resolvers read only the context, so the rest is built on first access."""

    __slots__ = ("_arguments", "_info", "context", "field_nodes")

    def __init__(
        self,
        executor: BaseExecutor,
        graphql_field: GraphQLField,
        nodes: list[FieldNode],
        parent: GraphQLObjectType,
        path: Path,
    ) -> None:
        self.context, self.field_nodes = executor.context_value, nodes
        self._arguments = executor, graphql_field, nodes, parent, path
        self._info: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._info is None:
            executor, graphql_field, nodes, parent, path = self._arguments
            self._info = executor.build_resolve_info(graphql_field, nodes, parent, path)
        return getattr(self._info, name)


def _is_leaf(type: GraphQLOutputType) -> bool:
    return is_leaf_type(get_nullable_type(type))


def _leaf_attribute(
    getter: Callable[[Any], Any],
    type: GraphQLOutputType,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    complete: Complete,
) -> CompiledField:
    leaf: Any = get_nullable_type(type)
    exact_type = EXACT_TYPES.get(leaf.name)
    coerce = coercion(leaf)
    nullable = not is_non_null_type(type)

    def run(source: Any, executor: BaseExecutor, path: Path | None) -> Any:
        try:
            value = getter(source)
            kind = value.__class__
            if kind is exact_type or (value is None and nullable):
                return value
            if not needs_slow_path(kind):
                done = coerce(value)
                if done is not None and done is not Undefined:
                    return done
            elif may_be_awaited(value):
                field_path = Path(path, name, parent.name)
                return complete_awaitable(value, executor, type, details, field_path, None, complete)
            return complete(value, executor, cast("Path", path), None)
        except Exception as error:
            executor.handle_field_error(error, type, details, Path(path, name, parent.name))
            return None

    return run


def _general(
    fetch: Callable[[Any, BaseExecutor, Any], Any],
    graphql_field: GraphQLField,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    complete: Complete,
    needs_info: bool,
) -> CompiledField:
    """Compile a field of any kind; `needs_info` says whether the resolver or the type reads the info."""
    nodes = [field_details.node for field_details in details]

    def run(source: Any, executor: BaseExecutor, path: Path | None) -> Any:
        field_path = Path(path, name, parent.name)
        info = LazyResolveInfo(executor, graphql_field, nodes, parent, field_path) if needs_info else None
        try:
            value = fetch(source, executor, info)
            if may_be_awaited(value):
                return complete_awaitable(value, executor, graphql_field.type, details, field_path, info, complete)
            done = complete(value, executor, field_path, info)
        except Exception as error:
            executor.handle_field_error(error, graphql_field.type, details, field_path)
            return None
        if done.__class__ is CoroutineType:
            return await_handled(done, executor, graphql_field.type, details, field_path)
        return done

    return run
