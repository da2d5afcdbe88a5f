"""Budgets of look-ups: distinct subjects and misses of callers and addresses, over windows that slide."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.domain.access.lookup_budget import UNLIMITED, LookupBudget
from graph.domain.access.roles import ROLES
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.errors import TooManyLookups
from service.access import budgets as module
from service.access.budgets import DEFAULT_BUDGETS, HOUR, MINUTE, Budget, LookupBudgets
from service.access.keys import viewer_of
from service.observability.metrics import Metrics

SMALL = Budget(per_minute=3, per_hour=5, misses_per_hour=2, callers_per_address=2)


class Shop:
    """Budgets with a clock that a test sets."""

    def __init__(self, budget: Budget = SMALL, role: str = "till") -> None:
        self.time = 0.0
        self.role = role
        self.metrics = Metrics()
        self.budgets = LookupBudgets({role: budget}, self.metrics, lambda: self.time)

    def of(self, caller: str = "till-1", address: str = "", role: str = "") -> LookupBudget:
        return self.budgets.of(viewer_of(caller, ROLES[role or self.role]), address)

    def wait(self, *subjects: str, caller: str = "till-1", address: str = "") -> int:
        """Spend look-ups; return the seconds to wait, 0 if they were counted."""
        try:
            self.of(caller, address).spend(subjects)
        except TooManyLookups as refused:
            return refused.retry_after
        return 0

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"role": self.role} | labels)


def test_a_caller_has_a_budget_a_minute_and_an_hour() -> None:
    shop = Shop()
    # a minute
    assert [shop.wait(subject) for subject in "abc"] == [0, 0, 0]
    assert shop.wait("d") == MINUTE
    shop.time = 59.5
    assert shop.wait("d") == 1
    shop.time = MINUTE
    assert [shop.wait("d"), shop.wait("e")] == [0, 0]
    # an hour
    shop.time = 2 * MINUTE
    assert shop.wait("f") == HOUR - 2 * MINUTE
    shop.time = HOUR
    assert [shop.wait("f"), shop.wait("g"), shop.wait("h"), shop.wait("i")] == [0, 0, 0, MINUTE]


def test_a_subject_counts_once_an_hour_and_stays_available() -> None:
    # given a caller that has used up its minute
    shop = Shop()
    assert [shop.wait("a"), shop.wait("b", "b", "c")] == [0, 0]
    # then what it has looked up is still answered, and nothing beside it
    assert [shop.wait("a"), shop.wait("b", "c"), shop.wait("c", "d")] == [0, 0, MINUTE]
    # and repeating does not prolong anything
    shop.time = HOUR
    assert [shop.wait("c"), shop.wait("d"), shop.wait("e"), shop.wait("f")] == [0, 0, 0, MINUTE]


def test_look_ups_are_counted_together_or_not_at_all() -> None:
    shop = Shop()
    assert shop.wait("a", "b", "c", "d") == MINUTE
    assert shop.wait("a", "b", "c") == 0
    with pytest.raises(TooManyLookups, match=r"^4 look-ups at once: the role till may look up 3 customers a minute$"):
        shop.of().spend(["w", "x", "y", "z"])
    with pytest.raises(
        TooManyLookups, match="3 customers a minute and 5 an hour, of which 2 may find nobody"
    ) as refused:
        shop.of().spend(["secret"])
    assert "secret" not in refused.value.message


def test_callers_do_not_share_a_budget_but_an_address_is_counted() -> None:
    # given an address that may look up as much as two callers
    shop = Shop()
    for caller in ("till-1", "till-2"):
        assert shop.wait(*(f"{caller} {n}" for n in range(3)), caller=caller, address="203.0.113.7") == 0
    # then a third caller there has nothing left, elsewhere it has
    assert shop.wait("x", caller="till-3", address="203.0.113.7") == MINUTE
    assert shop.wait("x", caller="till-3", address="203.0.113.8") == 0
    # and the address counts a subject once, too
    assert shop.wait("till-1 0", caller="till-4", address="203.0.113.7") == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "", "<script>"])
def test_a_proxy_on_this_machine_is_not_an_address(address: str) -> None:
    # given
    shop = Shop()
    # when more callers look up than one address may
    waits = [shop.wait(*(f"{caller} {n}" for n in range(3)), caller=caller, address=address) for caller in "abc"]
    # then
    assert waits == [0, 0, 0]


def test_misses_have_a_budget_of_their_own() -> None:
    # given
    shop = Shop()
    operation = shop.of()
    operation.spend(["a", "b"])
    operation.missed(2)
    # then nobody new is looked up until the oldest miss is an hour old
    assert [shop.wait("c"), shop.wait("a")] == [HOUR, 0]
    shop.time = HOUR
    assert shop.wait("c") == 0


def test_repeating_a_miss_is_not_another_one() -> None:
    # given
    shop = Shop()
    for _ in range(5):
        operation = shop.of()
        operation.spend(["a"])
        operation.missed(1)
    # then
    assert shop.wait("b") == 0
    assert shop.value("kith_lookups_missed_total") == 1


def test_a_caller_is_reported_once_an_hour_and_without_values(caplog: pytest.LogCaptureFixture) -> None:
    # given
    caplog.set_level(logging.WARNING)
    shop = Shop()
    # when
    for number in range(20):
        shop.wait(f"phone:+49{number}")
    # then
    assert [record.getMessage() for record in caplog.records] == [
        "till-1 (role till) has used up its look-ups: it may be trying what exists"
    ]
    assert shop.value("kith_lookups_total") == 3
    assert shop.value("kith_lookups_refused_total") == 17
    assert shop.value("kith_lookup_alarms_total", reason="budget") == 1
    # and again in the next hour
    shop.time = HOUR
    for number in range(20):
        shop.wait(f"phone:+48{number}")
    assert (len(caplog.records), shop.value("kith_lookup_alarms_total", reason="budget")) == (2, 2)


def test_a_caller_that_finds_nobody_is_reported_before_its_budget_ends(caplog: pytest.LogCaptureFixture) -> None:
    # given a caller that finds four of five, and one that finds three of four
    caplog.set_level(logging.WARNING)
    shop = Shop(Budget(1_000, 1_000, 1_000))
    for caller, every in (("honest", 5), ("curious", 4)):
        for number in range(200):
            operation = shop.of(caller)
            operation.spend([str(number)])
            operation.missed(int(number % every == every - 1))
    # then
    assert [record.getMessage() for record in caplog.records] == [
        "curious (role till) finds nobody with many of its look-ups: it may be trying what exists"
    ]
    assert shop.value("kith_lookup_alarms_total", reason="misses") == 1


def test_a_role_without_a_budget_has_no_limit() -> None:
    assert {role for role in ROLES if Shop().of(role=role) is UNLIMITED} == set(ROLES) - {"till"}
    assert set(ROLES) - set(DEFAULT_BUDGETS) == {"feed", "ingest", "admin", "developer"}


@pytest.mark.parametrize(
    ("reach", "like"), [(Reach.HELD, "till"), (Reach.FOUND, "desk"), (Reach.ANY, "steward"), (Reach.IDS, None)]
)
def test_a_role_of_ones_own_has_the_budget_of_a_role_with_its_reach(reach: Reach, like: str | None) -> None:
    # given
    viewer = replace(viewer_of("caller", ROLES["till"]), role="branch", reach=reach)
    budget = LookupBudgets(now=lambda: 0.0).of(viewer, "")
    # then
    if like is None:
        assert budget is UNLIMITED
        return
    limit = DEFAULT_BUDGETS[like].per_minute
    budget.spend([str(number) for number in range(limit)])
    with pytest.raises(TooManyLookups):
        budget.spend(["one more"])


def test_a_storefront_has_the_budget_of_its_user_or_that_of_visitors() -> None:
    # given
    budgets = LookupBudgets(now=lambda: 0.0)
    visitor = viewer_of("shop", ROLES["storefront"])
    user: Viewer = replace(visitor, subject="login:anna")
    subjects = [str(number) for number in range(DEFAULT_BUDGETS["storefront"].per_minute + 1)]
    # then
    budgets.of(visitor, "").spend(subjects)
    with pytest.raises(TooManyLookups):
        budgets.of(user, "").spend(subjects)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setattr(module, "MAX_WINDOWS", 10)
    monkeypatch.setattr(module, "MAX_REMEMBERED", 12)
    shop = Shop()
    # when
    for number in range(50):
        shop.wait(f"{number} a", f"{number} b", caller=f"till-{number}", address=f"203.0.113.{number}")
    # then the newest are remembered
    assert shop.budgets.remembered <= 12
    assert shop.wait("x", "y", caller="till-49", address="203.0.113.49") == MINUTE
    assert shop.wait("x", "y", caller="till-0", address="203.0.113.0") == 0


@given(st.lists(st.tuples(st.integers(0, 900), st.lists(st.integers(0, 30), max_size=4)), max_size=60))
def test_no_window_ever_holds_more_than_the_budget(requests: list[tuple[int, list[int]]]) -> None:
    # given
    shop = Shop()
    counted: list[tuple[float, int]] = []
    for pause, subjects in requests:
        shop.time += pause
        known = {subject for time, subject in counted if time > shop.time - HOUR}
        new = set(subjects) - known
        # when
        wait = shop.wait(*map(str, subjects))
        # then
        recent = sum(time > shop.time - MINUTE for time, _ in counted)
        assert (wait == 0) == (not new or (recent + len(new) <= 3 and len(known) + len(new) <= 5))
        if wait == 0:
            counted += [(shop.time, subject) for subject in new]
    assert shop.budgets.remembered <= 5
