"""What every store finds of what has expired, and a run over it: the same graph as the model's."""

from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.commands.commit import commit
from graph.commands.expire import Removed, expire, expired_of, remove_names
from graph.commands.rules_rollout import ActiveRules
from graph.domain.model.dates import DAY, SECOND
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import Party
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.retention import Retention
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.resolution.preparation import Command, prepare
from graph.ports import Store
from tests.builders.graphs import NOW, CountingIds, Graph, identifiers, observe, revoke, seen
from tests.builders.retention import rule
from tests.builders.runs import Run
from tests.builders.store_contents import comparable, comparable_receipt, read_all
from tests.builders.stores import Fresh
from tests.builders.strategies import KEYS, RULES, SETTINGS, batches

NAMES = st.sampled_from(["", "mail", "cookie", "crm"])
BIRTH_DATE = AttributesStatement("crm", identifiers(["crm=a"]), {"birth_date": None}, "1", reported_at=0)
retentions = st.lists(
    st.builds(
        rule,
        st.just(1),
        namespace=NAMES,
        kind=st.sampled_from([None, *FactKind]),
        party=st.sampled_from([None, *Party]),
        source=st.sampled_from(["", "shop", "till"]),
    ),
    min_size=1,
    max_size=3,
).map(lambda rules: Retention(tuple(rules)))


def found(store: Store, run: Run, retention: Retention, now: int, first: int) -> set[ObservationKey]:
    """The observations of which something has expired, among those that the store returns, page by page."""
    keys: set[ObservationKey] = set()
    after: ObservationKey | None = None
    while True:
        receipts, after = run(store.expirable_observations(retention.filters(now), after, first))
        if after is None:
            return keys
        assert len(receipts) <= first
        keys.update(receipt.key for receipt in receipts if list(expired_of(receipt, retention, now)))


def comparable_removal(removed: Removed) -> Removed:
    """The removal with receipts that can be compared with those of another store."""
    receipts = [(comparable_receipt(receipt), what) for receipt, what in removed.receipts]
    return replace(removed, receipts=receipts)


# Stores do not read the facts of an observation that was revoked before it arrived.
@example(
    sequence=[[revoke("1", "crm"), prepare(BIRTH_DATE.observation(), RULES, NOW)]],
    retention=Retention((rule(1),)),
    at=0,
    first=1,
)
@settings(SETTINGS, max_examples=40)
@given(sequence=batches, retention=retentions, at=st.integers(0, 9), first=st.integers(1, 5))
def test_a_run_finds_what_has_expired_and_results_in_the_graph_of_the_model(
    fresh: Fresh, run: Run, sequence: Sequence[Sequence[Command]], retention: Retention, at: int, first: int
) -> None:
    # given
    store, model, ids = fresh(), Graph(RULES), CountingIds()
    for commands in sequence:
        model.do(*commands)
        run(store.write(lambda commands=commands: commit(commands, RULES, model.now, ids)))
    now = at * SECOND + DAY
    expired = {key for key, receipt in model.store.receipts.items() if list(expired_of(receipt, retention, now))}
    # then
    assert found(store, run, retention, now, first) == expired
    # when
    model.now += SECOND
    model_ids = model.ids

    def work(ids: CountingIds):
        return expire(sorted(expired), retention, now, ActiveRules(RULES, RULES), model.now, ids)

    removed = run(store.write(lambda: work(ids)))
    assert comparable_removal(removed) == comparable_removal(model.store.run(lambda: work(model_ids)))
    run(store.write(lambda: remove_names(0, 10_000)))
    model.store.run(lambda: remove_names(0, 10_000))
    # then
    neighborhood, region = run(store.write(lambda: read_all(KEYS)))
    assert comparable(region, neighborhood) == comparable(*reversed(model.store.run(lambda: read_all(KEYS))))
    assert [entry.change for entry in run(store.changes(0, 10_000))] == model.store.changes
    assert found(store, run, retention, now, first) == set()


def test_what_is_stored_is_asked_for_by_name(fresh: Fresh, run: Run) -> None:
    # given
    store = fresh()
    command = observe(seen("crm=a", "mail=a", id="1"), RULES)
    run(store.write(lambda: commit([command], RULES, NOW, CountingIds())))
    # then
    assert run(store.are_stored(["crm=a", "mail=a"], [("shop", "1")]))
    assert run(store.are_stored([], []))
    assert not run(store.are_stored(["crm=a", "mail=b"], [("shop", "1")]))
    assert not run(store.are_stored(["crm=a"], [("shop", "1"), ("till", "1")]))
