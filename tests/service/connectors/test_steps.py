"""Named steps of mappings."""

from typing import Any

import pytest

from service.connectors.steps import STEP_NAMES, step

SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("trim", "  a ", "a"),
        ("text", 7.0, "7"),
        ("text", True, "true"),
        ("digits", "+49 (30) 12", "493012"),
        ("snake", "Order Completed", "order_completed"),
        ("snake", "Signed Up (Beta)", "signed_up_beta"),
        ("snake", "productViewed", "product_viewed"),
        ("snake", "2nd visit", "event_2nd_visit"),
        ("number", "4.5", 4.5),
        ("number", "4", 4),
        ("number", 4, 4),
        ("boolean", "Yes", True),
        ("boolean", 0, False),
        ("money", "1.234,50 €", "1234.50"),
        ("money", "$1,234.50", "1234.50"),
        ("money", "12,5", "12.5"),
        ("money", 59.9, "59.9"),
        ("cents", 5990, "59.9"),
        ("seconds", 1767225600, "2026-01-01T00:00:00.000000Z"),
        ("seconds", "1767225600.25", "2026-01-01T00:00:00.250000Z"),
        ("millis", 1767225600123, "2026-01-01T00:00:00.123000Z"),
        ("date:%d.%m.%Y", "03.02.2026", "2026-02-03"),
        ("date:%d.%m.%Y %H:%M", "03.02.2026 10:00", "2026-02-03T10:00:00"),
        ("local:Europe/Berlin", "2026-07-01T10:00:00", "2026-07-01T10:00:00+02:00"),
        ("local:Europe/Berlin", "2026-07-01T10:00:00+00:00", "2026-07-01T10:00:00+00:00"),
        ("first", ["a", "b"], "a"),
        ("first", "a", "a"),
        ("last", [], None),
        ("split:,", "a, b,,c", ["a", "b", "c"]),
        ("join: > ", ["a", "b"], "a > b"),
        ("before:T", "2026-01-01T10:00:00Z", "2026-01-01"),
        ("after:/", "gid://shopify/Customer/77", "77"),
        ("localized:de_DE", [{"locale": "en_US", "data": "Tent"}, {"locale": "de_DE", "data": "Zelt"}], "Zelt"),
        ("localized:fr_FR", [{"locale": "en_US", "data": "Tent"}, {"locale": None, "data": "T"}], "T"),
        ("localized:fr_FR", [{"locale": "en_US", "data": "Tent"}], "Tent"),
        ("where:key=b", [{"key": "a"}, {"key": "b", "value": 1}], {"key": "b", "value": 1}),
        ("where:field.ref=b", ["b", {"field": "b"}, {"field": {"ref": "b"}}], {"field": {"ref": "b"}}),
        ("where:field.ref=c", [{"field": {"ref": "b"}}], None),
        ("member:choice.label", {"choice": {"label": "M"}}, "M"),
        ("member:choice.label", {"choice": ["M"]}, None),
        ("member:value", "a text", None),
        ("parameter:gclid", "?a=1&gclid=xyz", "xyz"),
        ("parameter:gclid", "https://shop.example/?a=1", None),
        ("json", '{"a": 1}', {"a": 1}),
        ("browser", SAFARI, "Mobile Safari"),
        ("os", SAFARI, "iOS"),
        ("device_type", SAFARI, "mobile"),
        ("device_type", "Android", "android"),
    ],
)
def test_steps_turn_values_into_others(name: str, value: Any, result: Any) -> None:
    assert step(name)(value) == result


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("snake", "!!"),
        ("number", "many"),
        ("boolean", "perhaps"),
        ("money", "free"),
        ("cents", "x"),
        ("seconds", "soon"),
        ("seconds", 10**30),
        # Few characters that are a million digits once they are written out.
        ("number", "1e999999"),
        ("number", "Infinity"),
        ("number", "9" * 1_000),
        ("cents", "-1e999999"),
        ("cents", "1e-999999"),
        ("cents", "1e99999999999"),
        ("cents", "NaN"),
        ("money", "9" * 1_000),
        ("seconds", "1e999999"),
        ("millis", "1e99999999999"),
        ("date:%d.%m.%Y", "2026-02-03"),
        ("local:Europe/Berlin", "soon"),
        ("json", "{"),
        ("trim", {}),
    ],
)
def test_values_that_a_step_cannot_read_are_errors(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) "):
        step(name)(value)


def test_an_unknown_step_is_answered_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="'slug' is not a step; there are " + ", ".join(STEP_NAMES[:3])):
        step("slug")
