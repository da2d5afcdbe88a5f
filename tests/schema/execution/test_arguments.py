"""Arguments converted once for a type, against Strawberry's own way, over every argument of the schema."""

from typing import Any

import pytest
from graphql import is_input_object_type, is_list_type, is_non_null_type, is_object_type
from hypothesis import given
from hypothesis import strategies as st
from strawberry.types.arguments import convert_arguments

from schema.execution.compiled.arguments import inputs_of
from schema.root import schema

CONVERTER = schema._schema._strawberry_schema.schema_converter


def asked() -> list[Any]:
    """All fields with arguments and a resolver, by name."""
    found = []
    for name, type in sorted(schema._schema.type_map.items()):
        if not is_object_type(type) or name.startswith("__"):
            continue
        for field, known in type.fields.items():
            definition = known.extensions.get("strawberry-definition")
            if known.args and definition is not None and definition.base_resolver is not None:
                found.append(pytest.param(known, definition, id=f"{name}.{field}"))
    return found


def values(type: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Coerced values of an input type; leaves stay as they are, so any text will do for them."""
    if is_non_null_type(type):
        return present(type.of_type, depth)
    return st.none() if depth > 3 else st.none() | present(type, depth)


def present(type: Any, depth: int) -> st.SearchStrategy[Any]:
    """The same without null: drawn, not filtered, so that deep inputs do not exhaust Hypothesis."""
    if is_list_type(type):
        return st.lists(values(type.of_type, depth + 1), max_size=2)
    if is_input_object_type(type):
        return fields(type.fields, depth + 1)
    return st.sampled_from(["a", "b"])


def fields(known: dict[str, Any], depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    needed = {name: one for name, one in known.items() if is_non_null_type(one.type) and one.default_value is None}
    return st.fixed_dictionaries(
        {name: values(one.type, depth) for name, one in needed.items()},
        optional={name: values(one.type, depth) for name, one in known.items() if name not in needed},
    )


@pytest.mark.parametrize(("known", "definition"), asked())
@given(data=st.data())
def test_arguments_come_as_strawberry_would_have_them(known: Any, definition: Any, data: st.DataObject) -> None:
    # given
    sent = data.draw(fields(known.args))
    convert = inputs_of(CONVERTER).arguments(definition.arguments)
    assert convert is not None
    registry, config = CONVERTER.scalar_registry, CONVERTER.config

    def outcome(way: Any) -> Any:
        try:
            return way()
        except TypeError as error:
            return str(error)

    # when, then
    expected = outcome(lambda: convert_arguments(sent, definition.arguments, registry, config))
    assert outcome(lambda: convert(sent)) == expected
