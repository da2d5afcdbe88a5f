"""What a marketer learns from numbers: nothing about the few, and little about one person."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType, get_named_type

from graph.commands import segments as segments_module
from graph.commands.segment_counts import SegmentCounts
from graph.domain.access.roles import ROLES
from schema.execution.access import coordinates
from schema.root import schema
from tests.builders.clients import Client, identifiers, order, seen
from tests.builders.graphs import CountingIds
from tests.builders.roles import SETTINGS, bearer
from tests.builders.runs import Run
from tests.builders.stores import Fresh

PREVIEW = """query($rule: SegmentRuleInput!) { previewSegment(rule: $rule) { totalCustomers evaluatedCustomers complete
  matchingCustomers estimatedCount belowThreshold } }"""
SAMPLE = "query($rule: SegmentRuleInput!) { previewSegment(rule: $rule) { sample { id } } }"
CREATE = """mutation($input: CreateSegmentInput!) { createSegment(input: $input) {
  segment { id memberCount belowThreshold } errors { code } } }"""
UPDATE = """mutation($input: UpdateSegmentInput!) { updateSegment(input: $input) {
  segment { memberCount belowThreshold } errors { code } } }"""
COUNT = "query($id: ID!) { segment(id: $id) { memberCount belowThreshold } }"
MEMBERS = "query($id: ID!) { segment(id: $id) { members { nodes { id } } } }"
PHONE = {"hasNamespace": "phone"}
CARD = {"hasNamespace": "loyalty_card"}
MAIL = {"hasNamespace": "email"}
WITHHELD = {"matchingCustomers": None, "estimatedCount": None, "belowThreshold": True}


class Shop:
    """A client over a store, which asks as a marketer unless said."""

    def __init__(self, client: Client) -> None:
        self.client = client
        client.http.headers.update(bearer("developer"))

    def fill(self, customers: int, *, phones: int, cards: int = 0) -> None:
        """Record customers with an e-mail address, of whom the first have phones and the last have cards."""
        self.client.link(
            *(
                seen(
                    f"email=c{number}@mail.example",
                    *([f"phone=+4930{1_000_000 + number}"] if number < phones else []),
                    *([f"loyalty_card=card {number}"] if number >= customers - cards else []),
                )
                for number in range(customers)
            )
        )

    def ask(self, query: str, variables: dict[str, Any], role: str = "marketer") -> Any:
        response = self.client.send(query, variables, **bearer(role))
        body = response.json()
        assert "errors" not in body, body
        (value,) = body["data"].values()
        return value

    def preview(self, rule: dict[str, Any], role: str = "marketer") -> dict[str, Any]:
        return self.ask(PREVIEW, {"rule": rule}, role)

    def segment(self, rule: dict[str, Any], name: str = "segment") -> str:
        """Create a segment as a marketer, and evaluate it."""
        created = self.ask(CREATE, {"input": {"name": name, "rule": rule}})
        assert created["errors"] == []
        self.client._run(self.client.graph.segment_worker.catch_up())
        return created["segment"]["id"]

    def count(self, id: str, role: str = "marketer") -> Any:
        counted = self.ask(COUNT, {"id": id}, role)
        assert counted["belowThreshold"] == (counted["memberCount"] is None)
        return counted["memberCount"]


@pytest.fixture
def shop(fresh: Fresh, run: Run) -> Shop:
    return Shop(Client(fresh(), run, **SETTINGS))


@pytest.mark.parametrize(("members", "of"), [(3, 36), (35, 36), (36, 36), (0, 36), (9, 60), (51, 60)])
def test_a_segment_of_the_few_has_no_number_no_members_and_no_sample(shop: Shop, members: int, of: int) -> None:
    # given
    shop.fill(of, phones=members)
    id = shop.segment(PHONE)
    # then
    assert shop.count(id) is None
    assert shop.preview(PHONE) == {
        "totalCustomers": of // 10 * 10, "evaluatedCustomers": of // 10 * 10, "complete": True, **WITHHELD,
    }  # fmt: skip
    for query, variables in ((MEMBERS, {"id": id}), (SAMPLE, {"rule": PHONE})):
        assert shop.client.send(query, variables, **bearer("marketer")).status_code == 403
    # and who sees people sees them
    assert shop.count(id, "privacy") == members
    assert len(shop.ask(MEMBERS, {"id": id}, "privacy")["members"]["nodes"]) == min(members, 20)
    exact = shop.preview(PHONE, "developer")
    assert (exact["totalCustomers"], exact["matchingCustomers"], exact["belowThreshold"]) == (of, members, False)


def test_a_larger_segment_has_a_rounded_number_and_always_the_same(shop: Shop) -> None:
    # given
    shop.fill(60, phones=40)
    rule = {"any": [PHONE, {"not": MAIL}, PHONE]}
    same = {"not": {"not": {"any": [{"any": [{"not": MAIL}]}, PHONE]}}}
    # a part that matches fewer withholds the number, so there is a rule without one, too
    assert shop.preview(rule) == shop.preview(same) == shop.preview(rule)
    assert shop.preview(rule)["belowThreshold"] is True
    # when
    previews = [shop.preview(PHONE) for _ in range(3)]
    counts = {shop.count(shop.segment(PHONE, name)) for name in ("one", "two", "three")}
    # then
    assert previews[0]["matchingCustomers"] == previews[0]["estimatedCount"] in (20, 30, 40, 50)
    assert previews[1:] == previews[:1] * 2
    assert (previews[0]["totalCustomers"], previews[0]["complete"], previews[0]["belowThreshold"]) == (60, True, False)
    assert counts == {previews[0]["matchingCustomers"]}


def test_a_shop_with_few_customers_has_no_numbers_at_all(shop: Shop) -> None:
    shop.fill(9, phones=5)
    expected = {"totalCustomers": None, "evaluatedCustomers": None, "complete": True, **WITHHELD}
    assert shop.preview(PHONE) == expected


def test_an_empty_shop_has_no_numbers(shop: Shop) -> None:
    assert shop.preview(PHONE)["belowThreshold"] is True
    assert shop.preview(PHONE, "developer")["totalCustomers"] == 0


def test_members_of_the_rule_before_are_not_counted(shop: Shop) -> None:
    # given: a rule with a part that matches few
    shop.fill(60, phones=30, cards=5)
    id = shop.segment({"any": [PHONE, CARD]})
    assert shop.count(id) is None
    # when: it becomes a rule that matches many, whose members are not found yet
    updated = shop.ask(UPDATE, {"input": {"id": id, "rule": PHONE}})
    # then
    assert updated == {"segment": {"memberCount": None, "belowThreshold": True}, "errors": []}
    assert shop.count(id) is None
    # when
    shop.client._run(shop.client.graph.segment_worker.catch_up())
    # then
    assert shop.count(id) is not None


def test_a_condition_that_matches_a_known_person_withholds_all_numbers(shop: Shop) -> None:
    # given 40 customers with phones, of whom the attacker knows one by name, and 20 without
    shop.fill(60, phones=40)
    state = "mutation($i: RecordAttributesInput!) { recordAttributes(input: $i) { results { __typename } } }"
    person = {"source": "crm", "identifiers": identifiers("email=c0@mail.example"), "familyName": "Zwiebel"}
    shop.ask(state, {"i": {"attributes": [person]}}, "developer")
    named = {"attribute": {"name": "family_name", "in": ["Zwiebel"]}}
    assert shop.preview(named, "developer")["matchingCustomers"] == 1
    # then neither the person, nor all others, nor a crowd with or without the person
    for rule in (
        named,
        {"not": named},
        {"any": [PHONE, named]},
        {"all": [PHONE, {"not": named}]},
        {"any": [{"not": PHONE}, {"all": [PHONE, named]}]},
    ):
        assert shop.preview(rule)["belowThreshold"] is True, rule
        assert shop.count(shop.segment(rule, str(rule))) is None, rule
    # and rules of parts that are large enough are counted
    large = {"all": [MAIL, PHONE]}
    assert shop.preview(large)["matchingCustomers"] == shop.count(shop.segment(large)) in (20, 30, 40, 50)


def test_scores_of_a_few_customers_are_withheld(shop: Shop) -> None:
    # given 5 of 40 customers with orders: their scores are percentiles of the 5
    shop.fill(40, phones=20)
    shop.client.record(*(order(f"W-{n}", f"email=c{n}@mail.example") for n in range(5)))
    shop.ask("mutation { recalculateRfm { calculatedAt } }", {}, "admin")
    for rule in (
        {"metric": {"name": "ORDER_COUNT", "min": 1}},
        {"metric": {"name": "RECENCY_SCORE", "min": 1}},
        {"not": {"metric": {"name": "RECENCY_SCORE", "min": 1}}},
    ):
        assert shop.preview(rule)["belowThreshold"] is True


def test_the_minimum_is_a_setting(fresh: Fresh, run: Run) -> None:
    shop = Shop(Client(fresh(), run, min_count=25, **SETTINGS))
    shop.fill(60, phones=40)
    assert shop.preview(PHONE)["belowThreshold"] is True
    assert shop.preview(MAIL)["totalCustomers"] == 50


def test_a_marketer_counts_so_many_rules_and_no_more(shop: Shop) -> None:
    # given
    shop.fill(36, phones=20)
    shop.client.endpoint.budgets.now = lambda: 0.0
    rules = [{"metric": {"name": "ORDER_COUNT", "min": n}} for n in range(1, 25)]
    # when
    statuses = [shop.client.send(PREVIEW, {"rule": rule}, **bearer("marketer")).status_code for rule in rules]
    # then repeating, or writing a rule in another way, costs nothing
    assert statuses == [200] * 20 + [429] * 4
    assert shop.preview({"all": [rules[3]]}) == shop.preview(rules[3])
    created = shop.client.send(CREATE, {"input": {"name": "x", "rule": rules[23]}}, **bearer("marketer"))
    assert (created.status_code, created.json()["errors"][0]["extensions"]["code"]) == (429, "TOO_MANY_LOOKUPS")


def test_a_preview_that_does_not_end_in_time_counts_a_fixed_part(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a store of two pages, and time for the first
    shop.fill(130, phones=65)
    monkeypatch.setattr(segments_module, "MAX_PREVIEW_SECONDS", -1.0)
    # when
    preview = shop.preview(PHONE)
    # then
    assert (preview["totalCustomers"], preview["evaluatedCustomers"], preview["complete"]) == (130, 100, False)
    assert preview["estimatedCount"] == (int(preview["matchingCustomers"] * 1.3) + 5) // 10 * 10
    assert preview == shop.preview(PHONE)


def test_many_rules_with_and_without_one_person_tell_little_about_it(fresh: Fresh, run: Run) -> None:
    # given a person with a phone and a card, and one with a phone only, among others
    shop = Shop(Client(fresh(), run, **SETTINGS))
    shop.fill(120, phones=60, cards=61)
    counts: SegmentCounts = shop.client.graph.segment_counts
    random, results = Random(3), Counter[int]()
    # when: rules that differ by the only customer with both, each pair with a store's secret of its own
    for _ in range(60):
        counts._ids = CountingIds(random.randrange(10**9))
        run(counts._store.put_value("counts_noise", counts._ids.secret()))
        without = run(counts.preview({"all": [PHONE, {"not": CARD}]})).matching_customers
        beside = run(counts.preview(PHONE)).matching_customers
        results[(beside > without) - (beside < without)] += 1
    # then the numbers of 59 and of 60 customers are often the same, and each is the larger one at times
    assert min(results[difference] for difference in (-1, 0, 1)) > 5


def test_the_numbers_that_a_marketer_may_select_are_these() -> None:
    """A new one must be added here, and to the page that lists them, after it was made to withhold the few."""
    core, scopes, may = schema._schema, coordinates(schema._schema), ROLES["marketer"].scopes
    reached: set[str] = set()
    numbers: set[str] = set()
    pending: list[Any] = [core.query_type, core.mutation_type, core.subscription_type]
    while pending:
        type = pending.pop()
        if isinstance(type, GraphQLUnionType | GraphQLInterfaceType):
            pending += core.get_possible_types(type)
        elif isinstance(type, GraphQLObjectType) and type.name not in reached:
            reached.add(type.name)
            for name, field in type.fields.items():
                if scopes.get(f"{type.name}.{name}") in may:
                    pending.append(get_named_type(field.type))
                    if get_named_type(field.type).name in ("Int", "Float", "Decimal"):
                        numbers.add(f"{type.name}.{name}")
    # The amount is that of a product's price: no person is behind it.
    # The days are those of an audience's settings.
    assert numbers == {
        "Audience.deadCount",
        "Audience.owedCount",
        "Audience.pendingCount",
        "Audience.sentCount",
        "Audience.ttlDays",
        "AudiencePreview.addressCount",
        "AudiencePreview.memberCount",
        "AudiencePreview.reachedCount",
        "Destination.deadCount",
        "Destination.owedCount",
        "Destination.pendingCount",
        "Destination.removalCount",
        "Money.amount",
        "Segment.memberCount",
        "Segment.version",
        "SegmentPreview.estimatedCount",
        "SegmentPreview.evaluatedCustomers",
        "SegmentPreview.matchingCustomers",
        "SegmentPreview.totalCustomers",
    }
