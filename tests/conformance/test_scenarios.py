"""Every scenario file in every store: event by event, and all events at once."""

from pathlib import Path

from graph.commands.commit import commit
from graph.domain.profile.pages import ByKey, IdentifierPage, Selection
from graph.domain.resolution.preparation import Command, RemoveOverride, Revoke, SetOverride, prepare
from graph.domain.resolution.scenario import (
    Customers,
    Event,
    OverrideRemovedEvent,
    OverrideSetEvent,
    RevocationEvent,
    Scenario,
    sorted_customers,
)
from graph.ports import Store
from tests.builders.graphs import NOW, CountingIds
from tests.builders.runs import Run
from tests.builders.scenarios import each_scenario, keys_of, read_scenario
from tests.builders.stores import Fresh


def command_of(event: Event, scenario: Scenario) -> Command:
    match event:
        case RevocationEvent(source, id):
            return Revoke(source, id, NOW)
        case OverrideSetEvent(override):
            return SetOverride(override)
        case OverrideRemovedEvent(override):
            return RemoveOverride(override.id, NOW)
        case _:
            return prepare(event.observation, scenario.rules, NOW)


def customers_of(store: Store, run: Run, scenario: Scenario) -> Customers:
    page = IdentifierPage(tuple(scenario.rules.by_name), 100)
    views = run(store.customers([ByKey(key) for key in keys_of(scenario)], Selection.of([page])))
    keys_by_id = {
        view.customer.id: [item.identifier.key for item in view.pages[page].items] for view in views if view is not None
    }
    return sorted_customers(keys_by_id.values())


@each_scenario
def test_the_scenario_holds(file: Path, fresh: Fresh, run: Run) -> None:
    # given
    scenario = read_scenario(file)
    commands = [command_of(event, scenario) for event in scenario.events]
    for batches in ([[command] for command in commands], [commands]):
        store, ids = fresh(), CountingIds()
        # when
        for batch in batches:
            run(store.write(lambda batch=batch: commit(batch, scenario.rules, NOW, ids)))  # noqa: B023
        # then
        assert customers_of(store, run, scenario) == scenario.expect
