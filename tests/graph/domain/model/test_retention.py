"""What may be kept of a statement follows from its content, its time, the rules and the holds."""

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.dates import DAY
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import Observation, Party
from graph.domain.model.orders import Order, keeps_identifiers
from graph.domain.model.retention import Remainder, Retention, RetentionRule
from graph.domain.profile.interactions import Interaction
from tests.builders.retention import rule

SEEN = 1_700_000_000 * 1_000_000
COOKIE, MAIL = ("cookie", "ck-1"), ("mail", "ann@example.com")


def after(days: float) -> int:
    return SEEN + round(days * DAY)


def visit(*identifiers: tuple[str, str], text: str = "", type: str = "page_viewed") -> Observation:
    return Interaction("web", type, SEEN, text=text, campaign="spring").observation(identifiers or (COOKIE, MAIL))


def test_a_statement_expires_as_a_whole_on_the_day_that_its_rule_says() -> None:
    # given
    expiry = rule(90, kind=FactKind.INTERACTION)
    retention = Retention((expiry,))
    # then
    assert retention.remainder(visit(), SEEN, after(90) - 1) == Remainder(visit())
    assert retention.remainder(visit(), SEEN, after(90)) == expiry
    assert retention.expires_at(visit(), SEEN) == (after(90), expiry)


def test_of_several_rules_the_shortest_counts() -> None:
    short, long = rule(30, source="web"), rule(90, party=Party.FIRST_PARTY)
    assert Retention((long, short)).expires_at(visit(), SEEN) == (after(30), short)


def test_a_rule_is_about_statements_that_meet_all_its_conditions() -> None:
    # given
    retention = Retention((rule(1, kind=FactKind.INTERACTION, source="web", party=Party.THIRD_PARTY),))
    # then
    assert retention.expires_at(visit(), SEEN) is None
    third = Interaction("web", "page_viewed", SEEN).observation((COOKIE,), Party.THIRD_PARTY)
    assert retention.expires_at(third, SEEN) is not None
    claimed = Interaction("web:claimed", "page_viewed", SEEN).observation((COOKIE,), Party.THIRD_PARTY)
    assert retention.expires_at(claimed, SEEN) is not None


def test_a_hold_is_longer_than_every_rule() -> None:
    # given
    hold = rule(3650, kind=FactKind.ORDER)
    retention = Retention((rule(90, party=Party.FIRST_PARTY),), (hold,))
    order = Order("A-1", "shop", SEEN, SEEN, "EUR", total=1).observation((MAIL,))  # type: ignore[arg-type]
    # then
    assert retention.remainder(order, SEEN, after(91)) == Remainder(order)
    assert retention.expires_at(order, SEEN) == (after(3650), hold)


def test_an_identifier_expires_alone_and_the_rest_is_kept() -> None:
    # given
    expiry = rule(395, namespace="cookie")
    # when
    left = Retention((expiry,)).remainder(visit(), SEEN, after(395))
    # then
    assert isinstance(left, Remainder)
    assert left.observation.identifiers == (MAIL,)
    assert left.identifiers == ((COOKIE, expiry),)
    assert left.observation.id == visit().digest
    assert left.observation.digest == visit(MAIL).digest


def test_a_statement_without_identifiers_expires_with_the_last_of_them() -> None:
    # given
    cookies, mails = rule(30, namespace="cookie"), rule(60, namespace="mail")
    retention = Retention((cookies, mails))
    # then
    assert isinstance(retention.remainder(visit(), SEEN, after(59)), Remainder)
    assert retention.expires_at(visit(), SEEN) == (after(60), mails)
    assert isinstance(retention.remainder(visit(), SEEN, after(60)), RetentionRule)


def test_what_must_be_kept_keeps_its_last_identifiers() -> None:
    retention = Retention((rule(30, namespace="cookie"),), (rule(60, kind=FactKind.INTERACTION),))
    assert retention.remainder(visit(COOKIE), SEEN, after(59)) == Remainder(visit(COOKIE))
    assert isinstance(retention.remainder(visit(COOKIE), SEEN, after(60)), RetentionRule)


def test_a_text_expires_alone() -> None:
    # given
    expiry = rule(180, text=True)
    # when
    left = Retention((expiry,)).remainder(visit(text="called about Ann's order"), SEEN, after(180))
    # then
    assert isinstance(left, Remainder)
    assert left.text == expiry
    assert left.observation.facts == visit().facts
    assert Retention((expiry,)).remainder(visit(), SEEN, after(180)) == Remainder(visit())


