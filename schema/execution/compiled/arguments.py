"""Arguments on their way in: Strawberry's conversion to Python values, found once for a type instead of for each value.

`strawberry.types.arguments.convert_argument` is the measure; what is out of the ordinary is left to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from functools import lru_cache
from typing import Any

from strawberry.relay.types import GlobalID
from strawberry.scalars import is_scalar
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.lazy_type import LazyType
from strawberry.types.unset import UNSET

from schema.execution.compiled.codegen import Writing

Convert = Callable[[Any], Any]
Scalars = Mapping[Any, Any]


class NotPlainError(Exception):
    """A type that is left to Strawberry."""


class Inputs:
    """Converters by type; a type may hold itself, so each is looked up when it is used."""

    def __init__(self, scalars: Scalars, config: StrawberryConfig) -> None:
        self._scalars, self._config = scalars, config
        self._objects: dict[type, Convert] = {}

    def arguments(self, arguments: list[StrawberryArgument]) -> Callable[[Mapping[str, Any]], dict[str, Any]] | None:
        """From coerced values by GraphQL name to arguments by Python name; `None` where Strawberry has to do it."""
        names, before = self._config.name_converter, dict(self._objects)
        try:
            known = [(names.from_argument(one), one.python_name, self._of(one.type)) for one in arguments]
        except NotPlainError:
            # What was begun for it is not finished.
            self._objects = before
            return None

        def convert(values: Mapping[str, Any]) -> dict[str, Any]:
            return {own: _applied(change, values[name]) for name, own, change in known if name in values}

        return convert

    def _of(self, type: Any) -> Convert | None:
        """The converter of a type; `None` for values that stay as they are."""
        if isinstance(type, StrawberryMaybe) or type is GlobalID:
            raise NotPlainError
        if isinstance(type, StrawberryOptional):
            return self._of(type.of_type)
        if isinstance(type, LazyType):
            return self._of(type.resolve_type())
        if isinstance(type, StrawberryList):
            return self._list(self._of(type.of_type))
        if is_scalar(type, self._scalars) or isinstance(type, StrawberryEnumDefinition) or has_enum_definition(type):
            return None
        if not has_object_definition(type) or type.__strawberry_definition__.from_input is not None:
            raise NotPlainError
        return self._object(type)

    @staticmethod
    def _list(item: Convert | None) -> Convert:
        if item is None:
            return list
        return lambda values: [_applied(item, value) for value in values]

    def _object(self, type: type) -> Convert:
        if type in self._objects:
            return lambda value: self._objects[type](value)
        definition = type.__strawberry_definition__  # type: ignore[attr-defined]
        self._objects[type] = _unfinished
        names = self._config.name_converter
        writing = Writing(applied=_applied, made=type)
        given, made = [], []
        for one in definition.fields:
            name, own = names.from_field(one), one.python_name
            change = self._of(one.resolve_type(type_definition=definition))
            value = f"value[{name!r}]" if change is None else f"applied({writing.name(change)}, value[{name!r}])"
            if one.default_value is not MISSING:
                given.append(f"{own}={value} if {name!r} in value else {writing.name(one.default_value)}")
            elif one.default_factory is MISSING and definition.is_input:
                given.append(f"{own}={value} if {name!r} in value else None")
            else:
                made.append(f"if {name!r} in value: found[{own!r}] = {value}")
        if made:
            made, given = ["found = {}", *made], [*given, "**found"]
        convert = writing.function("value", [*made, f"return made({', '.join(given)})"])
        self._objects[type] = convert
        return convert


@lru_cache(maxsize=8)
def inputs_of(converter: Any) -> Inputs:
    """The converters of a schema, by Strawberry's converter of it."""
    return Inputs(converter.scalar_registry, converter.config)


def _applied(change: Convert | None, value: Any) -> Any:
    return value if change is None or value is None or value is UNSET else change(value)


def _unfinished(value: Any) -> Any:
    raise RuntimeError("a converter is used before it is made")
