"""Variable coercion: graphql-core's coercion, prepared once per operation instead of once per value.

`graphql.execution.get_variable_values` is the reference: invalid values are left to it, so that it reports the errors.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    get_nullable_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.utilities.coerce_input_value import coerce_default_value

from graph.runtime.scheduling import map_cooperatively
from schema.execution.compiled.codegen import FunctionWriter
from schema.execution.compiled.scalars import EXACT_TYPES

Coerce = Callable[[Any], Any]
"""From a non-null value to what resolvers get; raises `FallbackError`."""

LONG_LIST = 25
"""Number of items above which a list is coerced cooperatively."""


class FallbackError(Exception):
    """The coercion of a value or a type is left to graphql-core."""


class CoercedList(list[Any]):
    """A list whose items are already coerced."""


class Coercer:
    """Coerces the variables of a request for one operation; raises `FallbackError`."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._variables: list[tuple[GraphQLVariableSignature, str, Coerce, bool]] = []
        self._lists: list[tuple[str, str, Coerce, bool]] = []
        for definition in definitions:
            signature = get_variable_signature(schema, definition)
            # Variable defaults are rare, and coercion must record whether a value came from one.
            if isinstance(signature, GraphQLError) or definition.default_value is not None:
                raise FallbackError
            required = is_non_null_type(signature.type)
            self._variables.append((signature, signature.name, _of(signature.type, ()), required))
            self._lists += _lists_in(signature)

    def __call__(self, sent: Mapping[str, Any], precoerced: Mapping[str, Any] | None = None) -> VariableValues:
        """Return the values of the sent variables, or of those that `coerce_cooperatively` returned for them."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for signature, name, coerce, required in self._variables:
            if name in sent:
                sources[name] = VariableValueSource(signature, sent[name])
                coerced[name] = _apply(coerce, (precoerced or sent)[name], required)
            elif required:
                raise FallbackError
            else:
                sources[name] = VariableValueSource(signature)
        return VariableValues(sources, coerced)

    async def coerce_cooperatively(self, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the variables with the items of long lists coerced, while other tasks run in between."""
        precoerced = sent
        for variable, field, coerce, required in self._lists:
            value = precoerced.get(variable)
            if not isinstance(value, dict):
                continue
            items = value.get(field)
            if type(items) is list and len(items) > LONG_LIST:
                coerced = CoercedList(await map_cooperatively(items, partial(_apply, coerce, required=required)))
                precoerced = {**precoerced, variable: {**value, field: coerced}}
        return precoerced


def coercer(schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> Coercer | None:
    """Return the coercer of an operation with these variables; `None` if coercion is left to graphql-core."""
    try:
        return Coercer(schema, definitions)
    except FallbackError:
        return None


def _lists_in(signature: GraphQLVariableSignature) -> Iterator[tuple[str, str, Coerce, bool]]:
    """Yield the list fields of a variable's input object: variable, field, item coercion, required items."""
    type = get_nullable_type(signature.type)
    if is_input_object_type(type):
        for name, field in type.fields.items():
            inner = get_nullable_type(field.type)
            if is_list_type(inner):
                yield signature.name, name, _of(inner.of_type, (type,)), is_non_null_type(inner.of_type)


def _apply(coerce: Coerce, value: Any, required: bool) -> Any:
    if value is not None:
        return coerce(value)
    if required:
        raise FallbackError
    return None


def _of(type: GraphQLInputType, within: tuple[GraphQLInputType, ...]) -> Coerce:
    """Return the coercion of a type. Recursive types are left to graphql-core, which limits the depth of values."""
    if is_non_null_type(type):
        return _of(type.of_type, within)
    if is_list_type(type):
        return _list(_of(type.of_type, within), is_non_null_type(type.of_type))
    if is_input_object_type(type):
        if type in within:
            raise FallbackError
        return _object(type, (*within, type))
    if not is_leaf_type(type):
        raise FallbackError
    return _coerced_by_core(type.coerce_input_value)


def _coerced_by_core(coerce: Callable[[Any], Any]) -> Coerce:
    """Wrap a coercion of graphql-core or Strawberry, so that every failure is a `FallbackError`."""

    def coerce_or_fall_back(value: Any) -> Any:
        try:
            coerced = coerce(value)
        except Exception as error:
            raise FallbackError from error
        if coerced is Undefined:
            raise FallbackError
        return coerced

    return coerce_or_fall_back


def _list(coerce_item: Coerce, required: bool) -> Coerce:
    def coerce(value: Any) -> Any:
        if type(value) is CoercedList:
            return value
        # A single value is coerced to a list of one item: rare, so it is left to graphql-core.
        if type(value) is not list:
            raise FallbackError
        return [_apply(coerce_item, item, required) for item in value]

    return coerce


def _object(type: GraphQLInputObjectType, within: tuple[GraphQLInputType, ...]) -> Coerce:
    """Generate the coercion of an input object: a batch contains thousands of them."""
    writer = FunctionWriter(apply=_apply, FallbackError=FallbackError, missing=object())
    lines = ["if not isinstance(value, dict): raise FallbackError", "get, coerced, known = value.get, {}, 0"]
    for name, field in type.fields.items():
        lines += _field(writer, name, field, _of(field.type, within))
    # Fields that the type does not have are not counted as known.
    lines.append("if known != len(value): raise FallbackError")
    if type.is_one_of:
        lines.append("if known != 1 or len(coerced) != 1 or None in coerced.values(): raise FallbackError")
    has_out_type = type.out_type is not GraphQLInputObjectType.out_type
    lines.append(
        f"return {writer.name(_coerced_by_core(type.out_type))}(coerced)" if has_out_type else "return coerced"
    )
    return writer.function("value", lines)


def _field(writer: FunctionWriter, name: str, field: GraphQLInputField, coerce: Coerce) -> list[str]:
    """Return the lines of the generated function that coerce a field."""
    target = f"coerced[{(field.out_name or name)!r}]"
    inner = get_nullable_type(field.type)
    exact_type = EXACT_TYPES.get(getattr(inner, "name", ""))
    lines = [f"sent = get({name!r}, missing)"]
    if exact_type is not None:
        lines += [f"if sent.__class__ is {exact_type.__name__}:", f"    {target} = sent", "    known += 1"]
    applied = f"apply({writer.name(coerce)}, sent, {is_non_null_type(field.type)})"
    keyword = "if" if exact_type is None else "elif"
    lines += [f"{keyword} sent is not missing:", f"    {target} = {applied}", "    known += 1"]
    default = coerce_default_value(field)
    if is_required_input_field(field):
        lines.append("else: raise FallbackError")
    elif default is not Undefined:
        lines.append(f"else: {target} = {writer.name(default)}")
    return lines
