"""Variables coerced by closures, against graphql-core's own way, over every input type of the schema."""

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

from schema.execution.compiled.variables import LONG, UnfitError, coercer
from schema.root import schema

CORE = schema._schema
TYPES = sorted(name for name, type in CORE.type_map.items() if is_input_type(type) and not name.startswith("__"))
ODD = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(-2, 2), st.text(max_size=3), st.just([]))
KNOWN = {
    "Boolean": st.booleans(),
    "Int": st.integers(-5, 5),
    "Float": st.floats(-2, 2),
    "DateTime": st.just("2026-03-01T12:00:00Z"),
    "Date": st.just("2026-03-01"),
    "Decimal": st.just("1.5"),
}


def values(type: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values for an input type, most of which fit."""
    if is_non_null_type(type):
        return present(type.of_type, depth)
    return st.none() if depth > 5 else present(type, depth) | st.none()


def present(type: Any, depth: int) -> st.SearchStrategy[Any]:
    """The same, seldom null."""
    if is_list_type(type):
        return st.lists(values(type.of_type, depth + 1), max_size=2) | values(type.of_type, depth + 1)
    if is_input_object_type(type):
        needed = {name: one for name, one in type.fields.items() if is_non_null_type(one.type)}
        optional = {name: one for name, one in type.fields.items() if name not in needed}
        whole = st.fixed_dictionaries(
            {name: values(one.type, depth + 1) for name, one in needed.items()},
            optional={name: values(one.type, depth + 1) for name, one in optional.items()},
        )
        return whole if depth else whole | st.builds(lambda one, odd: {**one, "odd": odd}, whole, ODD)
    fitting = st.sampled_from(sorted(type.values)) if is_enum_type(type) else KNOWN.get(type.name, st.just("a"))
    return fitting if depth > 2 else st.one_of(fitting, fitting, fitting, ODD)


@pytest.mark.parametrize("form", ["{}", "{}!", "[{}!]!", "[{}]"])
@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=25)
@given(data=st.data())
def test_variables_come_as_graphql_core_would_have_them(name: str, form: str, data: st.DataObject) -> None:
    # given
    document = parse(f"query ($one: {form.format(name)}) {{ __typename }}")
    (operation,) = document.definitions
    definitions = operation.variable_definitions  # type: ignore[attr-defined]
    coerce = coercer(CORE, definitions)
    if coerce is None:
        # A type that holds itself.
        return
    inner = CORE.type_map[name]
    one = values(inner) if "[" not in form else st.lists(values(inner), max_size=2) | values(inner)
    sent = data.draw(st.just({}) | st.fixed_dictionaries({"one": one}))

    # when
    try:
        expected = get_variable_values(CORE, definitions, sent)
    except StrawberryInputCoercionError:
        expected = []
    try:
        found = coerce(sent)
    except UnfitError:
        found = None

    # then
    if isinstance(expected, list):
        assert found is None
    elif found is not None:
        assert repr(found.coerced) == repr(expected.coerced)
        assert repr(found.sources) == repr(expected.sources)
    else:
        # What fits is left to graphql-core only where a single value stands for a list of it.
        assert not _plain(sent, {"one": type_from_ast(CORE, definitions[0].type)})


def _plain(values: dict[str, Any], types: dict[str, Any]) -> bool:
    return all(_plain_value(value, types[name]) for name, value in values.items())


def _plain_value(value: Any, type: Any) -> bool:
    if is_non_null_type(type):
        type = type.of_type
    if value is None:
        return True
    if is_list_type(type):
        return isinstance(value, list) and all(_plain_value(one, type.of_type) for one in value)
    if is_input_object_type(type):
        return _plain(value, {name: field.type for name, field in type.fields.items()})
    return True


@pytest.mark.parametrize("type", ["LinkIdentifiersInput!", "RecordOrdersInput!", "CustomerBy!"])
def test_what_is_sent_most_is_not_left_to_graphql_core(type: str) -> None:
    (operation,) = parse(f"query ($one: {type}) {{ __typename }}").definitions
    assert coercer(CORE, operation.variable_definitions) is not None  # type: ignore[attr-defined]


BATCH = parse("query ($one: LinkIdentifiersInput!) { __typename }").definitions[0]
ITEM = CORE.type_map["ObservationInput"]


@settings(max_examples=50)
@given(few=st.lists(values(ITEM), min_size=1, max_size=4), times=st.integers(1, 40))
def test_long_lists_come_in_turns_as_they_would_at_once(few: list[Any], times: int) -> None:
    # given
    coerce = coercer(CORE, BATCH.variable_definitions)  # type: ignore[attr-defined]
    assert coerce is not None
    sent = {"one": {"observations": few * times}}

    # when
    def either(ready: Any = None) -> str:
        try:
            return repr(coerce(sent, asyncio.run(coerce.in_turns(sent)) if ready else None))
        except UnfitError:
            return "unfit"

    # then
    assert either(ready=True) == either()


def test_others_go_on_while_a_long_list_is_coerced() -> None:
    # given
    coerce = coercer(CORE, BATCH.variable_definitions)  # type: ignore[attr-defined]
    assert coerce is not None
    one = {"source": "crm", "identifiers": [{"namespace": "email", "value": "ann@example.org"}]}

    async def turns(count: int) -> int:
        done, seen = False, 0

        async def other() -> None:
            nonlocal seen
            while not done:
                seen += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        await coerce.in_turns({"one": {"observations": [one] * count}})
        done = True
        await task
        return seen

    # then
    assert asyncio.run(turns(LONG)) < 3
    assert asyncio.run(turns(200 * LONG)) >= 5
