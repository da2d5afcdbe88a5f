"""The quick way: one generated function for an object that holds nothing but plain attributes.

Most objects of an answer are of that kind: values, and objects and lists of objects of the same kind, all fetched as
attributes. Their selection becomes a Python function of a few lines that builds the dictionary at once. It answers
`None` where a value is not as expected (a null that must not be, an error kept as a value, something to wait for, a
scalar that does not fit) and may fail; then the slow way finds out what is to be told. Nothing it does has effects, so
doing it twice does no harm.
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

from schema.compiled.leaves import PLAIN, coercion
from schema.compiled.plans import Running
from schema.compiled.running import is_odd
from schema.compiled.writing import Writing

Quick = Callable[[Any], dict[str, Any] | None]


@dataclass(slots=True)
class Holder:
    """The quick way of an object, once it is known whether there is one."""

    run: Quick | None = None


def quick_of(executor: Running, type: GraphQLObjectType, details: FieldDetailsList) -> Quick | None:
    """The quick way of a selection on an object's type; `None` where anything in it is not plain."""
    if type.is_type_of is not None:
        return None
    writing = _Writing()
    for name, one in executor.subfields(type, details).items():
        if not _write(writing, executor, type, name, one):
            return None
    return writing.quick()


class _Writing(Writing):
    """The function of an object while it is written."""

    def __init__(self) -> None:
        super().__init__(admit=_admit, Undefined=Undefined)
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
    attribute = None if known is None else attribute_of(known)
    if known is None or attribute is None:
        return False
    nullable = not is_non_null_type(known.type)
    inner: Any = known.type if nullable else known.type.of_type  # type: ignore[union-attr]
    own = f"a{len(writing.fetched)}"
    writing.fetched.append(f"{own} = source.{attribute}")
    if is_leaf_type(inner):
        _write_leaf(writing, inner, own, nullable)
    elif is_object_type(inner) and (quick := quick_of(executor, inner, details)) is not None:
        _write_made(writing, own, f"{writing.name(quick)}({own})", nullable)
    elif is_list_type(inner) and (quick := _of_items(executor, inner.of_type, details)) is not None:
        made = f"[{writing.name(quick)}(one) for one in {own}] if {own}.__class__ is list else None"
        _write_made(writing, own, made, nullable, f"if None in {own}: return None")
    else:
        return False
    writing.items.append(f"{name!r}: {own}")
    return True


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
