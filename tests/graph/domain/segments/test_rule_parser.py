"""The rule of a segment as it is sent, and the condition it is parsed into; errors have the path of the field."""

from typing import Any

import pytest

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import Decision
from graph.domain.profile.engagement import ChurnRisk
from graph.domain.profile.journey import JourneyStage
from graph.domain.profile.property_filters import PropertyFilter
from graph.domain.profile.rfm import RfmGroup
from graph.domain.segments.conditions import (
    AttributeCondition,
    CombinedCondition,
    Condition,
    ConsentCondition,
    ExternalSegmentCondition,
    InteractionCondition,
    KnownCondition,
    NamespaceCondition,
    NotCondition,
    OrderCondition,
    ProductAttributeCondition,
)
from graph.domain.segments.metric_conditions import (
    ChurnRiskCondition,
    JourneyStageCondition,
    Metric,
    MetricCondition,
    RfmGroupCondition,
)
from graph.domain.segments.rule_parser import MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES, canonical_text, parse, rule_text
from tests.builders.graphs import small_rules

RULES = small_rules()


A, B = {"hasNamespace": "phone"}, {"hasNamespace": "mail"}


def nested(depth: int) -> dict[str, Any]:
    rule: dict[str, Any] = {"known": True}
    for _ in range(depth - 1):
        rule = {"not": rule}
    return rule


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            {"attribute": {"name": "given_name", "in": ["ANN", "Eve", "ANN"], "contains": "N"}},
            AttributeCondition("given_name", values=("ann", "eve"), contains="n"),
        ),
        ({"attribute": {"name": "address.city", "exists": True}}, AttributeCondition("address", "city", True)),
        (
            {"attribute": {"name": "birth_date", "minYears": 18, "maxYears": 30, "anniversaryWithinDays": 0}},
            AttributeCondition("birth_date", min_years=18, max_years=30, anniversary_within_days=0),
        ),
        ({"metric": {"name": "ORDER_COUNT", "min": 2}}, MetricCondition(Metric.ORDER_COUNT, 2)),
        (
            {"metric": {"name": "REVENUE", "max": 9.5, "currency": "EUR"}},
            MetricCondition(Metric.REVENUE, None, 9.5, "EUR"),
        ),
        ({"rfmGroup": ["CHAMPIONS", "LOST"]}, RfmGroupCondition((RfmGroup.CHAMPIONS, RfmGroup.LOST))),
        ({"journeyStage": ["CONSIDERATION"]}, JourneyStageCondition((JourneyStage.CONSIDERATION,))),
        ({"churnRisk": ["HIGH"]}, ChurnRiskCondition((ChurnRisk.HIGH,))),
        ({"interaction": {}}, InteractionCondition()),
        (
            {
                "interaction": {
                    "types": ["product_added"],
                    "channels": ["web"],
                    "sku": "s1",
                    "withinDays": 3,
                    "minCount": 2,
                }
            },
            InteractionCondition(("product_added",), ("web",), None, "s1", 3, 2),
        ),
        (
            {
                "interaction": {
                    "properties": [
                        {"name": "rating", "min": 4.0},
                        {"name": "utm_source", "in": ["Google", "google"], "contains": "OO"},
                        {"name": "gclid", "exists": False},
                        {"name": "rating", "min": 4.0},
                    ]
                }
            },
            InteractionCondition(
                properties=(
                    PropertyFilter("rating", min=4.0),
                    PropertyFilter("utm_source", values=("google",), contains="oo"),
                    PropertyFilter("gclid", exists=False),
                )
            ),
        ),
        (
            {"order": {"skus": ["s1"], "categories": ["shoes"], "withinDays": 5}},
            OrderCondition(frozenset({"s1"}), frozenset({"shoes"}), within_days=5),
        ),
        (
            {"order": {"categories": ["shoes>running"], "productAttributes": [{"name": "Size", "values": ["M", "m"]}]}},
            OrderCondition(
                categories=frozenset({"shoes > running"}),
                product_attributes=(ProductAttributeCondition("Size", frozenset({"m"})),),
            ),
        ),
        (
            {"consent": {"purpose": "newsletter", "channel": "EMAIL", "decisions": ["GIVEN", "NONE"]}},
            ConsentCondition("newsletter", "EMAIL", (Decision.GIVEN, Decision.NONE)),
        ),
        ({"externalSegment": {"segment": "gamers", "source": "dmp"}}, ExternalSegmentCondition("gamers", "dmp")),
        ({"hasNamespace": "mail"}, NamespaceCondition("mail")),
        ({"known": False}, KnownCondition(False)),
        ({"not": {"known": True}}, NotCondition(KnownCondition(True))),
        (
            {"all": [{"known": True}, {"hasNamespace": "crm"}]},
            CombinedCondition((KnownCondition(True), NamespaceCondition("crm")), 2),
        ),
        (
            {"any": [{"known": True}, {"hasNamespace": "crm"}]},
            CombinedCondition((KnownCondition(True), NamespaceCondition("crm")), 1),
        ),
    ],
)
def test_a_rule_is_parsed_into_a_condition(rule: dict[str, Any], expected: Condition) -> None:
    assert parse(rule, Catalog(), RULES) == expected


