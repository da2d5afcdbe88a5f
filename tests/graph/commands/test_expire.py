"""What has expired is removed, and the graph is that of what is left; the order of arrival does not matter."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.commands.expire import ExpiredReceipt, expire, remove_names
from graph.commands.rules_rollout import ActiveRules
from graph.domain.model.changes import ChangeKind
from graph.domain.model.dates import DAY, SECOND
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import Observation, Party
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.receipts import ObservationStatus
from graph.domain.model.retention import Retention, RetentionRule
from graph.domain.model.rules import Rules
from graph.domain.resolution.preparation import Command, Observe, prepare
from tests.builders.graph_checks import check_everything
from tests.builders.graphs import Graph, override, revoke, seen, small_rules
from tests.builders.retention import rule
from tests.builders.strategies import GUARDED_RULES, RULES, commands


class ExpireAt(NamedTuple):
    """The removal of what was seen up to a time in seconds, as far as rules of one day say so."""

    at: int
    retention: Retention

    @property
    def now(self) -> int:
        return self.at * SECOND + DAY


retention_rules = st.builds(
    rule, st.just(1), namespace=st.sampled_from(["mail", "cookie", "phone", "crm"])
) | st.builds(
    rule,
    st.just(1),
    kind=st.sampled_from([FactKind.ORDER, FactKind.ATTRIBUTES, FactKind.NONE]),
    source=st.sampled_from(["", "shop", "till"]),
    party=st.sampled_from([None, Party.THIRD_PARTY]),
)
holds = st.builds(rule, st.just(2), kind=st.sampled_from([FactKind.ORDER, FactKind.NONE]))
expiries = st.builds(
    ExpireAt,
    st.integers(0, 9),
    st.builds(Retention, st.lists(retention_rules, max_size=3).map(tuple), st.lists(holds, max_size=1).map(tuple)),
)
steps = st.lists(st.one_of(*[commands] * 5, expiries), min_size=2, max_size=16)
any_rules = st.sampled_from([RULES, GUARDED_RULES])


def run(graph: Graph, step: ExpireAt) -> Sequence[ExpiredReceipt]:
    graph.now += SECOND
    keys = sorted(graph.store.receipts)
    rules = ActiveRules(graph.rules, graph.rules)
    removed = graph.store.run(lambda: expire(keys, step.retention, step.now, rules, graph.now, graph.ids))
    graph.store.run(lambda: remove_names(0, 1_000))
    return removed.receipts


def do(graph: Graph, step: Command | ExpireAt) -> None:
    if isinstance(step, ExpireAt):
        run(graph, step)
    else:
        graph.do(step)


def left_of(command: Command, expiry: ExpireAt) -> Command | None:
    """A command as it is once the time of an expiry has come."""
    if not isinstance(command, Observe):
        return command
    observation = command.observation
    left = expiry.retention.remainder(observation, observation.seen_at or 0, expiry.now)
    if isinstance(left, RetentionRule):
        return None
    return command if left.complete else prepare(left.observation, RULES, command.received_at)


@settings(max_examples=500, deadline=None)
@given(steps, any_rules)
def test_each_step_equals_resolving_from_scratch(sequence: Sequence[Command | ExpireAt], rules: Rules) -> None:
    # given
    graph = Graph(rules)
    for step in sequence:
        # when
        do(graph, step)
        # then
        check_everything(graph)
        if isinstance(step, ExpireAt):
            assert run(graph, step) == []


def with_one_content(sequence: Sequence[Command]) -> list[Command]:
    """Without observations whose id came with other content before: which of both counts depends on the order."""
    digests: dict[object, str] = {}
    return [
        step
        for step in sequence
        if not isinstance(step, Observe) or digests.setdefault(step.key, step.digest) == step.digest
    ]


def content(graph: Graph) -> tuple[object, ...]:
    counting = [receipt for receipt in graph.store.receipts.values() if receipt.status is ObservationStatus.VALID]
    statements = sorted((receipt.source, receipt.id, receipt.sent, receipt.digest) for receipt in counting)
    orders = {key: member.order for key, member in graph.store.members.items() if member.order is not None}
    return graph.customers(), statements, orders


@settings(max_examples=500, deadline=None)
@given(st.lists(commands, min_size=2, max_size=14).map(with_one_content), expiries)
def test_what_was_removed_is_what_would_not_have_been_stored(sequence: Sequence[Command], expiry: ExpireAt) -> None:
    # given
    removed, refused = Graph(RULES), Graph(RULES)
    for step in sequence:
        removed.do(step)
    # when
    run(removed, expiry)
    for step in sequence:
        if (left := left_of(step, expiry)) is not None:
            refused.do(left)
    # then
    assert content(removed) == content(refused)


@settings(max_examples=300, deadline=None)
@given(st.lists(commands, min_size=2, max_size=14).map(with_one_content), expiries)
def test_what_is_sent_again_brings_nothing_back(sequence: Sequence[Command], expiry: ExpireAt) -> None:
    # given
    graph = Graph(RULES)
    for step in sequence:
        graph.do(step)
    run(graph, expiry)
    before = content(graph)
    # when
    for step in sequence:
        if isinstance(step, Observe) and (left := left_of(step, expiry)) is not None:
            graph.do(left)
    # then
    assert content(graph) == before


@settings(max_examples=300, deadline=None)
@given(st.lists(commands, min_size=2, max_size=14), expiries)
def test_an_identifier_that_nothing_names_is_nowhere(sequence: Sequence[Command], expiry: ExpireAt) -> None:
    # given
    graph = Graph(RULES)
    for step in sequence:
        graph.do(step)
    before = set(graph.store.members)
    # when
    run(graph, expiry)
    # then
    for key in before - set(graph.store.members):
        assert not any(key in receipt.keys for receipt in graph.store.receipts.values())
        assert not any(key in (*change.keys, *change.anchors) for change in graph.store.changes)
        assert not any(key in change.reason for change in graph.store.changes)
        assert not any(customer.anchor.key == key for customer in graph.store.customers.values())
        assert not any(key in pair for pair in graph.store.links)


COOKIES = ExpireAt(10, Retention((rule(1, namespace="cookie"),)))


def test_customers_whose_data_has_expired_are_in_the_feed() -> None:
    # given
    graph = Graph(small_rules())
    graph.see(seen("mail=ann", "cookie=a", at=1), seen("mail=bob", at=1))
    ann = graph.id_at("mail=ann")
    # when
    run(graph, COOKIES)
    # then
    assert [change.customer for change in graph.store.changes if change.kind is ChangeKind.DATA_EXPIRED] == [ann]
    assert graph.customers() == [["mail=ann"], ["mail=bob"]]


def test_a_customer_without_identifiers_is_an_empty_id() -> None:
    # given
    graph = Graph(small_rules())
    graph.see(seen("cookie=a", at=1))
    id = graph.id_at("cookie=a")
    # when
    run(graph, COOKIES)
    # then
    customer = graph.customer_of_id(id)
    assert (customer.live, customer.anchor.key, customer.redirects_to) == (False, "", None)
    # when it is seen later
    graph.see(seen("cookie=a", at=11))
    # then
    assert graph.id_at("cookie=a") != id


def test_an_identifier_that_something_younger_or_a_steward_names_is_kept() -> None:
    # given
    graph = Graph(small_rules())
    graph.see(seen("mail=ann", "cookie=a", at=1), seen("cookie=a", at=11), seen("mail=ann", "cookie=b", at=1))
    graph.do(override(OverrideKind.BLOCKED, "cookie=b"))
    # when
    run(graph, COOKIES)
    # then
    assert set(graph.store.members) == {"mail=ann", "cookie=a", "cookie=b"}
    assert not any(
        "cookie=a" in receipt.keys and "mail=ann" in receipt.keys for receipt in graph.store.receipts.values()
    )


def test_statements_that_do_not_count_are_removed_too() -> None:
    # given
    graph = Graph(small_rules())
    graph.see(replace(seen("cookie=a", "mail=ann", at=1), id="1"), seen("mail=ann", at=1))
    graph.do(revoke("1"))
    # when
    run(graph, COOKIES)
    # then
    receipt = graph.store.receipts["shop", "1"]
    assert receipt.status is ObservationStatus.REVOKED
    assert Observation.from_sent(*receipt.key, receipt.sent).identifiers == (("mail", "ann"),)
    assert "cookie=a" not in graph.store.members
