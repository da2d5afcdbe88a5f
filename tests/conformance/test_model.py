"""Each store against the model in dictionaries: the same commands must leave the same graph."""

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.commands.commit import commit
from graph.commands.reprocess import both, reread
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Around, Region
from graph.domain.profile.pages import ById, Selection
from graph.domain.resolution.intake import Command
from graph.ports import ReadAround, ReadRegion, Store
from tests.builders.graphs import CountingIds, Graph
from tests.conftest import Fresh, Run
from tests.graph.commands.test_reprocess import OTHERS
from tests.graph.domain.resolution.test_incremental import IDS, KEYS, RULES, batches

SOURCES = ("shop", "till")


def everything(keys: Sequence[str]):
    """A write that reads all there is and changes nothing."""
    pairs = [(a, b) for a in keys for b in keys if a < b]
    receipts = [(source, id) for source in SOURCES for id in IDS]
    around: Around = yield ReadAround(receipts, [], sorted(keys), pairs, keys)
    region: Region = yield ReadRegion(frozenset(keys), frozenset(keys))
    return around, region


def readable(region: Region, around: Around):
    """What a store holds, without its own handles."""
    id_at = {node: customer.id for node, customer in region.customers.items()}
    members = {
        key: (
            member.evidence,
            dict(member.degree),
            member.shared,
            member.blocked,
            member.marks,
            id_at.get(member.customer),
            member.order,
        )
        for key, member in region.members.items()
    }
    customers = {
        customer.id: (
            customer.created_at,
            customer.version,
            customer.anchor,
            dict(customer.counts),
            customer.suspended,
            customer.marks,
            customer.figures,
            customer.retired_at,
            customer.redirects_to,
        )
        for customer in region.customers.values()
    }
    return members, customers, dict(region.links), dict(region.marks), dict(around.receipts), dict(around.links)


def run_both(store: Store, run: Run, sequence: Sequence[Sequence[Command]]) -> None:
    # given
    model, ids = Graph(RULES), CountingIds()
    for batch in sequence:
        # when
        expected = model.do(*batch)
        answers = run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids)))
        # then
        assert answers == expected
    around, region = run(store.write(lambda: everything(KEYS)))
    other_around, other_region = model.store.run(lambda: everything(KEYS))
    assert readable(region, around) == readable(other_region, other_around)
    ids_ever = [customer.id for customer in other_region.customers.values()]
    entries = run(store.changes(0, 10_000))
    assert [entry.no for entry in entries] == list(range(1, len(model.store.changes) + 1))
    assert [entry.change for entry in entries] == model.store.changes
    views = run(store.customers([ById(id) for id in ids_ever], Selection()))
    answering = [model.answering(id).id for id in ids_ever]
    assert [view.customer.id for view in views] == answering


SETTINGS = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60
)


@SETTINGS
@given(sequence=batches)
def test_the_same_commands_leave_the_same_graph(fresh: Fresh, run: Run, sequence: list[list[Command]]) -> None:
    run_both(fresh(), run, sequence)


@settings(SETTINGS, max_examples=25)
@given(sequence=batches, new=st.sampled_from(OTHERS))
def test_reading_anew_leaves_the_same_graph(fresh: Fresh, run: Run, sequence: list[list[Command]], new: Rules) -> None:
    # given
    store, model, ids = fresh(), Graph(RULES), CountingIds()
    for batch in sequence:
        model.do(*batch)
        run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids)))
    rules = both(new, RULES)
    keys = run(store.observations(None, 1, 1000))
    assert keys == sorted(model.store.receipts)
    # when
    for start in range(0, len(keys), 3):
        some = keys[start : start + 3]
        run(store.write(lambda some=some: reread(some, rules, new, model.now, ids, None)))
        model.store.run(lambda some=some: reread(some, rules, new, model.now, model.ids, None))
    # then
    every = sorted({*KEYS, *(key for receipt in model.store.receipts.values() for key in receipt.keys)})
    around, region = run(store.write(lambda: everything(every)))
    other_around, other_region = model.store.run(lambda: everything(every))
    assert readable(region, around) == readable(other_region, other_around)