@pytest.mark.parametrize(
    ("rule", "code", "path"),
    [
        ("known", "INVALID_SEGMENT_RULE", ()),
        ({}, "INVALID_SEGMENT_RULE", ()),
        ({"known": True, "hasNamespace": "mail"}, "INVALID_SEGMENT_RULE", ()),
        ({"owns": "a car"}, "INVALID_SEGMENT_RULE", ("owns",)),
        ({"all": []}, "INVALID_SEGMENT_RULE", ("all",)),
        ({"all": "known"}, "INVALID_SEGMENT_RULE", ("all",)),
        ({"any": [{"known": True}, {"not": {"owns": 1}}]}, "INVALID_SEGMENT_RULE", ("any", 1, "not", "owns")),
        ({"attribute": {"name": "shoe_size", "exists": True}}, "UNKNOWN_ATTRIBUTE", ("attribute", "name")),
        ({"attribute": {"name": "address", "exists": True}}, "INVALID_VALUE", ("attribute", "name")),
        ({"attribute": {"name": "given_name.city", "exists": True}}, "INVALID_VALUE", ("attribute", "name")),
        ({"attribute": {"name": "given_name"}}, "INVALID_SEGMENT_RULE", ("attribute",)),
        ({"attribute": {"name": "given_name", "minYears": 3}}, "INVALID_VALUE", ("attribute", "minYears")),
        ({"attribute": {"name": "birth_date", "minYears": 201}}, "INVALID_VALUE", ("attribute", "minYears")),
        ({"attribute": {"name": "given_name", "in": []}}, "INVALID_COUNT", ("attribute", "in")),
        ({"attribute": {"name": "given_name", "contains": ""}}, "INVALID_LENGTH", ("attribute", "contains")),
        ({"metric": {"name": "SHOES", "min": 1}}, "INVALID_VALUE", ("metric", "name")),
        ({"metric": {"name": "ORDER_COUNT"}}, "INVALID_SEGMENT_RULE", ("metric",)),
        ({"metric": {"name": "ORDER_COUNT", "max": 1e15}}, "INVALID_VALUE", ("metric", "max")),
        ({"metric": {"name": "ORDER_COUNT", "max": float("nan")}}, "INVALID_VALUE", ("metric", "max")),
        (
            {"order": {"productAttributes": [{"name": "", "values": ["M"]}]}},
            "INVALID_LENGTH",
            ("order", "productAttributes", 0, "name"),
        ),
        (
            {"order": {"productAttributes": [{"name": "size", "values": []}]}},
            "INVALID_COUNT",
            ("order", "productAttributes", 0, "values"),
        ),
        (
            {"order": {"productAttributes": [{"name": "size", "values": ["M"]}] * 51}},
            "INVALID_COUNT",
            ("order", "productAttributes"),
        ),
        ({"rfmGroup": []}, "INVALID_COUNT", ("rfmGroup",)),
        ({"rfmGroup": ["WINNERS"]}, "INVALID_VALUE", ("rfmGroup",)),
        ({"interaction": {"withinDays": 3651}}, "INVALID_VALUE", ("interaction", "withinDays")),
        ({"interaction": {"minCount": 101}}, "INVALID_VALUE", ("interaction", "minCount")),
        ({"interaction": {"properties": []}}, "INVALID_COUNT", ("interaction", "properties")),
        ({"interaction": {"properties": [{"name": "a"}]}}, "INVALID_VALUE", ("interaction", "properties", 0)),
        ({"order": {"skus": ["s"] * (MAX_VALUES + 1)}}, "INVALID_COUNT", ("order", "skus")),
        ({"consent": {"purpose": "spam", "decisions": ["GIVEN"]}}, "UNKNOWN_PURPOSE", ("consent", "purpose")),
        ({"consent": {"purpose": "newsletter", "decisions": []}}, "INVALID_COUNT", ("consent", "decisions")),
        ({"externalSegment": {"segment": ""}}, "INVALID_LENGTH", ("externalSegment", "segment")),
        ({"hasNamespace": "fax"}, "UNKNOWN_NAMESPACE", ("hasNamespace",)),
    ],
)
def test_an_invalid_rule_raises_with_the_path_of_the_field(
    rule: object, code: str, path: tuple[str | int, ...]
) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(rule, Catalog(), RULES)
    assert (raised.value.code, raised.value.path) == (code, ("rule", *path))


