"""Every scenario file in every store: event by event, and all events at once."""

from pathlib import Path

from graph.commands.commit import commit
from graph.commands.erase import erase
from graph.commands.erasures import lift
from graph.domain.profile.pages import ByKey, IdentifierPage, Selection
from graph.domain.resolution.preparation import Command, RemoveOverride, Revoke, SetOverride, prepare
from graph.domain.resolution.scenario import (
    Customers,
    ErasureEvent,
    Event,
    OverrideRemovedEvent,
    OverrideSetEvent,
    RevocationEvent,
    Scenario,
    sorted_customers,
)
from graph.ports import Store, Work
from tests.builders.erasure_requests import erasure_request
from tests.builders.graphs import NOW, TOMBSTONE_RULES, CountingIds
from tests.builders.runs import Run
from tests.builders.scenarios import each_scenario, keys_of, read_scenario
from tests.builders.stores import Fresh


def command_of(event: Event, scenario: Scenario) -> Command | ErasureEvent:
    match event:
        case ErasureEvent():
            return event
        case RevocationEvent(source, id):
            return Revoke(source, id, NOW)
        case OverrideSetEvent(override):
            return SetOverride(override)
        case OverrideRemovedEvent(override):
            return RemoveOverride(override.id, NOW)
        case _:
            return prepare(event.observation, scenario.rules, NOW)


Step = Command | ErasureEvent | list[Command]


def customers_of(store: Store, run: Run, scenario: Scenario) -> Customers:
    page = IdentifierPage(tuple(scenario.rules.by_name), 100)
    views = run(store.customers([ByKey(key) for key in keys_of(scenario)], Selection.of([page])))
    keys_by_id = {
        view.customer.id: [item.identifier.key for item in view.pages[page].items] for view in views if view is not None
    }
    return sorted_customers(keys_by_id.values())


def work_of(step: Step, scenario: Scenario, ids: CountingIds) -> Work[object]:
    if isinstance(step, ErasureEvent):
        if step.mode is None:
            return lift([hash for key in step.keys for hash in TOMBSTONE_RULES.hashes_of_key(key)], step.at)
        request = erasure_request(step.keys, step.at, step.mode, ids.erasure())
        return erase(request, scenario.rules, 0, TOMBSTONE_RULES, NOW, ids)
    commands = step if isinstance(step, list) else [step]
    return commit(commands, scenario.rules, NOW, ids, tombstone_rules=TOMBSTONE_RULES)


@each_scenario
def test_the_scenario_holds(file: Path, fresh: Fresh, run: Run) -> None:
    # given
    scenario = read_scenario(file)
    erasures = [event for event in scenario.events if isinstance(event, ErasureEvent)]
    others = [command_of(event, scenario) for event in scenario.events if not isinstance(event, ErasureEvent)]
    # An override of somebody who is erased is not accepted afterwards.
    erased = {key for event in erasures for key in event.keys}
    commands = [
        command
        for command in others
        if not isinstance(command, SetOverride) or erased.isdisjoint(command.override.keys)
    ]
    together = [*erasures, commands]
    for steps in ([command_of(event, scenario) for event in scenario.events], together):
        store, ids = fresh(), CountingIds()
        # when
        for step in steps:
            run(store.write(lambda step=step: work_of(step, scenario, ids)))  # noqa: B023
        # then
        assert customers_of(store, run, scenario) == scenario.expect
