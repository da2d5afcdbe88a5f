"""Which addresses have another decision in effect, from the stored decisions and the receipts that changed."""

import pytest
from msgspec.structs import replace

from graph.domain.model.claims import claimed_source
from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.observations import Party
from graph.domain.model.receipts import ObservationStatus, Receipt
from graph.domain.profile.consent_changes import ConsentChanges
from graph.domain.profile.consents import EVERY_CHANNEL, ConsentStatement, Decision

ANN, CARD = "email=ann@example.com", "loyalty_card=7"
GIVEN, WITHDRAWN = Decision.GIVEN, Decision.WITHDRAWN


def receipt(
    decision: Decision,
    at: int,
    *keys: str,
    purpose: str = "newsletter",
    channel: str = EVERY_CHANNEL,
    source: str = "shop",
) -> Receipt:
    """The receipt of a decision."""
    statement = ConsentStatement(source, (), purpose, decision, channel, decided_at=at)
    named = keys or (ANN,)
    return Receipt(
        source,
        f"{source}-{purpose}-{at}",
        "digest",
        ObservationStatus.VALID,
        at,
        at,
        named,
        facts=statement.observation().facts,
        kind=FactKind.CONSENT.value,
        fact_holders=named,
    )


def stored(*receipts: Receipt) -> dict[str, list[Fact]]:
    """The decisions of receipts as a store returns them."""
    facts: dict[str, list[Fact]] = {ANN: [], CARD: []}
    for item in receipts:
        for key in item.fact_holders:
            facts[key].append(Fact(key, item.seen_at, item.source, item.id, Party.FIRST_PARTY, item.facts))
    return facts


def revoked(before: Receipt) -> Receipt:
    return replace(before, status=ObservationStatus.REVOKED)


def changed(
    before: list[Receipt], *transitions: tuple[Receipt | None, Receipt]
) -> list[tuple[str, tuple[str, ...], str]]:
    """The addresses, purposes and ids of the receipts that changed what counts."""
    found = ConsentChanges(transitions).found(stored(*before))
    return [(change.key, change.purposes, change.receipt.id) for change in found]


def test_a_first_decision_changes_consent_at_each_address() -> None:
    # given
    given = receipt(GIVEN, 5, ANN, CARD)
    # when, then
    assert changed([], (None, given)) == [(ANN, ("newsletter",), given.id), (CARD, ("newsletter",), given.id)]


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(receipt(WITHDRAWN, 3), id="an older decision"),
        pytest.param(receipt(GIVEN, 9), id="the same decision again"),
        pytest.param(receipt(GIVEN, 9, source=claimed_source("web")), id="consent for an address that is only claimed"),
        pytest.param(receipt(GIVEN, 9, channel="EMAIL"), id="the same decision for one channel"),
        pytest.param(revoked(receipt(WITHDRAWN, 9)), id="a decision that was revoked before it came"),
    ],
)
def test_a_decision_that_changes_nothing_of_what_counts_is_no_change(late: Receipt) -> None:
    assert changed([receipt(GIVEN, 5)], (None, late)) == []


def test_another_decision_for_one_channel_is_a_change() -> None:
    # given
    late = receipt(WITHDRAWN, 9, channel="EMAIL")
    # when, then
    assert changed([receipt(GIVEN, 5)], (None, late)) == [(ANN, ("newsletter",), late.id)]


def test_a_revoked_decision_lets_an_older_one_count_again() -> None:
    # given
    older, newer = receipt(GIVEN, 5), receipt(WITHDRAWN, 9)
    # when, then
    assert changed([older, newer], (newer, revoked(newer))) == [(ANN, ("newsletter",), newer.id)]
    assert changed([older, newer], (older, revoked(older))) == []
    assert changed([older], (older, revoked(older))) == [(ANN, ("newsletter",), older.id)]


def test_the_decision_in_effect_is_the_cause_among_several() -> None:
    # given: of three that arrive at once, the second is in effect
    arrived = [receipt(GIVEN, 5), receipt(WITHDRAWN, 9), receipt(GIVEN, 7)]
    # when, then
    assert changed([], *((None, item) for item in arrived)) == [(ANN, ("newsletter",), arrived[1].id)]


def test_all_purposes_of_an_address_are_one_change() -> None:
    # given
    arrived = [receipt(WITHDRAWN, 9, purpose=purpose) for purpose in ("newsletter", "personalized_offers")]
    # when
    ((key, purposes, _),) = changed([receipt(GIVEN, 5)], *((None, item) for item in arrived))
    # then
    assert (key, purposes) == (ANN, ("newsletter", "personalized_offers"))


def test_a_decision_that_is_normalized_otherwise_moves_to_another_address() -> None:
    # given
    before = receipt(GIVEN, 5)
    after = replace(before, keys=(CARD,), fact_holders=(CARD,))
    # when, then
    assert changed([before], (before, after)) == [(ANN, ("newsletter",), after.id), (CARD, ("newsletter",), after.id)]
    assert changed([before], (before, replace(before, rules_version=2))) == []


def test_receipts_of_other_kinds_are_of_no_interest() -> None:
    # given
    other = replace(receipt(GIVEN, 5), kind=FactKind.INTERACTION.value)
    # when, then
    assert ConsentChanges([(None, other)]).keys == []
