"""Prepared argument conversion compared with Strawberry's own, for every argument of the schema."""

from typing import Any

import pytest
from graphql import is_input_object_type, is_list_type, is_non_null_type, is_object_type
from hypothesis import given
from hypothesis import strategies as st
from strawberry.types.arguments import convert_arguments

from schema.execution.compiled.arguments import argument_converters_of
from schema.root import schema

CONVERTER = schema._schema._strawberry_schema.schema_converter


def fields_with_arguments() -> list[Any]:
    """All fields with arguments and a resolver, by name."""
    parameters = []
    for name, type in sorted(schema._schema.type_map.items()):
        if not is_object_type(type) or name.startswith("__"):
            continue
        for field_name, field in type.fields.items():
            definition = field.extensions.get("strawberry-definition")
            if field.args and definition is not None and definition.base_resolver is not None:
                parameters.append(pytest.param(field, definition, id=f"{name}.{field_name}"))
    return parameters


def values(type: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Coerced values of an input type; leaves are not converted, so any text is valid for them."""
    if is_non_null_type(type):
        return present(type.of_type, depth)
    return st.none() if depth > 3 else st.none() | present(type, depth)


def present(type: Any, depth: int) -> st.SearchStrategy[Any]:
    """The same without null: generated, not filtered, so that deep inputs do not exhaust Hypothesis."""
    if is_list_type(type):
        return st.lists(values(type.of_type, depth + 1), max_size=2)
    if is_input_object_type(type):
        return fields(type.fields, depth + 1)
    return st.sampled_from(["a", "b"])


def fields(definitions: dict[str, Any], depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    required = {
        name: field
        for name, field in definitions.items()
        if is_non_null_type(field.type) and field.default_value is None
    }
    return st.fixed_dictionaries(
        {name: values(field.type, depth) for name, field in required.items()},
        optional={name: values(field.type, depth) for name, field in definitions.items() if name not in required},
    )


@pytest.mark.parametrize(("field", "definition"), fields_with_arguments())
@given(data=st.data())
def test_arguments_are_converted_as_by_strawberry(field: Any, definition: Any, data: st.DataObject) -> None:
    # given
    sent = data.draw(fields(field.args))
    convert = argument_converters_of(CONVERTER).arguments(definition.arguments)
    assert convert is not None
    registry, config = CONVERTER.scalar_registry, CONVERTER.config

    def outcome(convert: Any) -> Any:
        try:
            return convert()
        except TypeError as error:
            return str(error)

    # when, then
    expected = outcome(lambda: convert_arguments(sent, definition.arguments, registry, config))
    assert outcome(lambda: convert(sent)) == expected
