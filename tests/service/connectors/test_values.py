"""Values of mappings: paths, fallbacks, constants, steps."""

from typing import Any

import pytest

from service.connectors.values import Scope, StepFailed, ValueProblem, compile_value

RECORD = {
    "id": 7,
    "customer": {"email": "ann@example.com", "phone": "", "tags": ["a", "b"]},
    "items": [{"sku": "A", "price": 12.5, "quantity": 2}, {"sku": "B", "price": "0.10"}],
    "a.b": "dotted",
    "at": "2026-03-01 10:00:00",
}


def read(spec: Any, record: Any = RECORD, **beside: Any) -> Any:
    return compile_value(spec).get(Scope(record, beside, RECORD))


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ("id", 7),
        ("customer.email", "ann@example.com"),
        ("customer.phone", None),
        ("customer.email.deeper", None),
        ("missing.deeper.still", None),
        ("items.0.sku", "A"),
        ("items.7.sku", None),
        ("items.*.sku", ["A", "B"]),
        ("items.*.missing", None),
        ("a\\.b", "dotted"),
        ("^.customer.email", "ann@example.com"),
        (["customer.phone", "customer.email"], "ann@example.com"),
        ({"value": "email"}, "email"),
        ({"value": False}, False),
        ({"path": "missing", "default": 1}, 1),
        ({"path": "id", "prefix": "W-"}, "W-7"),
        ({"path": "customer.tags", "prefix": "t:"}, ["t:a", "t:b"]),
        ({"join": ["id", "customer.email"], "separator": "/"}, "7/ann@example.com"),
        ({"join": ["id", "missing"]}, None),
        ({"path": "customer.email", "steps": ["upper", "before:@"]}, "ANN"),
        ({"path": "at", "steps": "local:Europe/Berlin"}, "2026-03-01T10:00:00+01:00"),
        ({"path": "id", "map": {"7": "seven"}}, "seven"),
        ({"path": "id", "map": {"*": "="}}, 7),
        ({"path": "id", "map": {"7": ""}}, None),
        ({"path": "customer.email", "map": {"ANN@EXAMPLE.COM": "ann"}}, "ann"),
        ({"multiply": ["items.0.price", "items.0.quantity"]}, "25.0"),
        ({"subtract": ["items.0.price", "items.1.price", "missing"]}, "12.40"),
        ({"multiply": ["items.0.price", "missing"]}, None),
        (
            {"each": "items", "fields": {"sku": "sku", "of": "^.id", "quantity": {"path": "quantity", "default": 1}}},
            [{"sku": "A", "of": 7, "quantity": 2}, {"sku": "B", "of": 7, "quantity": 1}],
        ),
        ({"each": "missing", "fields": {"sku": "sku"}}, None),
    ],
)
def test_values_are_read(spec: Any, value: Any) -> None:
    assert read(spec) == value


def test_what_came_beside_a_record_is_read_in_any_case() -> None:
    assert read("@X-Topic", **{"x-topic": "orders/create"}) == "orders/create"


@pytest.mark.parametrize(
    ("spec", "message", "keys"),
    [
        ("", "'' is not a path", ()),
        ([], "is an empty list", ()),
        (7, "neither a path, a list of paths nor a table", ()),
        ({}, "needs one of path, value", ()),
        ({"path": "a", "value": 1}, "has path and value", ()),
        ({"path": "a", "step": "trim"}, "is not a key of a value", ("step",)),
        ({"path": "a", "steps": "trimm"}, "'trimm' is not a step; there are trim, lower", ("steps",)),
        ({"path": "a", "steps": "local:Berlin"}, "is not a time zone", ("steps",)),
        ({"path": "a", "map": []}, "must be a table", ("map",)),
        ({"each": "a", "fields": {"sku": {"path": ""}}}, "'' is not a path", ("fields", "sku")),
        ({"join": ["a"]}, "at least two", ("join",)),
    ],
)
def test_a_value_that_cannot_be_used_is_explained(spec: Any, message: str, keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueProblem, match=message.replace("(", "\\(")) as raised:
        compile_value(spec)
    assert raised.value.keys == keys


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"path": "customer.email", "steps": "number"}, "customer.email: 'ann@example.com' is not a number"),
        ({"path": "customer", "steps": "trim"}, "customer: 'a list or an object' is a list or an object"),
        ({"path": "id", "map": {"8": "eight"}}, "id: '7' is not one of 8"),
        ({"multiply": ["id", "customer.email"]}, "one of them is not a number"),
    ],
)
def test_a_value_that_a_step_does_not_accept_is_named(spec: Any, message: str) -> None:
    with pytest.raises(StepFailed) as raised:
        read(spec)
    assert message in str(raised.value)


@pytest.mark.parametrize("price", ["1e999999", "-1e999999", "1e-999999", "Infinity", "NaN", "9" * 1_000])
@pytest.mark.parametrize("way", ["multiply", "add"])
def test_amounts_that_are_long_once_they_are_written_out_are_not_computed(way: str, price: str) -> None:
    with pytest.raises(StepFailed, match="cannot be computed with"):
        read({way: ["price", "quantity"]}, {"price": price, "quantity": "0"})
    with pytest.raises(StepFailed, match="cannot be computed with"):
        read({"sum": "prices"}, {"prices": [price, price]})
