"""Every scenario file in every store: event by event, and all at once."""

from pathlib import Path

from graph.commands.commit import commit
from graph.domain.profile.pages import ByKey, IdentifierPage, Selection
from graph.domain.resolution.intake import Command, RemoveMark, Revoke, SetMark, prepare
from graph.domain.resolution.scenario import Customers, Event, Marked, Revoked, Scenario, Unmarked, in_order
from graph.ports import Store
from tests.builders.graphs import NOW, CountingIds
from tests.builders.runs import Run
from tests.builders.scenarios import each_scenario, named, scenario
from tests.builders.stores import Fresh


def command(event: Event, one: Scenario) -> Command:
    match event:
        case Revoked(source, id):
            return Revoke(source, id, NOW)
        case Marked(mark):
            return SetMark(mark)
        case Unmarked(mark):
            return RemoveMark(mark.id, NOW)
        case _:
            return prepare(event.observation, one.rules, NOW)


def customers_of(store: Store, run: Run, one: Scenario) -> Customers:
    page = IdentifierPage(tuple(one.rules.by_name), 100)
    views = run(store.customers([ByKey(key) for key in named(one)], Selection.of([page])))
    found = {
        view.customer.id: [item.identifier.key for item in view.pages[page].items] for view in views if view is not None
    }
    return in_order(found.values())


@each_scenario
def test_the_scenario_holds(file: Path, fresh: Fresh, run: Run) -> None:
    # given
    one = scenario(file)
    commands = [command(event, one) for event in one.events]
    for batches in ([[each] for each in commands], [commands]):
        store, ids = fresh(), CountingIds()
        # when
        for batch in batches:
            run(store.write(lambda batch=batch: commit(batch, one.rules, NOW, ids)))  # noqa: B023
        # then
        assert customers_of(store, run, one) == one.expect