def test_an_order_that_lost_its_identifiers_does_not_keep_those_of_earlier_reports() -> None:
    # given
    order = Order("A-1", "shop", SEEN, SEEN, "EUR", total=1).observation((COOKIE,))  # type: ignore[arg-type]
    # when
    left = Retention((rule(30, namespace="cookie"),)).remainder(order, SEEN, after(30))
    # then
    assert isinstance(left, Remainder)
    assert left.observation.identifiers == (("order", "A-1"),)
    assert not keeps_identifiers(("order=A-1",), left.observation.facts)


def test_an_interaction_that_is_a_consent_decision_is_kept_as_one() -> None:
    # given
    retention = Retention((rule(90, kind=FactKind.INTERACTION),), decision_types=frozenset({"unsubscribed"}))
    # then
    assert retention.expires_at(visit(type="unsubscribed"), SEEN) is None
    assert retention.expires_at(visit(), SEEN) is not None


def test_a_label_says_what_a_rule_is_about_as_the_file_does() -> None:
    assert rule(90, party=Party.THIRD_PARTY, kind=FactKind.EXTERNAL_SEGMENT).label == (
        "kind external_segment, party third"
    )
    assert rule(1).label == "every statement"
    assert rule(1, text=True).label == "kind text"
    assert rule(1, kind=FactKind.NONE, source="crm").label == "kind observation, source crm"


RULES = st.builds(
    rule,
    st.integers(1, 5),
    party=st.sampled_from([None, *Party]),
    kind=st.sampled_from([None, FactKind.INTERACTION, FactKind.CONSENT]),
    source=st.sampled_from(["", "web", "shop"]),
    namespace=st.sampled_from(["", "cookie", "mail"]),
) | st.builds(rule, st.integers(1, 5), text=st.just(True))
RETENTIONS = st.builds(
    Retention,
    st.lists(RULES, max_size=4).map(tuple),
    st.lists(RULES, max_size=2).map(tuple),
    st.sampled_from([frozenset(), frozenset({"unsubscribed"})]),
)
OBSERVATIONS = st.builds(
    lambda source, type, text, identifiers, party: Interaction(source, type, SEEN, text=text).observation(
        tuple(identifiers), party
    ),
    st.sampled_from(["web", "shop:claimed"]),
    st.sampled_from(["page_viewed", "unsubscribed"]),
    st.sampled_from(["", "hello"]),
    st.lists(st.sampled_from([COOKIE, MAIL, ("phone", "1")]), min_size=1, unique=True),
    st.sampled_from(Party),
)
DAYS = st.integers(0, 6)


@given(RETENTIONS, OBSERVATIONS, DAYS)
def test_an_observation_may_be_kept_until_it_expires(retention: Retention, observation: Observation, day: int) -> None:
    expires = retention.expires_at(observation, SEEN)
    left = retention.remainder(observation, SEEN, after(day))
    assert isinstance(left, RetentionRule) == (expires is not None and expires[0] <= after(day))


@given(RETENTIONS, OBSERVATIONS, DAYS, DAYS)
def test_what_is_left_does_not_depend_on_when_it_was_looked_at_before(
    retention: Retention, observation: Observation, day: int, later: int
) -> None:
    # given
    first, last = sorted((day, later))
    left = retention.remainder(observation, SEEN, after(first))
    at_once = retention.remainder(observation, SEEN, after(last))
    # when
    in_steps = retention.remainder(left.observation, SEEN, after(last)) if isinstance(left, Remainder) else left
    # then
    assert isinstance(at_once, RetentionRule) == isinstance(in_steps, RetentionRule)
    if isinstance(at_once, Remainder) and isinstance(in_steps, Remainder):
        assert in_steps.observation.digest == at_once.observation.digest
        assert {observation.id or observation.digest} >= {in_steps.observation.id or observation.digest}


@given(RETENTIONS, OBSERVATIONS, DAYS)
def test_what_has_expired_meets_a_filter(retention: Retention, observation: Observation, day: int) -> None:
    # given
    left = retention.remainder(observation, SEEN, after(day))
    if isinstance(left, Remainder) and left.complete:
        return
    # then
    assert any(
        filter.before > SEEN
        and (not filter.kinds or observation.kind in filter.kinds)
        and (not filter.sources or observation.source in filter.sources)
        and filter.party in (None, observation.party)
        and (not filter.namespace or filter.namespace in dict(observation.identifiers))
        and (not filter.text or '"text"' in observation.facts)
        for filter in retention.filters(after(day))
    )
