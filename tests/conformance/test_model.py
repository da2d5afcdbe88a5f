"""Each store compared with the model in dictionaries: the same commands must result in the same graph."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.commands.commit import commit
from graph.commands.reprocess import reprocess, with_old_namespaces
from graph.domain.model.rules import Rules
from graph.domain.profile.pages import ById, Selection
from graph.domain.resolution.preparation import Command
from graph.ports import Store
from tests.builders.graphs import CountingIds, Graph
from tests.builders.runs import Run
from tests.builders.store_contents import comparable, read_all
from tests.builders.stores import Fresh
from tests.builders.strategies import GUARDED_RULES, KEYS, OTHER_RULES, RULES, SETTINGS, batches, reports_of_one_order


def run_both(store: Store, run: Run, sequence: Sequence[Sequence[Command]], rules: Rules) -> None:
    # given
    model, new_ids = Graph(rules), CountingIds()
    for batch in sequence:
        # when
        expected = model.do(*batch)
        results = run(store.write(lambda batch=batch: commit(batch, rules, model.now, new_ids)))
        # then
        assert results == expected
    neighborhood, region = run(store.write(lambda: read_all(KEYS)))
    model_neighborhood, model_region = model.store.run(lambda: read_all(KEYS))
    assert comparable(region, neighborhood) == comparable(model_region, model_neighborhood)
    ids = [customer.id for customer in model_region.customers.values()]
    entries = run(store.changes(0, 10_000))
    assert [entry.number for entry in entries] == list(range(1, len(model.store.changes) + 1))
    assert [entry.change for entry in entries] == model.store.changes
    views = run(store.customers([ById(id) for id in ids], Selection()))
    assert [view.customer.id for view in views] == [model.customer_of_id(id).id for id in ids]


sequences = batches | reports_of_one_order.map(lambda commands: [[command] for command in commands])


@settings(SETTINGS, max_examples=80)
@given(sequence=sequences, rules=st.sampled_from([RULES, GUARDED_RULES]))
def test_the_same_commands_give_the_same_graph(
    fresh: Fresh, run: Run, sequence: list[list[Command]], rules: Rules
) -> None:
    run_both(fresh(), run, sequence, rules)


@settings(SETTINGS, max_examples=25)
@given(sequence=sequences, new=st.sampled_from([*OTHER_RULES, GUARDED_RULES]))
def test_reprocessing_results_in_the_same_graph(
    fresh: Fresh, run: Run, sequence: list[list[Command]], new: Rules
) -> None:
    # given
    store, model, ids = fresh(), Graph(RULES), CountingIds()
    for batch in sequence:
        model.do(*batch)
        run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids)))
    rules = with_old_namespaces(new, RULES)
    keys = run(store.observations(None, 1, 1000))
    assert keys == sorted(model.store.receipts)
    # when
    for start in range(0, len(keys), 3):
        batch = keys[start : start + 3]
        run(store.write(lambda batch=batch: reprocess(batch, rules, new, model.now, ids, None)))
        model.store.run(lambda batch=batch: reprocess(batch, rules, new, model.now, model.ids, None))
    # then
    all_keys = sorted({*KEYS, *(key for receipt in model.store.receipts.values() for key in receipt.keys)})
    neighborhood, region = run(store.write(lambda: read_all(all_keys)))
    model_neighborhood, model_region = model.store.run(lambda: read_all(all_keys))
    assert comparable(region, neighborhood) == comparable(model_region, model_neighborhood)
