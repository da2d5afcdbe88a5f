"""The commands of statements: decisions on dropped addresses are rejected, and interactions can be decisions too."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.commands.commit import Accepted
from graph.domain.commands import FactStatement, Terms, command
from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind
from graph.domain.model.rules import NamespaceRule, Rules
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import (
    EVERY_CHANNEL,
    ConsentMethod,
    ConsentStatement,
    Decision,
    RecordedDecision,
    decision_of_address,
    decisions,
)
from graph.domain.profile.derived_consents import derived_id
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.resolution.preparation import Observe, Revoke, prepare_again
from service.config import rules_file
from tests.builders.graphs import NOW, Graph, identifiers
from tests.builders.store_contents import valid_facts

RULES = rules_file.parse(rules_file.default_text())
TERMS = Terms()
AT = 1_700_000_000_000_000


def decision(
    *keys: str, channel: str = EVERY_CHANNEL, decided: Decision = Decision.WITHDRAWN, id: str = "", at: int = AT
) -> ConsentStatement:
    """A decision on the purpose `newsletter`."""
    return ConsentStatement("esp", identifiers(keys), "newsletter", decided, channel, id=id, decided_at=at)


def unsubscribed(*keys: str, id: str = "", at: int = AT, type: str = "unsubscribed") -> InteractionStatement:
    return InteractionStatement(Interaction("esp", type, at, id), identifiers(keys))


def rejection(statement: FactStatement) -> Problem | None:
    """Why the rules reject a statement."""
    result = command(statement, RULES, TERMS, NOW)
    return result if isinstance(result, Problem) else result.normalized.rejected


@pytest.mark.parametrize(
    ("keys", "channel", "dropped"),
    [
        (["crm_id=C-1", "email=nobody"], "EMAIL", 1),
        (["email=nobody"], "EMAIL", 0),
        (["email=ann@example.com", "email=nobody"], "EMAIL", 1),
        (["email=ann@example.com", "phone=12"], "SMS", 1),
        # for all channels, each address counts
        (["email=ann@example.com", "phone=12"], EVERY_CHANNEL, 1),
        (["crm_id=C-1", "cookie=undefined"], EVERY_CHANNEL, 1),
    ],
)
def test_a_decision_is_rejected_if_an_address_of_its_channel_is_dropped(
    keys: list[str], channel: str, dropped: int
) -> None:
    # when
    problem = rejection(decision(*keys, channel=channel))
    # then
    assert problem is not None
    namespace, _, value = keys[dropped].partition("=")
    assert (problem.code, problem.path) == ("CONSENT_ADDRESS_DROPPED", ("identifiers", dropped, "value"))
    assert problem.message.startswith(f"{namespace} {value!r} ")
    assert problem.message.endswith(", so the decision would not hold for it")


@pytest.mark.parametrize(
    ("keys", "channel"),
    [
        (["email=ann@example.com", "phone=12"], "EMAIL"),
        (["crm_id=C-1", "email=nobody"], "POSTAL_MAIL"),
        (["email=ann@example.com", "crm_id=unknown"], EVERY_CHANNEL),
    ],
)
def test_a_decision_is_accepted_if_other_identifiers_are_dropped(keys: list[str], channel: str) -> None:
    # when
    accepted = command(decision(*keys, channel=channel), RULES, TERMS, NOW)
    # then
    assert isinstance(accepted, Observe)
    assert accepted.normalized.rejected is None
    assert len(accepted.normalized.dropped) == 1


def test_a_decision_on_a_dropped_address_is_not_stored_and_can_be_sent_again_with_the_same_id() -> None:
    # given
    graph = Graph(RULES)
    wrong, right = decision("crm_id=C-1", "email=nobody", id="1"), decision("email=ann@example.com", id="1")
    # when
    graph.do(command(wrong, RULES, TERMS, NOW))
    # then
    assert graph.store.receipts == {}
    (result,) = graph.do(command(right, RULES, TERMS, NOW))
    assert isinstance(result, Accepted)


def test_an_interaction_and_the_decisions_that_follow_from_it_have_a_command_each() -> None:
    # when
    own = command(unsubscribed("crm_id=C-1", "email=Ann@Example.com", id="u-1"), RULES, TERMS, NOW)
    # then
    assert (own.key, own.normalized.keys) == (("esp", "u-1"), ("crm_id=C-1", "email=ann@example.com"))
    expected = decision("email=Ann@Example.com", channel="EMAIL", id="u-1:consent:newsletter")
    expected = replace(expected, method=ConsentMethod.INTERACTION)
    assert [observed.observation for observed in own.derived] == [expected.observation()]


def test_the_decisions_of_an_interaction_without_an_id_have_the_id_of_its_digest() -> None:
    own = command(unsubscribed("email=ann@example.com"), RULES, TERMS, NOW)
    (derived,) = own.derived
    assert derived.key == ("esp", f"{own.digest}:consent:newsletter")


@pytest.mark.parametrize(
    "statement",
    [
        unsubscribed("crm_id=C-1", "phone=030 1234567"),
        unsubscribed("email=ann@example.com", type="email_opened"),
        decision("email=ann@example.com"),
    ],
)
def test_nothing_else_follows_from_a_statement(statement: FactStatement) -> None:
    assert command(statement, RULES, TERMS, NOW).derived == ()


def test_an_interaction_is_rejected_if_the_address_of_its_decision_is_dropped() -> None:
    # given
    statement = unsubscribed("crm_id=C-1", "email=nobody", id="u-1")
    # then
    problem = rejection(statement)
    assert problem is not None
    assert (problem.code, problem.path) == ("CONSENT_ADDRESS_DROPPED", ("identifiers", 1, "value"))
    # and another interaction is accepted without the address
    assert rejection(unsubscribed("crm_id=C-1", "email=nobody", type="email_opened")) is None


def test_an_interaction_that_waits_while_the_rules_change_keeps_its_decisions() -> None:
    # given
    waiting = command(unsubscribed("crm_id=C-1", "email=ann@example.com"), RULES, TERMS, NOW)
    stricter = Rules((NamespaceRule("crm_id"), NamespaceRule("email", blocked=frozenset(["ann@example.com"]))))
    # then
    assert prepare_again(waiting, RULES) == waiting
    # and it is rejected if the new rules drop the address
    assert prepare_again(waiting, stricter).normalized.rejected.code == "CONSENT_ADDRESS_DROPPED"


VALUES = {
    "crm_id": ["C-1", "C-2", "unknown"],
    "email": [
        "ann@example.com",
        "Ann@Example.com ",
        "Ann Lee <ann@example.com>",
        "bob@example.com\u200b",
        "nobody",
        "",
    ],
    "phone": ["+49 30 123456", "12", "call me"],
    "cookie": ["ck-4711", "undefined"],
}
KEYS = [f"{namespace}={value}" for namespace, values in VALUES.items() for value in values]
CHANNELS = (EVERY_CHANNEL, "EMAIL", "SMS", "WEB", "POSTAL_MAIL")

some_keys = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True)
ids = st.sampled_from(["", "1", "2", "3"])
times = st.integers(0, 3).map(lambda second: AT + second)
statements = st.one_of(
    st.builds(
        lambda keys, channel, decided, id, at: decision(*keys, channel=channel, decided=decided, id=id, at=at),
        some_keys,
        st.sampled_from(CHANNELS),
        st.sampled_from([Decision.GIVEN, Decision.WITHDRAWN]),
        ids,
        times,
    ),
    st.builds(lambda keys, id, at: unsubscribed(*keys, id=id, at=at), some_keys, ids, times),
)
revocations = ids.filter(bool).map(lambda id: Revoke("esp", id, NOW, "", (derived_id(id, "newsletter"),)))


def decided_by(statement: ConsentStatement | InteractionStatement) -> list[RecordedDecision]:
    """The decisions in a statement, one for each identifier. Of addresses, none may be dropped: `Rules.key` raises."""
    if isinstance(statement, ConsentStatement):
        decided, channel, at = statement.decision, statement.channel, statement.decided_at
        pairs = statement.identifiers
    else:
        decided, channel, at = Decision.WITHDRAWN, "EMAIL", statement.interaction.occurred_at
        pairs = tuple(pair for pair in statement.identifiers if pair[0] == "email")
    addresses = Catalog().addresses[channel]
    keys = {
        RULES.key(namespace, value)
        for namespace, value in pairs
        if namespace in addresses or isinstance(RULES.normalize_value(namespace, value), str)
    }
    return [RecordedDecision(key, "newsletter", channel, decided, at, "esp", statement.party, "", "") for key in keys]


def strictest_of_the_newest(made: Sequence[RecordedDecision], key: str, channel: str) -> Decision | None:
    about = [item for item in made if item.key == key and item.channel in (EVERY_CHANNEL, channel)]
    newest = [item.decision for item in about if item.decided_at == max(other.decided_at for other in about)]
    return None if not newest else Decision.WITHDRAWN if Decision.WITHDRAWN in newest else Decision.GIVEN


@given(st.lists(statements | revocations, min_size=1, max_size=12))
def test_what_was_accepted_is_in_effect_for_each_of_its_addresses(sent: list[FactStatement | Revoke]) -> None:
    # given
    graph, accepted, revoked = Graph(RULES), {}, set()
    # when
    for item in sent:
        if isinstance(item, Revoke):
            graph.do(item)
            revoked.add((item.source, item.id))
            continue
        (result,) = graph.do(command(item, RULES, TERMS, NOW))
        if isinstance(result, Accepted):
            accepted[result.source, result.id] = item
    # then
    valid = [made for key, item in accepted.items() if key not in revoked for made in decided_by(item)]
    recorded = decisions(valid_facts(graph, FactKind.CONSENT, RULES))
    for key in {made.key for item in accepted.values() for made in decided_by(item)}:
        for channel in CHANNELS:
            in_effect = decision_of_address(recorded, key, "newsletter", channel)
            expected = strictest_of_the_newest(valid, key, channel)
            assert (None if in_effect is None else in_effect.decision) == expected
