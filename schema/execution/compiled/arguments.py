"""Argument conversion: Strawberry's conversion to Python values, prepared once per type instead of once per value.

`strawberry.types.arguments.convert_argument` is the reference; unusual types are left to it.
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

from schema.execution.compiled.codegen import FunctionWriter

Convert = Callable[[Any], Any]
"""From a coerced value to the value that a resolver gets."""
Scalars = Mapping[Any, Any]


class UnsupportedTypeError(Exception):
    """A type whose conversion is left to Strawberry."""


class ArgumentConverters:
    """Converters by type. A type may contain itself, so nested converters are looked up when they are called."""

    def __init__(self, scalars: Scalars, config: StrawberryConfig) -> None:
        self._scalars, self._config = scalars, config
        self._objects: dict[type, Convert] = {}

    def arguments(self, arguments: list[StrawberryArgument]) -> Callable[[Mapping[str, Any]], dict[str, Any]] | None:
        """Return the conversion of coerced values by GraphQL name to arguments by Python name.

        `None` if it is left to Strawberry.
        """
        names, objects_before = self._config.name_converter, dict(self._objects)
        try:
            converters = [(names.from_argument(arg), arg.python_name, self._of(arg.type)) for arg in arguments]
        except UnsupportedTypeError:
            # Converters that were begun for these arguments are unfinished.
            self._objects = objects_before
            return None

        def convert(values: Mapping[str, Any]) -> dict[str, Any]:
            return {target: _apply(change, values[name]) for name, target, change in converters if name in values}

        return convert

    def _of(self, type: Any) -> Convert | None:
        """Return the converter of a type; `None` if its values need no conversion."""
        if isinstance(type, StrawberryMaybe) or type is GlobalID:
            raise UnsupportedTypeError
        if isinstance(type, StrawberryOptional):
            return self._of(type.of_type)
        if isinstance(type, LazyType):
            return self._of(type.resolve_type())
        if isinstance(type, StrawberryList):
            return self._list(self._of(type.of_type))
        if is_scalar(type, self._scalars) or isinstance(type, StrawberryEnumDefinition) or has_enum_definition(type):
            return None
        if not has_object_definition(type) or type.__strawberry_definition__.from_input is not None:
            raise UnsupportedTypeError
        return self._object(type)

    @staticmethod
    def _list(item: Convert | None) -> Convert:
        if item is None:
            return list
        return lambda values: [_apply(item, value) for value in values]

    def _object(self, type: type) -> Convert:
        if type in self._objects:
            return lambda value: self._objects[type](value)
        definition = type.__strawberry_definition__  # type: ignore[attr-defined]
        self._objects[type] = _unfinished
        names = self._config.name_converter
        writer = FunctionWriter(apply=_apply, input_type=type)
        arguments, lines = [], []
        for field in definition.fields:
            name, target = names.from_field(field), field.python_name
            change = self._of(field.resolve_type(type_definition=definition))
            value = f"value[{name!r}]" if change is None else f"apply({writer.name(change)}, value[{name!r}])"
            if field.default_value is not MISSING:
                arguments.append(f"{target}={value} if {name!r} in value else {writer.name(field.default_value)}")
            elif field.default_factory is MISSING and definition.is_input:
                arguments.append(f"{target}={value} if {name!r} in value else None")
            else:
                lines.append(f"if {name!r} in value: optional[{target!r}] = {value}")
        if lines:
            lines, arguments = ["optional = {}", *lines], [*arguments, "**optional"]
        convert = writer.function("value", [*lines, f"return input_type({', '.join(arguments)})"])
        self._objects[type] = convert
        return convert


@lru_cache(maxsize=8)
def argument_converters_of(converter: Any) -> ArgumentConverters:
    """Return the converters of a schema, given Strawberry's schema converter."""
    return ArgumentConverters(converter.scalar_registry, converter.config)


def _apply(change: Convert | None, value: Any) -> Any:
    return value if change is None or value is None or value is UNSET else change(value)


def _unfinished(value: Any) -> Any:
    raise RuntimeError("a converter was called before it was built")
