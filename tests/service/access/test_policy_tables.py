"""The tables of access.toml about what is shown."""

import pytest

from graph.domain.access.policies import Policy
from graph.domain.model.errors import InvalidInput
from graph.domain.model.labels import Label
from service.access.access_file import parse
from service.access.budgets import DEFAULT_BUDGETS, Budget
from service.access.keys import viewer_of
from service.access.policy_tables import check_consents

POLICY = '[[policy]]\nlabel = "contact"\npurpose = "marketing"\nneeds_consent = "newsletter"\n'


def test_policies_and_labels_are_read() -> None:
    # when
    policies = parse(POLICY + '[labels.attributes]\ngender = ["sensitive"]\n').policies
    # then
    assert policies.policies == (Policy(Label.CONTACT, "marketing", "newsletter"),)
    assert policies.attributes["gender"] == {Label.SENSITIVE}
    assert policies.attributes["birth_date"] == {Label.DIRECT_IDENTIFIER}
    assert policies.namespaces["email"] == {Label.CONTACT}


def test_a_policy_needs_a_declared_consent() -> None:
    policies = parse(POLICY).policies
    check_consents(policies, ("newsletter",))
    with pytest.raises(InvalidInput, match=r"policy\.1\.needs_consent: 'newsletter' is not declared"):
        check_consents(policies, ("profiling",))


def test_a_till_sees_the_segments_for_clerks() -> None:
    # given
    roles = parse('clerk_segments = ["VIP"]\n').roles
    # when
    seen = {
        name: [segment for segment in ("VIP", "Other") if viewer_of("a", roles[name]).sees_segment(segment)]
        for name in ("till", "desk")
    }
    # then
    assert seen == {"till": ["VIP"], "desk": ["VIP", "Other"]}


def test_a_budget_replaces_that_of_its_role() -> None:
    # when
    budgets = parse("[budgets.till]\nper_minute = 5\nper_hour = 50\n").budgets
    # then
    assert budgets["till"] == Budget(5, 50, None, None)
    assert budgets["desk"] == DEFAULT_BUDGETS["desk"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (POLICY.replace("contact", "secret"), r"policy\.1\.label: .*not 'secret'"),
        ('[labels.namespaces]\nemail = ["secret"]\n', r"labels\.namespaces\.email\.1"),
        ("[budgets.king]\nper_minute = 5\nper_hour = 50\n", r"'king' is not a role"),
        ("[budgets.till]\nper_minute = 0\nper_hour = 50\n", r"budgets\.till\.per_minute"),
    ],
)
def test_a_wrong_value_is_named(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse(text)
