"""What a source revocation covers."""

import pytest

from graph.domain.model.receipts import Receipt
from graph.domain.model.source_revocations import is_covered, is_refusal
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.resolution.preparation import prepare, receipt_of
from tests.builders.graphs import NOW, identifiers, observe, revoke, seen, small_rules
from tests.builders.source_revocations import received, source_revocation

RULES = small_rules()


def receipt(at: float = 0, source: str = "shop") -> Receipt:
    """An observation that arrived `at` seconds after `NOW`."""
    return receipt_of(received(observe(seen("crm=a", source=source), RULES), NOW + round(at * 1_000_000)))


def decision(decision: Decision) -> Receipt:
    statement = ConsentStatement("shop", identifiers(["mail=A"]), "newsletter", decision)
    return receipt_of(prepare(statement.observation(), RULES, NOW))


@pytest.mark.parametrize(
    ("at", "source", "covered"),
    [
        (-0.000001, "shop", False),
        (0, "shop", True),
        (9.999999, "shop", True),
        (10, "shop", False),
        (5, "till", False),
    ],
)
def test_a_window_begins_with_its_first_moment_and_ends_before_its_last(at: float, source: str, covered: bool) -> None:
    assert source_revocation(recorded_from=0, recorded_to=10).covers(receipt(at, source)) is covered


def test_without_a_beginning_everything_before_the_end_is_covered() -> None:
    assert source_revocation(recorded_to=10).covers(receipt(-1e9))


@pytest.mark.parametrize("said", [Decision.REFUSED, Decision.WITHDRAWN])
def test_a_consent_decision_that_says_no_is_covered_only_if_refusals_are_included(said: Decision) -> None:
    # given
    no = decision(said)
    # then
    assert is_refusal(no)
    assert not source_revocation(recorded_to=10, include_refusals=False).covers(no)
    assert source_revocation(recorded_to=10, include_refusals=True).covers(no)


def test_a_consent_that_was_given_is_covered() -> None:
    assert not is_refusal(decision(Decision.GIVEN))
    assert source_revocation(recorded_to=10, include_refusals=False).covers(decision(Decision.GIVEN))


def test_an_observation_that_has_not_arrived_is_not_covered() -> None:
    # given
    early = Receipt("shop", revoke("1").id, "", receipt().status, NOW)
    # then
    assert is_covered(receipt(), [source_revocation(recorded_to=10)])
    assert not is_covered(early, [source_revocation(recorded_to=10)])
