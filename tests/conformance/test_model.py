"""Each store against the model in dictionaries: the same commands must leave the same graph."""

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings

from graph.actions.commit import commit
from graph.domain.intake import Command
from graph.domain.snapshots import Around, Region
from graph.domain.views import ById, Selection
from graph.ports import ReadAround, ReadRegion, Store
from tests.builders.graphs import CountingIds, Graph
from tests.conftest import Fresh, Run
from tests.graph.domain.test_step import IDS, KEYS, RULES, batches

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
