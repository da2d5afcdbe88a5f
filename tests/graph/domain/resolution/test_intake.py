"""Which observations start or stop counting as commands arrive again, late or in another order."""

from decimal import Decimal

from msgspec.structs import replace

from graph.domain.model.changes import CauseType
from graph.domain.model.dates import SECOND
from graph.domain.model.errors import Problem
from graph.domain.model.observations import Observation
from graph.domain.model.orders import Order
from graph.domain.model.receipts import ObservationKey, ObservationStatus, Receipt
from graph.domain.model.rules import NamespaceRule, Rules
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.profile.interactions import Interaction
from graph.domain.resolution.intake import Intake, IntakeResult
from graph.domain.resolution.preparation import Observe, Revoke, prepare, receipt_of
from tests.builders.graphs import NOW, identifiers, observe, revoke, seen, small_rules
from tests.builders.source_revocations import source_revocation

RULES = small_rules()


def stored(*commands: Observe) -> dict[ObservationKey, Receipt]:
    """The receipts of observations that arrived before."""
    return {command.key: receipt_of(command) for command in commands}


def order_command(number: str, reported: int, total: int = 1, placed: int = 5) -> Observe:
    """A shop's report of an order of `crm=a`; times in seconds."""
    order = Order(number, "shop", placed * SECOND, reported * SECOND, "EUR", Decimal(total))
    return prepare(order.observation(identifiers(["crm=a"])), RULES, NOW)


def test_a_new_observation_starts_to_count() -> None:
    # given
    intake, command = Intake({}), observe(seen("mail=A", "crm=a", id="1", at=5), RULES)
    # when
    result = intake.observe(command)
    # then
    assert result == IntakeResult(("shop", "1"), ("crm=a", "mail=A"), (), duplicate=False)
    delta = intake.delta()
    assert [statement.keys for statement in delta.added] == [("crm=a", "mail=A")]
    assert list(delta.withdrawn) == []
    assert [(receipt.status, receipt.seen_at, receipt.received_at) for receipt in intake.changed] == [
        (ObservationStatus.VALID, 5 * SECOND, NOW)
    ]


def test_a_duplicate_observation_changes_nothing() -> None:
    # given
    command = observe(seen("crm=a", "mail=A", id="1"), RULES)
    intake = Intake(stored(command))
    # when
    result = intake.observe(command)
    # then
    assert isinstance(result, IntakeResult)
    assert result.duplicate
    assert (list(intake.delta().added), intake.changed) == ([], [])


def test_another_observation_with_an_existing_id_is_rejected() -> None:
    # given
    intake = Intake(stored(observe(seen("crm=a", id="1"), RULES)))
    # when
    problem = intake.observe(observe(seen("crm=b", id="1"), RULES))
    # then
    assert isinstance(problem, Problem)
    assert (problem.code, problem.path) == ("ID_CONFLICT", ("id",))
    assert problem.message == "observation '1' of source 'shop' already exists with other content"
    assert intake.changed == []


def test_an_observation_over_a_limit_is_stored_as_inactive_and_one_with_an_unknown_namespace_is_not_stored() -> None:
    # given
    intake = Intake({})
    # when
    over_limit = intake.observe(observe(seen("crm=a", "crm=b", id="1"), RULES))
    unknown = intake.observe(observe(Observation("shop", (("fax", "1"),), "2"), RULES))
    # then
    assert isinstance(over_limit, Problem)
    assert isinstance(unknown, Problem)
    assert (over_limit.code, unknown.code) == ("NAMESPACE_LIMIT_EXCEEDED", "UNKNOWN_NAMESPACE")
    assert list(intake.delta().added) == []
    assert [(receipt.id, receipt.status) for receipt in intake.changed] == [("1", ObservationStatus.INACTIVE)]


def test_a_revocation_holds_if_its_observation_arrives_later() -> None:
    # given
    intake = Intake({})
    # when
    found = intake.revoke(revoke("1"))
    result = intake.observe(observe(seen("crm=a", id="1"), RULES))
    # then
    assert found is False
    assert isinstance(result, IntakeResult)
    assert not result.duplicate
    assert intake.status(("shop", "1")) is ObservationStatus.REVOKED
    assert list(intake.delta().added) == []


