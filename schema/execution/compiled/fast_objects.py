"""The fast path: one generated function builds an object whose fields are all plain.

A field is plain if it is an attribute or derived from the object alone (`schema.shared.derived_fields`), and its value
is a leaf, or an object or list of objects whose fields are plain. Most objects of an answer are of that kind. Their
selection becomes a Python function of a few lines that builds the dictionary at once. It returns `None` or raises if a
value is not as expected (an illegal null, an error stored as a value, an awaitable, an invalid scalar); the slow path
then runs and reports errors. The fast path has no side effects, so running both is safe.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from strawberry.types.cast import get_strawberry_type_cast

from schema.execution.compiled.awaiting import needs_slow_path
from schema.execution.compiled.codegen import FunctionWriter
from schema.execution.compiled.plans import BaseExecutor
from schema.execution.compiled.resolvers import definition_of, derived_by, derived_method
from schema.execution.compiled.scalars import EXACT_TYPES, coercion

FastObject = Callable[[Any], dict[str, Any] | None]
"""From an object to what the answer contains; `None` if the slow path is needed."""


@dataclass(slots=True)
class FastPathSlot:
    """Holds the fast path of an object's selection once it is known whether there is one."""

    run: FastObject | None = None


def fast_object_of(executor: BaseExecutor, type: GraphQLObjectType, details: FieldDetailsList) -> FastObject | None:
    """Return the fast path of a selection on an object's type; `None` if any of its fields is not plain."""
    writer = _ObjectWriter()
    if type.is_type_of is not None:
        origin = _origin(type)
        if origin is None:
            return None
        matches = f"source.__class__ is {writer.name(origin)} and cast_of(source) is None"
        writer.fetches.append(f"if not ({matches}): return None")
        writer.finds_objects = True
    try:
        fields = executor.subfields(type, details)
    except GraphQLError:
        # A condition has no value. That is an error of the objects with this selection, if there are any.
        return None
    for name, field_details in fields.items():
        if not _write(writer, executor, type, name, field_details):
            return None
    return writer.fast_object()


def _origin(type: GraphQLObjectType) -> Any:
    """Return the class of a type's objects if the class alone determines the type."""
    definition = type.extensions.get("strawberry-definition")
    if definition is None or definition.is_type_of is not None or definition.concrete_of is not None:
        return None
    return definition.origin


class _ObjectWriter(FunctionWriter):
    """Writes the function that builds an object."""

    def __init__(self) -> None:
        super().__init__(admit=_admit, cast_of=get_strawberry_type_cast, Undefined=Undefined)
        self.finds_objects = False
        """Whether the function fails for a value that is not an object: it checks the class or reads an attribute."""
        self.fetches: list[str] = []
        self.conversions: list[str] = []
        self.items: list[str] = []

    def fast_object(self) -> FastObject:
        """Compile the function."""
        if not self.finds_objects:
            # Nothing may be fetched, and what is derived may be derived from a null, too.
            no_object = "source is None" if self.fetches else f"not {_admitted(self, 'source')}"
            self.fetches.insert(0, f"if {no_object}: return None")
        return self.function("source", [*self.fetches, *self.conversions, f"return {{{', '.join(self.items)}}}"])


