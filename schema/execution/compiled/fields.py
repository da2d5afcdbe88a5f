"""How a field is run: fetched as an attribute or by a resolver, and completed."""

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

from schema.execution.compiled.awaiting import completed_later, handled, is_odd, may_be_awaited
from schema.execution.compiled.completion import completer
from schema.execution.compiled.fast_objects import attribute_of
from schema.execution.compiled.plans import Complete, Field, Running
from schema.execution.compiled.resolvers import derived_by, resolver_of
from schema.execution.compiled.scalars import PLAIN, coercion


def compiled_field(executor: Running, parent: GraphQLObjectType, name: str, details: FieldDetailsList) -> Field:
    """How a field is run."""
    field = details[0].node.name.value
    known = executor.schema.get_field(parent, field)
    if known is None:
        raise TypeError(f"{parent}.{field} is not there")
    if field == "__typename":
        return lambda source, executor, path: parent.name
    complete, wants_info = completer(executor, known.type, parent, field, details)
    attribute, getter = attribute_of(known), derived_by(known)
    if attribute is not None:
        getter = attrgetter(attribute)
    elif getter is None:
        fetch, wants_own_info = resolver_of(executor, known, details)
        return _general(fetch, known, parent, name, details, complete, wants_info or wants_own_info)
    if _is_leaf(known.type):
        return _leaf_attribute(getter, known.type, parent, name, details, complete)
    return _general(lambda source, executor, info: getter(source), known, parent, name, details, complete, wants_info)


class Asking:
    """The resolver's info: most ask for the context alone, so the rest of it is made when it is asked for."""

    __slots__ = ("_made", "_of", "context", "field_nodes")

    def __init__(
        self, executor: Running, known: GraphQLField, nodes: list[FieldNode], parent: GraphQLObjectType, path: Path
    ) -> None:
        self.context, self.field_nodes = executor.context_value, nodes
        self._of = executor, known, nodes, parent, path
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            executor, known, nodes, parent, path = self._of
            self._made = executor.build_resolve_info(known, nodes, parent, path)
        return getattr(self._made, name)


def _is_leaf(type: GraphQLOutputType) -> bool:
    return is_leaf_type(get_nullable_type(type))


def _leaf_attribute(
    getter: Callable[[Any], Any],
    type: GraphQLOutputType,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    complete: Complete,
) -> Field:
    leaf: Any = get_nullable_type(type)
    plain = PLAIN.get(leaf.name)
    coerce = coercion(leaf)
    nullable = not is_non_null_type(type)

    def run(source: Any, executor: Running, path: Path | None) -> Any:
        try:
            value = getter(source)
            kind = value.__class__
            if kind is plain or (value is None and nullable):
                return value
            if not is_odd(kind):
                done = coerce(value)
                if done is not None and done is not Undefined:
                    return done
            elif may_be_awaited(value):
                own = Path(path, name, parent.name)
                return completed_later(value, executor, type, details, own, None, complete)
            return complete(value, executor, cast("Path", path), None)
        except Exception as error:
            executor.handle_field_error(error, type, details, Path(path, name, parent.name))
            return None

    return run


def _general(
    fetch: Callable[[Any, Running, Any], Any],
    known: GraphQLField,
    parent: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    complete: Complete,
    wants_info: bool,
) -> Field:
    """A field whose value is fetched in any way; `wants_info` tells whether that or its type asks for the info."""
    nodes = [one.node for one in details]

    def run(source: Any, executor: Running, path: Path | None) -> Any:
        own = Path(path, name, parent.name)
        info = Asking(executor, known, nodes, parent, own) if wants_info else None
        try:
            value = fetch(source, executor, info)
            if may_be_awaited(value):
                return completed_later(value, executor, known.type, details, own, info, complete)
            done = complete(value, executor, own, info)
        except Exception as error:
            executor.handle_field_error(error, known.type, details, own)
            return None
        if done.__class__ is CoroutineType:
            return handled(done, executor, known.type, details, own)
        return done

    return run
