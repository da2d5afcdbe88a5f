"""A record of an observation, read as `kith import` reads it, is the observation again."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.commands import SourceStatement
from graph.domain.export.records import TIMES, Record, passed_on, product_record, record_of, skus_of
from graph.domain.model.dates import SECOND
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import Observation, Party
from graph.domain.model.orders import Order, OrderLine, OrderStatement, OrderStatus
from graph.domain.model.products import Product
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import ConsentMethod, ConsentStatement, Decision
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.interactions import Interaction, InteractionStatement
from service.ingest.records import parse_record
from tests.builders.products import DETAILED

PAIRS = (("email", "Ann@Example.com "), ("phone", "044 668 18 00;phone-context=CH"))
AT = 1_800_000_000 * SECOND + 250_000
texts = st.text("aä 7\u200b=\"'|;,", min_size=1, max_size=8).filter(str.strip)
parties = st.sampled_from(Party)
times = st.none() | st.integers(AT - 10**12, AT)
pairs = st.lists(st.tuples(st.sampled_from(["email", "phone", "order"]), texts), min_size=1, max_size=4).map(tuple)
decimals = st.decimals(0, 1000, places=2)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | texts, lambda inner: st.lists(inner, max_size=2)
)
lines = st.builds(OrderLine, texts, decimals, decimals, st.just("") | texts)
orders = st.builds(
    Order,
    number=texts,
    source=texts,
    placed_at=st.integers(AT - 10**12, AT),
    reported_at=st.integers(AT - 10**12, AT),
    currency=st.sampled_from(["EUR", "CHF"]),
    total=decimals,
    status=st.sampled_from(OrderStatus),
    lines=st.lists(lines, max_size=3).map(tuple),
    refunded=st.just(Decimal(0)) | decimals,
)
interactions = st.builds(
    Interaction,
    source=texts,
    type=st.sampled_from(["product_viewed", "note"]),
    occurred_at=st.integers(AT - 10**12, AT),
    id=texts,
    channel=st.just("") | texts,
    sku=st.just("") | texts,
    text=st.just("") | texts,
    offer_type=st.sampled_from(["", "discount"]),
    properties=st.dictionaries(texts, json_values, max_size=3),
)
statements = st.one_of(
    st.builds(Observation, texts, pairs, texts, parties, times, st.none() | st.floats(0, 1), st.just("") | texts),
    st.builds(OrderStatement, orders, st.none() | st.just(()) | pairs, parties),
    st.builds(InteractionStatement, interactions, pairs, parties),
    st.builds(
        AttributesStatement,
        texts,
        pairs,
        st.dictionaries(
            st.sampled_from(["gender", "name", "address"]),
            st.none() | texts | st.dictionaries(st.just("city"), texts),
            min_size=1,
        ),
        texts,
        parties,
        times,
    ),
    st.builds(
        ConsentStatement,
        texts,
        pairs,
        st.just("newsletter"),
        st.sampled_from([Decision.GIVEN, Decision.REFUSED, Decision.WITHDRAWN]),
        st.sampled_from(["", "EMAIL"]),
        st.just("") | texts,
        texts,
        parties,
        times,
        st.none() | st.sampled_from(ConsentMethod),
        st.just("") | texts,
        st.just("") | texts,
        times,
        times,
        st.sampled_from(["", "de"]),
        st.just(""),
        st.just("") | texts,
    ),
    st.builds(ExternalSegmentStatement, texts, pairs, texts, times, st.booleans(), texts, parties, times),
)


def observation_of(statement: SourceStatement) -> Observation:
    match statement:
        case Observation():
            return statement
        case OrderStatement():
            return statement.order.observation(statement.identifiers, statement.party)
        case _:
            return statement.observation()


def read(record: Record) -> Any:
    """The statement of a line with a record."""
    return parse_record(json.dumps(record).encode()).statement


def identifiers(observation: Observation) -> list[Record]:
    sent = observation.identifiers[1:] if observation.kind == FactKind.ORDER.value else observation.identifiers
    return [{"namespace": namespace, "value": raw} for namespace, raw in sent]


@given(statements)
def test_an_observation_of_any_kind_is_read_again_from_its_record(statement: SourceStatement) -> None:
    # given
    observation = observation_of(statement)
    # when
    again = observation_of(read(record_of(observation, identifiers(observation), observation.seen_at)))
    # then
    assert again == observation
    assert again.digest == observation.digest


@given(statements, st.integers(AT - 10**12, AT))
def test_what_is_passed_on_has_the_time_that_counts(statement: SourceStatement, at: int) -> None:
    # given
    observation = observation_of(statement)
    kind = FactKind(observation.kind)
    # when
    record = passed_on(record_of(observation, identifiers(observation), observation.seen_at), kind, [], at)
    # then: only the identifiers and the time are others
    again = read(record)
    assert record.get("identifiers", []) == []
    if kind in TIMES:
        assert observation_of(again).seen_at == at
    assert observation_of(again).facts in (observation.facts, observation.facts[:-1] + ',"no_identifiers":true}')


@pytest.mark.parametrize(
    "product", [Product("S-1", "Shoe", "pim", AT), Product("S-1", "Shoe", "pim", AT, "Acme", ("a", "b")), DETAILED]
)
def test_a_product_is_read_again_from_its_record(product: Product) -> None:
    assert read(product_record(product)) == product


def test_the_products_of_a_record_are_found() -> None:
    assert skus_of({"lines": [{"sku": "a"}, {"sku": "b"}]}) == {"a", "b"}
    assert skus_of({"type": "product_viewed", "sku": "c"}) == {"c"}
    assert skus_of({"type": "note"}) == set()