def _write(
    writer: _ObjectWriter, executor: BaseExecutor, parent: GraphQLObjectType, name: str, details: FieldDetailsList
) -> bool:
    """Write a field. Return whether it is plain."""
    node = details[0].node
    if node.name.value == "__typename":
        writer.items.append(f"{name!r}: {parent.name!r}")
        return True
    graphql_field = executor.schema.get_field(parent, node.name.value)
    expression = None if graphql_field is None else _fetch_expression(writer, executor, graphql_field, details)
    if graphql_field is None or expression is None:
        return False
    nullable = not is_non_null_type(graphql_field.type)
    inner: Any = graphql_field.type if nullable else graphql_field.type.of_type  # type: ignore[union-attr]
    local = f"a{len(writer.fetches)}"
    writer.fetches.append(f"{local} = {expression}")
    if is_leaf_type(inner):
        _write_leaf(writer, inner, local, nullable)
    elif is_object_type(inner) and (fast := fast_object_of(executor, inner, details)) is not None:
        _write_conversion(writer, local, f"{writer.name(fast)}({local})", nullable)
    elif is_list_type(inner) and (exact_type := _exact_item_type(inner.of_type)) is not None:
        converted = f"list({local}) if {local}.__class__ in (list, tuple) else None"
        lines = f"for item in {local}:", f"    if item.__class__ is not {exact_type.__name__}: return None"
        _write_conversion(writer, local, converted, nullable, *lines)
    elif is_list_type(inner) and (fast := _fast_item(executor, inner.of_type, details)) is not None:
        converted = f"[{writer.name(fast)}(item) for item in {local}] if {local}.__class__ is list else None"
        _write_conversion(writer, local, converted, nullable, f"if None in {local}: return None")
    else:
        return False
    writer.items.append(f"{name!r}: {local}")
    return True


def _fetch_expression(
    writer: _ObjectWriter, executor: BaseExecutor, graphql_field: Any, details: FieldDetailsList
) -> str | None:
    """Return the expression that fetches a plain field; `None` if the field is not plain."""
    attribute = attribute_of(graphql_field)
    if attribute is not None:
        writer.finds_objects = True
        return f"source.{attribute}"
    derive = derived_by(graphql_field) or derived_method(executor, graphql_field, details)
    return None if derive is None else f"{writer.name(derive)}(source)"


def _exact_item_type(type: Any) -> type | None:
    """Return the class of a list's items if they are non-null and of a type in `EXACT_TYPES`."""
    return EXACT_TYPES.get(getattr(type.of_type, "name", "")) if is_non_null_type(type) else None


def _fast_item(executor: BaseExecutor, type: Any, details: FieldDetailsList) -> FastObject | None:
    inner = get_nullable_type(type)
    return fast_object_of(executor, inner, details) if is_object_type(inner) else None


def _write_leaf(writer: _ObjectWriter, leaf: Any, local: str, nullable: bool) -> None:
    exact_type = EXACT_TYPES.get(leaf.name)
    if exact_type is not None:
        valid = f"{local}.__class__ is {exact_type.__name__}"
        writer.conversions.append(f"if not ({valid}{f' or {local} is None' if nullable else ''}): return None")
        return
    _write_lines(
        writer,
        local,
        nullable,
        f"if not {_admitted(writer, local)}: return None",
        f"{local} = {writer.name(coercion(leaf))}({local})",
        f"if {local} is None or {local} is Undefined: return None",
    )


def _write_conversion(writer: _ObjectWriter, local: str, converted: str, nullable: bool, *more: str) -> None:
    _write_lines(writer, local, nullable, f"{local} = {converted}", f"if {local} is None: return None", *more)


def _write_lines(writer: _ObjectWriter, local: str, nullable: bool, *lines: str) -> None:
    """Write lines about a value; for a nullable field they run only if the value is not null."""
    if nullable:
        writer.conversions.append(f"if {local} is not None:")
    writer.conversions += [f"{'    ' if nullable else ''}{line}" for line in lines]


def _admitted(writer: FunctionWriter, local: str) -> str:
    """Return the condition that a value is neither null nor an error, and need not be awaited."""
    kinds = writer.name(set())
    return f"({local}.__class__ in {kinds} or admit({kinds}, {local}.__class__))"


def _admit(kinds: set[type], kind: type) -> bool:
    """Return whether values of a class may be leaf values or objects, and remember the class in `kinds` if so."""
    if needs_slow_path(kind):
        return False
    kinds.add(kind)
    return True


def attribute_of(graphql_field: Any) -> str | None:
    """Return the attribute that a field without its own resolver reads; `None` if the field has a resolver."""
    if not getattr(graphql_field.resolve, "_is_default", False) or graphql_field.args:
        return None
    definition = definition_of(graphql_field)
    return None if definition is None else cast("str", definition.python_name)