def test_a_revocation_withdraws_a_statement_and_records_the_actor() -> None:
    # given
    intake = Intake(stored(observe(seen("crm=a", "mail=A", id="1"), RULES)))
    # when
    first = intake.revoke(revoke("1"))
    second = intake.revoke(Revoke("shop", "1", NOW, "somebody later"))
    # then
    assert first is second is True
    delta = intake.delta()
    assert [statement.keys for statement in delta.withdrawn] == [("crm=a", "mail=A")]
    assert [(key, cause.type, cause.actor) for key, cause in delta.causes.items()] == [
        (("shop", "1"), CauseType.REVOCATION, "tester")
    ]


def test_the_newest_report_of_an_order_counts_whatever_arrives_first() -> None:
    older, newer = order_command("7", reported=1, total=1), order_command("7", reported=2, total=2)
    for first, second in ((older, newer), (newer, older)):
        # given
        intake = Intake(stored(first))
        # when
        intake.observe(second)
        # then: the evidence is the same, so resolution has nothing to do
        delta = intake.delta()
        assert (list(delta.added), list(delta.withdrawn)) == ([], [])
        order = delta.orders["order=7"]
        assert order is not None
        assert order.total == Decimal(2)
        assert intake.status(newer.key) is ObservationStatus.VALID
        assert intake.status(older.key) is ObservationStatus.SUPERSEDED


def test_a_report_with_another_time_of_placing_replaces_the_evidence() -> None:
    # given
    intake = Intake(stored(order_command("7", reported=1, placed=5)))
    # when
    intake.observe(order_command("7", reported=2, placed=4))
    # then
    delta = intake.delta()
    assert [statement.seen_at for statement in delta.added] == [4 * SECOND]
    assert [statement.seen_at for statement in delta.withdrawn] == [5 * SECOND]


def test_interactions_are_counted_at_the_strongest_identifier_until_they_are_revoked() -> None:
    # given
    interaction = Interaction("web", "product_added", 5 * SECOND, "i1")
    command = prepare(interaction.observation(identifiers(["cookie=x", "mail=A"])), RULES, NOW)
    intake, later = Intake({}), Intake(stored(command))
    # when
    intake.observe(command)
    later.revoke(revoke("i1", "web"))
    # then
    assert intake.delta().interaction_counts == {"mail=A": {"did product_added": 1}}
    assert later.delta().interaction_counts == {"mail=A": {"did product_added": -1}}


def test_reprocessed_observations_are_withdrawn_and_added_again() -> None:
    # given: two CRM numbers in one observation, and rules that allow a customer two
    rejected, fine = observe(seen("crm=a", "crm=b", id="1"), RULES), observe(seen("crm=a", id="2"), RULES)
    new = Rules((NamespaceRule("crm", limit=2), *RULES.namespaces[1:]), RULES.min_confidence)
    intake, unchanged = Intake(stored(rejected, fine)), Intake(stored(fine))
    # when
    for id in ("1", "2"):
        intake.reprocess(("shop", id), new, 3)
    unchanged.reprocess(("shop", "2"), new, 3)
    # then
    delta = intake.delta()
    assert [statement.keys for statement in delta.added] == [("crm=a", "crm=b"), ("crm=a",)]
    assert [statement.keys for statement in delta.withdrawn] == [("crm=a",)]
    assert {receipt.id: (receipt.status, receipt.rules_version) for receipt in intake.changed} == {
        "1": (ObservationStatus.VALID, 3),
        "2": (ObservationStatus.VALID, 3),
    }
    # and statements that have not changed need not be applied again
    delta = unchanged.delta(reapply=False)
    assert (list(delta.added), [statement.id for statement in delta.unchanged]) == ([], ["2"])


def unsubscribed(id: str = "u-1", text: str = "", channel: str = "EMAIL") -> Observe:
    """An interaction of `crm=a` and `mail=A` with the decision that follows from it, which is about `mail=A`."""
    own = observe(
        Interaction("shop", "unsubscribed", 5 * SECOND, id, text=text).observation(identifiers(["crm=a", "mail=A"])),
        RULES,
    )
    decision = ConsentStatement(
        "shop",
        identifiers(["mail=A"]),
        "newsletter",
        Decision.WITHDRAWN,
        channel,
        id=f"{id}:consent:newsletter",
        decided_at=5 * SECOND,
    )
    return replace(own, derived=(observe(decision.observation(), RULES),))


REVOKE_ALL = Revoke("shop", "u-1", NOW, "tester", ("u-1:consent:newsletter", "u-1:consent:profiling"))


def statuses(intake: Intake) -> dict[str, ObservationStatus]:
    return {receipt.id: receipt.status for receipt in intake.changed}