def test_rules_are_limited_in_depth_and_in_conditions() -> None:
    # given
    conditions = [{"known": True}] * MAX_CONDITIONS
    # when, then
    assert parse(nested(MAX_DEPTH), Catalog(), RULES)
    with pytest.raises(InvalidInput, match=f"deeper than {MAX_DEPTH} levels"):
        parse(nested(MAX_DEPTH + 1), Catalog(), RULES)
    assert parse({"all": conditions}, Catalog(), RULES)
    with pytest.raises(InvalidInput, match=f"holds 51 conditions; {MAX_CONDITIONS} are allowed"):
        parse({"any": [{"all": conditions}, {"known": True}]}, Catalog(), RULES)


def test_equal_rules_have_equal_texts() -> None:
    rule = {"metric": {"name": "ORDER_COUNT", "min": 2}}
    reordered = {"metric": {"min": 2, "name": "ORDER_COUNT"}}
    assert rule_text(rule) == rule_text(reordered)
    assert rule_text(rule) == '{"metric":{"min":2,"name":"ORDER_COUNT"}}'


@pytest.mark.parametrize(
    ("rule", "same"),
    [
        ({"known": True}, {"all": [{"known": True}]}),
        ({"known": True}, {"not": {"not": {"any": [{"known": True}, {"known": True}]}}}),
        ({"any": [A, B]}, {"any": [B, A, B]}),
        ({"all": [A, B, {"known": True}]}, {"all": [{"all": [{"known": True}, B]}, {"all": [A]}]}),
        (
            {"attribute": {"name": "city", "in": ["Bonn", "Ulm"]}},
            {"attribute": {"in": ["Ulm", "Bonn", "Ulm"], "name": "city"}},
        ),
    ],
)
def test_rules_that_differ_in_form_only_have_the_same_canonical_text(
    rule: dict[str, Any], same: dict[str, Any]
) -> None:
    assert canonical_text(rule) == canonical_text(same)


def test_rules_that_differ_have_different_canonical_texts() -> None:
    rules = [
        A,
        B,
        {"not": A},
        {"all": [A, B]},
        {"any": [A, B]},
        {"not": {"any": [A, B]}},
        {"any": [A, {"all": [A, B]}]},
    ]
    assert len({canonical_text(rule) for rule in rules}) == len(rules)
