"""Strategies for random tests: observations, orders, revocations and overrides under small rules."""

from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Party
from graph.domain.model.orders import Order, OrderStatus, statement_id
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.rules import Contested, Guard, NamespaceRule, Rules
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.resolution.preparation import Observe, prepare
from tests.builders.graphs import NOW, identifiers, observe, override, remove_override, revoke, seen, small_rules

SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck))
"""Settings of tests in which one store serves all examples."""

RULES = small_rules()
GUARDED_RULES = Rules(
    tuple(replace(rule, guarded=rule.name != "mail") for rule in RULES.namespaces),
    guards=(Guard("birth_date", "date"), Guard("address.city", "exact")),
)
"""`RULES` with guards that spare links of crm with mail and of mail with mail."""
OTHER_RULES = [
    # other limits, another threshold, another policy for contested identifiers, looser and stricter sharing
    Rules(
        (
            NamespaceRule("crm", limit=2),
            NamespaceRule("mail", limit=1),
            NamespaceRule("phone", shared_above={"stronger": 1}),
            NamespaceRule("cookie", contested=Contested.FIRST),
            NamespaceRule("order"),
        ),
        0.5,
    ),
    # another order of the namespaces, one removed, one new, values that become equal or are blocked
    Rules(
        (
            NamespaceRule("mail", normalize=("upper",), blocked=frozenset("D")),
            NamespaceRule("loyalty"),
            NamespaceRule("crm", limit=1, blocked=frozenset("b")),
            NamespaceRule("cookie", min_length=1, shared_above={"stronger": 2}),
            NamespaceRule("order", blocked=frozenset("a")),
        ),
        0.9,
    ),
]
"""Rules to reprocess observations under that were accepted under `RULES`."""
KEYS = [f"{namespace}={value}" for namespace in ("crm", "mail", "phone", "cookie", "order") for value in "abcd"]
IDS = [f"o{number}" for number in range(12)]
SOURCES = st.sampled_from(["shop", "till"])

keys = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True)
observations = st.builds(
    lambda keys, id, at, source, party, confidence: observe(
        seen(*keys, id=id, at=at, source=source, party=party, confidence=confidence), RULES
    ),
    keys,
    st.sampled_from(IDS) | st.just(""),
    st.integers(0, 8),
    st.sampled_from(["shop", "till"]),
    st.sampled_from(list(Party)),
    st.none() | st.none() | st.sampled_from([0.5, 0.95]),
)


birth_dates = st.sampled_from(["1980-05-04", "1980-05-14", "1980-04-05", "2010-11-23"])
"""The second and third fit the first but not each other; the last fits none."""
values = st.fixed_dictionaries(
    {"birth_date": st.none() | birth_dates},
    optional={"address": st.none() | st.sampled_from([{"city": "Bonn"}, {"city": "Ulm"}, {"street": "Ring 1"}])},
)
statements = st.builds(
    lambda keys, id, at, source, values: prepare(
        AttributesStatement(source, identifiers(keys), values, id, reported_at=at * SECOND).observation(), RULES, NOW
    ),
    keys,
    st.sampled_from(IDS) | st.just(""),
    st.integers(0, 8),
    SOURCES,
    values,
)


DENSE_RULES = Rules(
    (
        NamespaceRule("crm"),
        NamespaceRule("login", guarded=False),
        NamespaceRule("mail"),
        NamespaceRule("cookie", limit=2, contested=Contested.FIRST, shared_above={"stronger": 3}),
        NamespaceRule("order"),
    ),
    0.5,
    guards=(Guard("birth_date", "date"),),
)
"""Rules under which most short sequences end with links that a guard suspends, some of them between identifiers that a
link of an unguarded namespace joins."""
DENSE_KEYS = [f"{name}={value}" for name, values in (("crm", "ab"), ("login", "abc"), ("mail", "abc"), ("cookie", "ab"))
              for value in values]  # fmt: skip
_dense_keys = st.lists(st.sampled_from(DENSE_KEYS), min_size=2, max_size=2, unique=True)
_dense_ids = st.sampled_from(IDS[:10]) | st.just("")
dense_links = st.builds(
    lambda keys, id, at, source, party, confidence: observe(
        seen(*keys, id=id, at=at, source=source, party=party, confidence=confidence), DENSE_RULES
    ),
    _dense_keys,
    _dense_ids,
    st.integers(0, 7),
    SOURCES,
    st.sampled_from(list(Party)),
    st.none() | st.none() | st.sampled_from([0.3, 0.6, 0.9]),
)
dense_statements = st.builds(
    lambda keys, id, at, source, value: prepare(
        AttributesStatement(
            source, identifiers(keys), {"birth_date": value}, id, reported_at=at * SECOND
        ).observation(),
        DENSE_RULES,
        NOW,
    ),
    st.lists(st.sampled_from(DENSE_KEYS), min_size=1, max_size=2, unique=True),
    _dense_ids,
    st.integers(0, 7),
    SOURCES,
    st.none() | birth_dates,
)
dense_overrides = st.builds(
    lambda kind, keys: override(kind, keys[0], keys[1]),
    st.sampled_from([OverrideKind.TOGETHER, OverrideKind.APART]),
    _dense_keys,
)
dense_commands = st.one_of(
    *[dense_links] * 6,
    *[dense_statements] * 4,
    st.builds(revoke, st.sampled_from(IDS[:10]), SOURCES),
    dense_overrides,
    st.builds(lambda command: remove_override(command.override.id), dense_overrides),
)
dense_batches = st.lists(st.lists(dense_commands, min_size=1, max_size=2), min_size=2, max_size=20)


def orders_of(numbers: str) -> st.SearchStrategy[Observe]:
    """Reports of orders; without identifiers (`None`), an order keeps those of earlier reports."""
    without_order = [key for key in KEYS if not key.startswith("order")]
    return st.builds(
        lambda number, source, reported, placed, total, status, keys: prepare(
            Order(number, source, placed * SECOND, reported * SECOND, "EUR", Decimal(total), status).observation(
                None if keys is None else identifiers(keys)
            ),
            RULES,
            NOW,
        ),
        st.sampled_from(numbers),
        SOURCES,
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(0, 9),
        st.sampled_from(OrderStatus),
        st.none() | st.lists(st.sampled_from(without_order), max_size=2, unique=True),
    )


orders = orders_of("abcd")
ORDER_IDS = [statement_id(number, reported * SECOND) for number in "abcd" for reported in range(4)]
revocations = st.builds(revoke, st.sampled_from(IDS) | st.sampled_from(ORDER_IDS), SOURCES)
two_keys = st.lists(st.sampled_from(KEYS), min_size=2, max_size=2, unique=True)
overrides = st.builds(
    lambda kind, keys: override(kind, keys[0], "" if kind is OverrideKind.BLOCKED else keys[1]),
    st.sampled_from([OverrideKind.TOGETHER, OverrideKind.APART, OverrideKind.APART, OverrideKind.BLOCKED]),
    two_keys,
)
override_removals = st.builds(lambda command: remove_override(command.override.id), overrides)
commands = st.one_of(
    observations, observations, observations, orders, revocations, overrides, override_removals, statements, statements
)
reports_of_one_order = st.lists(
    st.one_of(
        orders_of("a"),
        st.builds(revoke, st.sampled_from(ORDER_IDS[:4]), SOURCES),
        observations,
    ),
    min_size=2,
    max_size=10,
)
batches = st.lists(st.lists(commands, min_size=1, max_size=4), min_size=1, max_size=14)
