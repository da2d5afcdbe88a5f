"""Strategies for random tests: observations, orders, revocations and overrides under small rules."""

from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Party
from graph.domain.model.orders import Order, OrderStatus, statement_id
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.rules import Contested, NamespaceRule, Rules
from graph.domain.resolution.preparation import Observe, prepare
from tests.builders.graphs import NOW, identifiers, observe, override, remove_override, revoke, seen, small_rules

SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck))
"""Settings of tests in which one store serves all examples."""

RULES = small_rules()
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
commands = st.one_of(observations, observations, observations, orders, revocations, overrides, override_removals)
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
