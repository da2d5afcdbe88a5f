"""The quick way: one generated function for an object that holds nothing but plain attributes.

Most objects of an answer are of that kind: values, and objects and lists of objects of the same kind, all fetched as
attributes, or derived from the object alone (`schema.derived`). Their selection becomes a Python function of a few
lines that builds the dictionary at once. It answers `None` where a value is not as expected (a null that must not be,
an error kept as a value, something to wait for, a scalar that does not fit) and may fail; then the slow way finds out
what is to be told. Nothing it does has effects, so doing it twice does no harm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
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

from schema.execution.compiled.awaiting import is_odd
from schema.execution.compiled.codegen import Writing
from schema.execution.compiled.plans import Running
from schema.execution.compiled.resolvers import derived_by, derived_method
from schema.execution.compiled.scalars import PLAIN, coercion

Quick = Callable[[Any], dict[str, Any] | None]


@dataclass(slots=True)
class Holder:
    """The quick way of an object, once it is known whether there is one."""

    run: Quick | None = None


def quick_of(executor: Running, type: GraphQLObjectType, details: FieldDetailsList) -> Quick | None:
    """The quick way of a selection on an object's type; `None` where anything in it is not plain."""
    writing = _Writing()
    if type.is_type_of is not None:
        origin = _origin(type)
        if origin is None:
            return None
        fits = f"source.__class__ is {writing.name(origin)} and cast_of(source) is None"
        writing.fetched.append(f"if not ({fits}): return None")
    for name, one in executor.subfields(type, details).items():
        if not _write(writing, executor, type, name, one):
            return None
    return writing.quick()


def _origin(type: GraphQLObjectType) -> Any:
    """The class whose objects are of a type, where it is the class alone that tells."""
    definition = type.extensions.get("strawberry-definition")
    if definition is None or definition.is_type_of is not None or definition.concrete_of is not None:
        return None
    return definition.origin


class _Writing(Writing):
    """The function of an object while it is written."""

    def __init__(self) -> None:
        super().__init__(admit=_admit, cast_of=get_strawberry_type_cast, Undefined=Undefined)
        self.fetched: list[str] = []
        self.made: list[str] = []
        self.items: list[str] = []

    def quick(self) -> Quick:
        """The function."""
        return self.function("source", [*self.fetched, *self.made, f"return {{{', '.join(self.items)}}}"])


def _write(
    writing: _Writing, executor: Running, parent: GraphQLObjectType, name: str, details: FieldDetailsList
) -> bool:
    """Write a field, if it is plain."""
    node = details[0].node
    if node.name.value == "__typename":
        writing.items.append(f"{name!r}: {parent.name!r}")
        return True
    known = executor.schema.get_field(parent, node.name.value)
    fetched = None if known is None else _fetched(writing, executor, known, details)
    if known is None or fetched is None:
        return False
    nullable = not is_non_null_type(known.type)
    inner: Any = known.type if nullable else known.type.of_type  # type: ignore[union-attr]
    own = f"a{len(writing.fetched)}"
    writing.fetched.append(f"{own} = {fetched}")
    if is_leaf_type(inner):
        _write_leaf(writing, inner, own, nullable)
    elif is_object_type(inner) and (quick := quick_of(executor, inner, details)) is not None:
        _write_made(writing, own, f"{writing.name(quick)}({own})", nullable)
    elif is_list_type(inner) and (plain := _plain_items(inner.of_type)) is not None:
        made = f"list({own}) if {own}.__class__ in (list, tuple) else None"
        lines = f"for one in {own}:", f"    if one.__class__ is not {plain.__name__}: return None"
        _write_made(writing, own, made, nullable, *lines)
    elif is_list_type(inner) and (quick := _of_items(executor, inner.of_type, details)) is not None:
        made = f"[{writing.name(quick)}(one) for one in {own}] if {own}.__class__ is list else None"
        _write_made(writing, own, made, nullable, f"if None in {own}: return None")
    else:
        return False
    writing.items.append(f"{name!r}: {own}")
    return True


def _fetched(writing: _Writing, executor: Running, known: Any, details: FieldDetailsList) -> str | None:
    """How a plain field is fetched."""
    attribute = attribute_of(known)
    if attribute is not None:
        return f"source.{attribute}"
    derive = derived_by(known) or derived_method(executor, known, details)
    return None if derive is None else f"{writing.name(derive)}(source)"


def _plain_items(type: Any) -> type | None:
    """The class of the items of a list, where they are of a plain built-in type and none may be missing."""
    return PLAIN.get(getattr(type.of_type, "name", "")) if is_non_null_type(type) else None


def _of_items(executor: Running, type: Any, details: FieldDetailsList) -> Quick | None:
    inner = get_nullable_type(type)
    return quick_of(executor, inner, details) if is_object_type(inner) else None


def _write_leaf(writing: _Writing, leaf: Any, own: str, nullable: bool) -> None:
    plain = PLAIN.get(leaf.name)
    if plain is not None:
        fits = f"{own}.__class__ is {plain.__name__}"
        writing.made.append(f"if not ({fits}{f' or {own} is None' if nullable else ''}): return None")
        return
    kinds = writing.name(set())
    fits = f"({own}.__class__ in {kinds} or admit({kinds}, {own}.__class__))"
    _write_lines(
        writing,
        own,
        nullable,
        f"if not {fits}: return None",
        f"{own} = {writing.name(coercion(leaf))}({own})",
        f"if {own} is None or {own} is Undefined: return None",
    )


def _write_made(writing: _Writing, own: str, made: str, nullable: bool, *more: str) -> None:
    _write_lines(writing, own, nullable, f"{own} = {made}", f"if {own} is None: return None", *more)


def _write_lines(writing: _Writing, own: str, nullable: bool, *lines: str) -> None:
    """Lines about a value, for one that may be null only where it is not."""
    if nullable:
        writing.made.append(f"if {own} is not None:")
    writing.made += [f"{'    ' if nullable else ''}{line}" for line in lines]


def _admit(kinds: set[type], kind: type) -> bool:
    """Whether values of a class may be a leaf's; remembered."""
    if is_odd(kind):
        return False
    kinds.add(kind)
    return True


def attribute_of(known: Any) -> str | None:
    """The attribute that a field without a resolver of its own is fetched as."""
    if not getattr(known.resolve, "_is_default", False) or known.args:
        return None
    definition = known.extensions.get("strawberry-definition")
    return None if definition is None else cast("str", definition.python_name)
