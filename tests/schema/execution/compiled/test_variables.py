"""Compiled variable coercion compared with graphql-core's, for every input type of the schema."""

import asyncio
from typing import Any

import pytest
from graphql import (
    is_enum_type,
    is_input_object_type,
    is_input_type,
    is_list_type,
    is_non_null_type,
    parse,
    type_from_ast,
)
from graphql.execution import get_variable_values
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.exceptions import StrawberryInputCoercionError

from schema.execution.compiled.variables import LONG_LIST, FallbackError, coercer
from schema.root import schema

CORE = schema._schema
TYPES = sorted(name for name, type in CORE.type_map.items() if is_input_type(type) and not name.startswith("__"))
UNUSUAL = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(-2, 2), st.text(max_size=3), st.just([]))
VALID = {
    "Boolean": st.booleans(),
    "Int": st.integers(-5, 5),
    "Float": st.floats(-2, 2),
    "DateTime": st.just("2026-03-01T12:00:00Z"),
    "Date": st.just("2026-03-01"),
    "Decimal": st.just("1.5"),
}


def values(type: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values for an input type, most of them valid."""
    if is_non_null_type(type):
        return present(type.of_type, depth)
    return st.none() if depth > 5 else present(type, depth) | st.none()


def present(type: Any, depth: int) -> st.SearchStrategy[Any]:
    """The same, rarely null."""
    if is_list_type(type):
        return st.lists(values(type.of_type, depth + 1), max_size=2) | values(type.of_type, depth + 1)
    if is_input_object_type(type):
        required = {name: field for name, field in type.fields.items() if is_non_null_type(field.type)}
        optional = {name: field for name, field in type.fields.items() if name not in required}
        whole = st.fixed_dictionaries(
            {name: values(field.type, depth + 1) for name, field in required.items()},
            optional={name: values(field.type, depth + 1) for name, field in optional.items()},
        )
        return whole if depth else whole | st.builds(lambda fields, odd: {**fields, "odd": odd}, whole, UNUSUAL)
    valid = st.sampled_from(sorted(type.values)) if is_enum_type(type) else VALID.get(type.name, st.just("a"))
    return valid if depth > 2 else st.one_of(valid, valid, valid, UNUSUAL)


@pytest.mark.parametrize("form", ["{}", "{}!", "[{}!]!", "[{}]"])
@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=25)
@given(data=st.data())
def test_variables_are_coerced_as_by_graphql_core(name: str, form: str, data: st.DataObject) -> None:
    # given
    document = parse(f"query ($value: {form.format(name)}) {{ __typename }}")
    (operation,) = document.definitions
    definitions = operation.variable_definitions  # type: ignore[attr-defined]
    coerce = coercer(CORE, definitions)
    if coerce is None:
        # A recursive type.
        return
    inner = CORE.type_map[name]
    value = values(inner) if "[" not in form else st.lists(values(inner), max_size=2) | values(inner)
    sent = data.draw(st.just({}) | st.fixed_dictionaries({"value": value}))

    # when
    try:
        expected = get_variable_values(CORE, definitions, sent)
    except StrawberryInputCoercionError:
        expected = []
    try:
        result = coerce(sent)
    except FallbackError:
        result = None

    # then
    if isinstance(expected, list):
        assert result is None
    elif result is not None:
        assert repr(result.coerced) == repr(expected.coerced)
        assert repr(result.sources) == repr(expected.sources)
    else:
        # Valid variables are left to graphql-core only if a single value is sent for a list.
        assert not _plain(sent, {"value": type_from_ast(CORE, definitions[0].type)})


def _plain(values: dict[str, Any], types: dict[str, Any]) -> bool:
    return all(_plain_value(value, types[name]) for name, value in values.items())


def _plain_value(value: Any, type: Any) -> bool:
    if is_non_null_type(type):
        type = type.of_type
    if value is None:
        return True
    if is_list_type(type):
        return isinstance(value, list) and all(_plain_value(item, type.of_type) for item in value)
    if is_input_object_type(type):
        return _plain(value, {name: field.type for name, field in type.fields.items()})
    return True


@pytest.mark.parametrize("type", ["LinkIdentifiersInput!", "RecordOrdersInput!", "CustomerBy!"])
def test_the_most_common_inputs_are_not_left_to_graphql_core(type: str) -> None:
    (operation,) = parse(f"query ($value: {type}) {{ __typename }}").definitions
    assert coercer(CORE, operation.variable_definitions) is not None  # type: ignore[attr-defined]


BATCH = parse("query ($input: LinkIdentifiersInput!) { __typename }").definitions[0]
ITEM = CORE.type_map["ObservationInput"]


@settings(max_examples=50)
@given(items=st.lists(values(ITEM), min_size=1, max_size=4), times=st.integers(1, 40))
def test_cooperative_coercion_gives_the_same_values(items: list[Any], times: int) -> None:
    # given
    coerce = coercer(CORE, BATCH.variable_definitions)  # type: ignore[attr-defined]
    assert coerce is not None
    sent = {"input": {"observations": items * times}}

    # when
    def coerced(cooperatively: bool) -> str:
        try:
            return repr(coerce(sent, asyncio.run(coerce.coerce_cooperatively(sent)) if cooperatively else None))
        except FallbackError:
            return "left to graphql-core"

    # then
    assert coerced(cooperatively=True) == coerced(cooperatively=False)


def test_other_tasks_run_while_a_long_list_is_coerced() -> None:
    # given
    coerce = coercer(CORE, BATCH.variable_definitions)  # type: ignore[attr-defined]
    assert coerce is not None
    observation = {"source": "crm", "identifiers": [{"namespace": "email", "value": "ann@example.org"}]}

    async def count_turns(count: int) -> int:
        done, turns = False, 0

        async def take_turns() -> None:
            nonlocal turns
            while not done:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(take_turns())
        await coerce.coerce_cooperatively({"input": {"observations": [observation] * count}})
        done = True
        await task
        return turns

    # then
    assert asyncio.run(count_turns(LONG_LIST)) < 3
    assert asyncio.run(count_turns(200 * LONG_LIST)) >= 5
