"""The counts of each store about guards, compared with the model in dictionaries."""

from hypothesis import given, settings

from graph.commands.commit import commit
from graph.domain.model.guarded_values import is_consistent
from graph.domain.model.links import LinkReasonCode, LinkState
from graph.domain.resolution.health import ClaimedIdentifier
from tests.builders.graphs import CountingIds, Graph, family_rules, observe, seen, stated
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.strategies import GUARDED_RULES, RULES, SETTINGS, batches


def expected_guarded(graph: Graph) -> list[ClaimedIdentifier]:
    claims: dict[str, set[object]] = {}
    for link in graph.store.links.values():
        if link.state is LinkState.SUSPENDED and link.reason.code is LinkReasonCode.GUARD:
            strong, weak = graph.rules.strong_first(*link.pair)
            claims.setdefault(weak, set()).add(graph.store.members[strong].customer)
    found = [ClaimedIdentifier(key, len(customers) + 1) for key, customers in claims.items()]
    return sorted(found, key=lambda identifier: (-identifier.customers, identifier.key))


def expected_contradictory(graph: Graph) -> list[str]:
    found = [
        (-sum(map(len, customer.value_sets.values())), customer.anchor.key)
        for customer in graph.store.customers.values()
        if customer.live and not is_consistent(customer.value_sets, graph.rules)
    ]
    return [key for _, key in sorted(found)]


@settings(SETTINGS, max_examples=30)
@given(sequence=batches)
def test_what_guards_suspend_and_what_contradicts_itself_is_found(fresh: Fresh, run: Run, sequence) -> None:
    # given
    store, model, ids = fresh(), Graph(GUARDED_RULES), CountingIds()
    for batch in sequence:
        model.do(*batch)
        run(store.write(lambda batch=batch: commit(batch, GUARDED_RULES, model.now, ids)))
    # when
    counts = run(store.health_counts(GUARDED_RULES, 100))
    # then
    assert list(counts.guarded) == expected_guarded(model)
    assert list(counts.contradictory_keys) == expected_contradictory(model)


def test_no_more_than_asked_for_are_returned_and_nothing_without_guards(fresh: Fresh, run: Run) -> None:
    # given: three families, the first of three, and three people with two logins of different people
    store, rules = fresh(), family_rules()
    sent = [stated("record=child0", birth_date="2015-01-01"), seen("record=child0", "mail=fam0", at=1)]
    for number in range(3):
        sent += [
            stated(f"record=a{number}", birth_date="1980-05-04"),
            stated(f"record=b{number}", birth_date="2010-11-23"),
            seen(f"record=a{number}", f"mail=fam{number}", at=2),
            seen(f"record=b{number}", f"mail=fam{number}", at=3),
            stated(f"record=c{number}", birth_date="1970-02-02"),
            stated(f"record=d{number}", birth_date="1999-12-31"),
            seen(f"record=c{number}", f"login={number}", at=4),
            seen(f"record=d{number}", f"login={number}", at=5),
        ]
    commands = [observe(observation, rules) for observation in sent]
    run(store.write(lambda: commit(commands, rules, 10**15, CountingIds())))
    # when
    counts, without = run(store.health_counts(rules, 2)), run(store.health_counts(RULES, 2))
    # then
    assert list(counts.guarded) == [ClaimedIdentifier("mail=fam0", 3), ClaimedIdentifier("mail=fam1", 2)]
    assert list(counts.contradictory_keys) == ["record=c0", "record=c1"]
    assert (list(without.guarded), list(without.contradictory_keys)) == ([], [])
