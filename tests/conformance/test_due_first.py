"""Customers whose data may no longer be used as before are evaluated before all others, even during an import."""

from collections.abc import Callable, Iterable

import pytest

from graph.commands.commit import commit
from graph.commands.restrictions import RestrictionControl
from graph.commands.write_gate import WriteGate
from graph.domain.model.dates import SECOND
from graph.domain.model.overrides import OverrideKind
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.profile.pages import ByKey, Selection
from graph.domain.resolution.preparation import Command
from graph.ports import Store
from tests.builders.graphs import (
    NOW,
    CountingIds,
    FixedClock,
    identifiers,
    observe,
    override,
    remove_override,
    revoke,
    seen,
    small_rules,
)
from tests.builders.runs import Run

RULES = small_rules()
Do = Callable[..., None]


@pytest.fixture
def do(store: Store, run: Run) -> Do:
    ids = CountingIds()

    def execute(*commands: Command) -> None:
        run(store.write(lambda: commit(commands, RULES, NOW, ids)))

    return execute


def decided(key: str, decision: Decision, at: int, id: str = "") -> Command:
    statement = ConsentStatement("shop", identifiers([key]), "newsletter", decision, id=id, decided_at=at * SECOND)
    return observe(statement.observation(), RULES)


def saw(*keys: str, at: int = 1) -> Command:
    return observe(seen(*keys, at=at), RULES)


def imported(at: int = 1) -> Iterable[Command]:
    """What a file says of many customers, among them all of these tests."""
    return (saw(f"crm={name}", at=at) for name in "abcdefgh")


def holder(store: Store, run: Run, key: str) -> str:
    (view,) = run(store.customers([ByKey(key)], Selection()))
    return view.customer.id


def first_due(store: Store, run: Run) -> list[str]:
    """The customers that are due before those that are due now, and whether these come after them."""
    before, now = run(store.due_for_segmentation(-1, 100)), run(store.due_for_segmentation(NOW, 100))
    assert now[: len(before)] == before
    assert len(now) > len(before)
    return before


def test_a_changed_consent_is_due_before_an_import_whatever_else_is_written(store: Store, run: Run, do: Do) -> None:
    # given
    do(*imported())
    do(decided("crm=c", Decision.GIVEN, 1))
    # when: more is imported about the same customer, and something that changes no consent
    do(*imported(at=2))
    do(saw("crm=c", "mail=c"), decided("crm=b", Decision.WITHDRAWN, 5), decided("crm=d", Decision.WITHDRAWN, 5))
    do(decided("crm=e", Decision.GIVEN, 5), decided("crm=e", Decision.GIVEN, 4))
    # then
    expected = {holder(store, run, f"crm={name}") for name in "bcde"}
    assert set(first_due(store, run)) == expected


def test_a_customer_that_merges_makes_the_survivor_due_before_others(store: Store, run: Run, do: Do) -> None:
    # given: consent changes at a customer that has fewer identifiers than the one it merges with, and at one with more
    do(*imported(), saw("crm=a", "phone=a"), saw("mail=b"), saw("mail=c", "phone=c"))
    do(decided("mail=b", Decision.WITHDRAWN, 1, "first"), decided("mail=c", Decision.WITHDRAWN, 1, "second"))
    # when
    do(saw("crm=a", "mail=b", at=3))
    do(saw("crm=c", "mail=c", at=3))
    # then
    assert holder(store, run, "crm=a") == holder(store, run, "mail=b")
    assert {holder(store, run, key) for key in ("crm=a", "crm=c")} <= set(first_due(store, run))


def test_a_revoked_decision_and_a_block_are_due_before_others(store: Store, run: Run, do: Do) -> None:
    # given: all that was due is evaluated
    do(*imported(), saw("crm=b", "mail=b"), decided("crm=a", Decision.GIVEN, 1, "first"))
    block = override(OverrideKind.BLOCKED, "mail=b")
    b = holder(store, run, "mail=b")
    # when, then
    do(revoke("first"))
    assert holder(store, run, "crm=a") in first_due(store, run)
    do(block)
    assert b in first_due(store, run)
    do(remove_override(block.override.id))
    assert holder(store, run, "mail=b") in first_due(store, run)


def test_a_restriction_and_its_end_are_due_before_others(store: Store, run: Run, do: Do) -> None:
    # given
    do(*imported())
    control = RestrictionControl(store, FixedClock(), CountingIds(), WriteGate(), lambda: RULES, lambda: None)
    # when
    restriction = run(control.restrict(ByKey("crm=c"), "dpo", "wrong address")).restriction
    # then
    assert first_due(store, run) == [holder(store, run, "crm=c")]
    do(*imported(at=3))
    run(control.lift(restriction.id, "dpo", "corrected"))
    assert first_due(store, run) == [holder(store, run, "crm=c")]
