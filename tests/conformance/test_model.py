"""Each store against the model in dictionaries: the same commands must leave the same graph."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.commands.commit import commit
from graph.commands.reprocess import both, reread
from graph.domain.model.rules import Rules
from graph.domain.profile.pages import ById, Selection
from graph.domain.resolution.intake import Command
from graph.ports import Store
from tests.builders.graphs import CountingIds, Graph
from tests.builders.runs import Run
from tests.builders.store_contents import everything, readable
from tests.builders.stores import Fresh
from tests.builders.strategies import KEYS, OTHERS, RULES, SETTINGS, batches


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


@settings(SETTINGS, max_examples=60)
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
