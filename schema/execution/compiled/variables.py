"""Variables on their way in: graphql-core's coercion, worked out once for an operation instead of for each value.

`graphql.execution.get_variable_values` is the measure: what does not fit is left to it, which tells what is wrong.
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

from graph.runtime.scheduling import in_turns
from schema.execution.compiled.codegen import Writing
from schema.execution.compiled.scalars import PLAIN

Coerce = Callable[[Any], Any]
"""From a value that is not null to what resolvers get; raises `UnfitError`."""


LONG = 25
"""Items above which a list is a long one."""


class UnfitError(Exception):
    """A value, or a type, that is left to graphql-core."""


class Coerced(list[Any]):
    """A list whose items are coerced already."""


class Coercer:
    """From the variables of a request to their values, for one operation; raises `UnfitError`."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._known: list[tuple[GraphQLVariableSignature, str, Coerce, bool]] = []
        self._lists: list[tuple[str, str, Coerce, bool]] = []
        for definition in definitions:
            signature = get_variable_signature(schema, definition)
            # Defaults of variables are rare, and the rest of a document hangs on where a value came from.
            if isinstance(signature, GraphQLError) or definition.default_value is not None:
                raise UnfitError
            needed = is_non_null_type(signature.type)
            self._known.append((signature, signature.name, _of(signature.type, ()), needed))
            self._lists += _lists_in(signature)

    def __call__(self, sent: Mapping[str, Any], ready: Mapping[str, Any] | None = None) -> VariableValues:
        """The values of what was sent, and of what `in_turns` made of it."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for signature, name, change, needed in self._known:
            if name in sent:
                sources[name] = VariableValueSource(signature, sent[name])
                coerced[name] = _applied(change, (ready or sent)[name], needed)
            elif needed:
                raise UnfitError
            else:
                sources[name] = VariableValueSource(signature)
        return VariableValues(sources, coerced)

    async def in_turns(self, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        """Variables with the items of long lists coerced, letting others go on now and then: a batch takes a while."""
        ready = sent
        for variable, field, coerce, needed in self._lists:
            value = ready.get(variable)
            if not isinstance(value, dict):
                continue
            items = value.get(field)
            if type(items) is list and len(items) > LONG:
                done = Coerced(await in_turns(items, partial(_applied, coerce, needed=needed)))
                ready = {**ready, variable: {**value, field: done}}
        return ready


def coercer(schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> Coercer | None:
    """The coercer of an operation with these variables; `None` where graphql-core has to do it."""
    try:
        return Coercer(schema, definitions)
    except UnfitError:
        return None


def _lists_in(signature: GraphQLVariableSignature) -> Iterator[tuple[str, str, Coerce, bool]]:
    """The lists that an input object holds as a variable: the variable, the field, and how an item is coerced."""
    type = get_nullable_type(signature.type)
    if is_input_object_type(type):
        for name, field in type.fields.items():
            inner = get_nullable_type(field.type)
            if is_list_type(inner):
                yield signature.name, name, _of(inner.of_type, (type,)), is_non_null_type(inner.of_type)


def _applied(change: Coerce, value: Any, needed: bool) -> Any:
    if value is not None:
        return change(value)
    if needed:
        raise UnfitError
    return None


def _of(type: GraphQLInputType, within: tuple[GraphQLInputType, ...]) -> Coerce:
    """The coercion of a type; one that holds itself is left to graphql-core, which bounds how deep values go."""
    if is_non_null_type(type):
        return _of(type.of_type, within)
    if is_list_type(type):
        return _list(_of(type.of_type, within), is_non_null_type(type.of_type))
    if is_input_object_type(type):
        if type in within:
            raise UnfitError
        return _object(type, (*within, type))
    if not is_leaf_type(type):
        raise UnfitError
    return _told_by_core(type.coerce_input_value)


def _told_by_core(coerce: Callable[[Any], Any]) -> Coerce:
    """What others coerce, and refuse in their own ways."""

    def change(value: Any) -> Any:
        try:
            found = coerce(value)
        except Exception as error:
            raise UnfitError from error
        if found is Undefined:
            raise UnfitError
        return found

    return change


def _list(item: Coerce, needed: bool) -> Coerce:
    def change(value: Any) -> Any:
        if type(value) is Coerced:
            return value
        # A single value stands for a list of it: rare, and told by graphql-core.
        if type(value) is not list:
            raise UnfitError
        return [_applied(item, one, needed) for one in value]

    return change


def _object(type: GraphQLInputObjectType, within: tuple[GraphQLInputType, ...]) -> Coerce:
    """The coercion of an input object, as a function that is written for it: a batch holds thousands of them."""
    writing = Writing(applied=_applied, UnfitError=UnfitError, missing=object())
    lines = ["if not isinstance(value, dict): raise UnfitError", "get, found, met = value.get, {}, 0"]
    for name, field in type.fields.items():
        lines += _field(writing, name, field, _of(field.type, within))
    # Fields that the type does not know were not met.
    lines.append("if met != len(value): raise UnfitError")
    if type.is_one_of:
        lines.append("if met != 1 or len(found) != 1 or None in found.values(): raise UnfitError")
    made = type.out_type is not GraphQLInputObjectType.out_type
    lines.append(f"return {writing.name(_told_by_core(type.out_type))}(found)" if made else "return found")
    return writing.function("value", lines)


def _field(writing: Writing, name: str, field: GraphQLInputField, coerce: Coerce) -> list[str]:
    """The lines about a field."""
    put = f"found[{(field.out_name or name)!r}]"
    inner = get_nullable_type(field.type)
    plain = PLAIN.get(getattr(inner, "name", ""))
    lines = [f"one = get({name!r}, missing)"]
    if plain is not None:
        lines += [f"if one.__class__ is {plain.__name__}:", f"    {put} = one", "    met += 1"]
    applied = f"applied({writing.name(coerce)}, one, {is_non_null_type(field.type)})"
    lines += [f"{'if' if plain is None else 'elif'} one is not missing:", f"    {put} = {applied}", "    met += 1"]
    default = coerce_default_value(field)
    if is_required_input_field(field):
        lines.append("else: raise UnfitError")
    elif default is not Undefined:
        lines.append(f"else: {put} = {writing.name(default)}")
    return lines
