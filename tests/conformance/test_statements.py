"""What sources stated about identifiers, whatever became of it, on each store."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.commands.commit import commit
from graph.commands.rules_rollout import RulesRollout, active_rules
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import ObservationStatus, Receipt
from graph.domain.model.rules import Rules
from graph.domain.resolution.erased import named_keys
from graph.domain.resolution.preparation import Command
from graph.ports import Store
from tests.builders.graphs import NOW, CountingIds, FixedClock, observe, revoke, seen, small_rules, stated
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.strategies import KEYS, OTHER_RULES, SETTINGS, batches

RULES = small_rules()


def write(store: Store, run: Run, *commands: Command) -> None:
    run(store.write(lambda: commit(commands, RULES, NOW, CountingIds())))


def naming(store: Store, run: Run, *keys: str, page: int = 100, rules: Rules = RULES) -> list[Receipt]:
    """The receipts that name any of the keys, read in pages."""
    found: list[Receipt] = []
    while receipts := run(store.statements_naming(keys, found[-1].key if found else None, page)):
        found += receipts
    return [receipt for receipt in found if not keys_named(receipt, rules).isdisjoint(keys)]


def keys_named(receipt: Receipt, rules: Rules) -> set[str]:
    """The identifiers that an observation names, also if the rules reject it as a whole."""
    return set(named_keys(Observation.from_sent(*receipt.key, receipt.sent), rules)) if receipt.sent else set()


def ids(receipts: Sequence[Receipt]) -> list[str]:
    return [receipt.id for receipt in receipts]


def test_the_statements_that_name_an_identifier_are_found_in_pages(store: Store, run: Run) -> None:
    # given
    observations = [
        seen("crm=a", "mail=A", id="1"),
        seen("mail=A", id="2", source="till"),
        seen("mail=B", id="3"),
        seen("crm=a", id="4"),
        stated("mail=A", "phone=1", id="5", name="Ann"),
    ]
    write(store, run, *(observe(observation, RULES) for observation in observations))
    # then: each once, by source and id, and those of facts with the identifiers that these are attached to
    for page in (1, 2, 100):
        found = naming(store, run, "mail=A", "crm=a", page=page)
        assert ids(found) == ["1", "4", "5", "2"]
        assert found[2].fact_holders == ("mail=A",)
    assert naming(store, run, "mail=nobody") == []
    assert naming(store, run) == []


def test_a_revoked_statement_is_found(store: Store, run: Run) -> None:
    # given
    write(store, run, observe(seen("mail=A", "cookie=x", id="1"), RULES), revoke("1"))
    write(store, run, observe(seen("mail=B", id="2"), RULES))
    write(store, run, revoke("2"))
    # then
    assert [receipt.status for receipt in naming(store, run, "mail=A", "mail=B")] == [ObservationStatus.REVOKED] * 2


def test_a_statement_that_was_revoked_before_it_arrived_is_found(store: Store, run: Run) -> None:
    # given: no identifier of it is stored when it arrives
    write(store, run, revoke("1"), revoke("2"))
    write(store, run, observe(seen("mail=A", id="1"), RULES))
    # when: another statement names the identifier later
    write(store, run, observe(seen("mail=A", "crm=a", id="3"), RULES))
    # then: a revocation of what never came names nobody
    assert ids(naming(store, run, "mail=A", page=1)) == ["1", "3"]


def test_a_statement_that_the_rules_reject_is_found_by_what_it_names(store: Store, run: Run) -> None:
    # given: two customer numbers, of which a customer has one
    write(store, run, observe(seen("crm=a", "crm=b", "mail=A", id="1"), RULES))
    # then
    (receipt,) = naming(store, run, "mail=A")
    assert (receipt.status, receipt.keys) == (ObservationStatus.INACTIVE, ())
    assert naming(store, run, "mail=B") == []


@settings(SETTINGS, max_examples=15)
@given(sequence=batches, new=st.sampled_from(OTHER_RULES))
def test_no_statement_is_missed_whatever_was_done(
    fresh: Fresh, run: Run, sequence: list[list[Command]], new: Rules
) -> None:
    # given
    store, ids = fresh(), CountingIds()
    run(store.save_rules("old", 0, NOW))
    for at, batch in enumerate(sequence):
        run(store.write(lambda batch=batch, at=at: commit(batch, RULES, NOW + at, ids, 1)))
    check_all(store, run, RULES)
    # when: other rules reject what counted, and accept what they rejected
    run(store.save_rules("new", 1, NOW))
    assert run(RulesRollout(store, FixedClock(), ids, active_rules(new, RULES, 2), run(store.rules())[0]).run())
    # then
    check_all(store, run, new)


def check_all(store: Store, run: Run, rules: Rules) -> None:
    """Compare what is found by each identifier with all that is stored."""
    every = run(store.receipts(None, 1_000))
    for key in KEYS:
        expected = [receipt.key for receipt in every if key in keys_named(receipt, rules)]
        assert [receipt.key for receipt in naming(store, run, key, rules=rules)] == expected
    # and what no identifier leads to is what does not count
    for receipt in run(store.statements_naming((), None, 1_000)):
        assert receipt.status is not ObservationStatus.VALID