def test_an_interaction_and_its_decision_start_to_count_together_and_a_repeat_changes_nothing() -> None:
    # given
    intake = Intake({})
    # when
    first, repeated = intake.observe(unsubscribed()), intake.observe(unsubscribed())
    # then
    assert isinstance(first, IntakeResult)
    assert isinstance(repeated, IntakeResult)
    assert (first.key, first.duplicate, repeated.duplicate) == (("shop", "u-1"), False, True)
    assert [(receipt.id, receipt.keys, receipt.fact_holders) for receipt in intake.changed] == [
        ("u-1", ("crm=a", "mail=A"), ("crm=a",)),
        ("u-1:consent:newsletter", ("mail=A",), ("mail=A",)),
    ]


def test_a_repeat_adds_a_decision_that_is_missing_and_leaves_one_that_is_stored() -> None:
    # given: an interaction that was recorded before it was declared to be a decision
    command = unsubscribed()
    intake = Intake(stored(command))
    # when
    result = intake.observe(command)
    # then
    assert isinstance(result, IntakeResult)
    assert result.duplicate
    assert statuses(intake) == {"u-1:consent:newsletter": ObservationStatus.VALID}
    # when: the declaration names another channel now
    intake = Intake(stored(command, *command.derived))
    result = intake.observe(unsubscribed(channel="SMS"))
    # then
    assert isinstance(result, IntakeResult)
    assert intake.changed == []


def test_an_interaction_is_rejected_if_another_observation_has_the_id_of_its_decision() -> None:
    # given
    intake = Intake(stored(observe(seen("mail=A", id="u-1:consent:newsletter"), RULES)))
    # when
    problem = intake.observe(unsubscribed())
    # then
    assert isinstance(problem, Problem)
    assert problem.code == "ID_CONFLICT"
    assert intake.changed == []


def test_nothing_follows_from_an_interaction_that_is_rejected() -> None:
    # given
    command = unsubscribed()
    over_limit = Observation("shop", identifiers(["crm=a", "crm=b", "mail=A"]), "u-1", kind="interaction", facts="{}")
    intake = Intake({})
    # when
    problem = intake.observe(replace(observe(over_limit, RULES), derived=command.derived))
    # then
    assert isinstance(problem, Problem)
    assert statuses(intake) == {"u-1": ObservationStatus.INACTIVE}


def test_the_decision_of_an_interaction_is_revoked_with_it() -> None:
    # given
    command = unsubscribed()
    intake = Intake(stored(command, *command.derived))
    # when
    found = intake.revoke(REVOKE_ALL)
    # then
    assert found
    assert statuses(intake) == dict.fromkeys(["u-1", "u-1:consent:newsletter"], ObservationStatus.REVOKED)
    assert {cause.actor for cause in intake.delta().causes.values()} == {"tester"}


def test_the_decision_of_an_interaction_that_was_revoked_before_it_arrived_does_not_count() -> None:
    # given
    intake = Intake({})
    # when
    found = intake.revoke(REVOKE_ALL)
    result = intake.observe(unsubscribed())
    # then
    assert not found
    assert isinstance(result, IntakeResult)
    assert statuses(intake) == dict.fromkeys(["u-1", "u-1:consent:newsletter"], ObservationStatus.REVOKED)
    assert list(intake.delta().added) == []


def test_revoking_another_observation_revokes_no_decision() -> None:
    # given: an observation whose id begins that of an unrelated decision
    decision = unsubscribed().derived[0]
    intake = Intake(stored(observe(seen("mail=A", id="u-1"), RULES), decision))
    # when
    intake.revoke(REVOKE_ALL)
    # then
    assert statuses(intake) == {"u-1": ObservationStatus.REVOKED}


def test_a_decision_that_a_repeat_adds_is_covered_by_the_revocation_of_the_source_as_its_interaction_is() -> None:
    # given: the interaction arrived in the window, and the repeat after it
    interaction = Interaction("shop", "preferences_saved", 5 * SECOND, "7")
    decision = ConsentStatement(
        "shop", identifiers(["mail=A"]), "newsletter", Decision.GIVEN, id="7:consent:newsletter"
    )
    first = prepare(interaction.observation(identifiers(["mail=A"])), RULES, NOW)
    derived = prepare(decision.observation(), RULES, NOW + 20 * SECOND)
    intake = Intake(stored(first), [source_revocation(recorded_to=10)])
    # when
    intake.observe(replace(first, received_at=NOW + 20 * SECOND, derived=(derived,)))
    # then
    assert intake.status(derived.key) is ObservationStatus.SOURCE_REVOKED
