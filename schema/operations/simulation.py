"""The query `simulate`, which resolves a text example without storing anything."""

from typing import Annotated

import strawberry
from msgspec.structs import replace

from graph.domain.access.scopes import RULES_PREVIEW
from graph.domain.model.dates import SECOND
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.observations import Party, check
from graph.domain.resolution import scenario as scenarios
from schema.operations.observation_inputs import ObservationInput
from schema.shared.context import Info
from schema.shared.required_scopes import requires

MAX_SCENARIO_LENGTH = 200_000
MAX_ITEMS = 1_000
FAR_FUTURE = 2**62
"""The current time for the check of times: nothing is stored, so any time is allowed."""


@requires(RULES_PREVIEW)
@strawberry.type(description="A link that was suspended in a simulation.")
class SimulatedLink:
    """A suspended link in GraphQL."""

    a: str = strawberry.field(description="The first identifier, as `namespace=value`. E.g. `email=ann@example.com`.")
    b: str = strawberry.field(description="The second identifier, as `namespace=value`.")
    reason: str = strawberry.field(description="Why the link was suspended.")


@requires(RULES_PREVIEW)
@strawberry.type(description="An observation that was rejected in a simulation.")
class SimulatedRejection:
    """A rejection in GraphQL."""

    observation: str = strawberry.field(description="The name of the observation in the scenario. E.g. `e3`.")
    reason: str = strawberry.field(description="Why the observation was rejected.")


@requires(RULES_PREVIEW)
@strawberry.type(description="The result of resolving a scenario. A simulation stores nothing.")
class Simulation:
    """A simulation in GraphQL."""

    customers: list[list[str]] = strawberry.field(
        description="The customers, each as a sorted list of its identifiers. E.g. "
        '`[["crm_id=7", "email=ann@example.com"]]`.'
    )
    suspended: list[SimulatedLink] = strawberry.field(description="The links that were suspended.")
    rejected: list[SimulatedRejection] = strawberry.field(description="The observations that were rejected.")
    expected: list[list[str]] | None = strawberry.field(
        description="The customers that the scenario expects. Null if it expects none."
    )
    matches_expected: bool | None = strawberry.field(
        description="Whether the customers are the expected ones. Null if the scenario expects none."
    )


@requires(simulate=RULES_PREVIEW)
@strawberry.type
class SimulationQueries:
    """Queries that simulate."""

    @strawberry.field(
        description="Resolve a scenario, or observations under other rules, without storing anything. Pass either "
        "`scenario`, or `rules` and `observations`."
    )
    def simulate(
        self,
        info: Info,
        scenario: Annotated[str | None, strawberry.argument(description="The text of a scenario file.")] = None,
        rules: Annotated[
            str | None, strawberry.argument(description="The text of a rules file, in TOML; requires `observations`.")
        ] = None,
        observations: Annotated[
            list[ObservationInput] | None,
            strawberry.argument(description="1 to 1,000 observations, in the order in which they arrive."),
        ] = None,
    ) -> Simulation:
        """Resolve a scenario, or observations under rules."""
        if rules is not None and observations is not None and scenario is None:
            return _simulation(scenarios.simulate(_scenario(info, rules, observations)), None)
        if scenario is None or rules is not None or observations is not None:
            message = "pass either scenario, or rules and observations"
            raise InvalidInput("INVALID_SCENARIO", message, ("scenario",))
        if len(scenario) > MAX_SCENARIO_LENGTH:
            message = f"scenario has {len(scenario)} characters; {MAX_SCENARIO_LENGTH} are allowed"
            raise InvalidInput("INVALID_SCENARIO", message, ("scenario",))
        parsed = scenarios.parse(scenario)
        return _simulation(scenarios.simulate(parsed), parsed.expect)


def _simulation(result: scenarios.ScenarioResult, expected: scenarios.Customers | None) -> Simulation:
    return Simulation(
        customers=result.customers,
        suspended=[SimulatedLink(a=a, b=b, reason=reason) for a, b, reason in result.suspended],
        rejected=[SimulatedRejection(observation=name, reason=reason) for name, reason in result.rejected],
        expected=expected,
        matches_expected=None if expected is None else expected == result.customers,
    )


def _scenario(info: Info, rules: str, observations: list[ObservationInput]) -> scenarios.Scenario:
    """Return rules and observations as a scenario; without a time, an observation is seen at its position in "
    "seconds."""
    if not 1 <= len(observations) <= MAX_ITEMS:
        message = f"observations has {len(observations)} entries; 1 to {MAX_ITEMS} are allowed"
        raise InvalidInput("INVALID_COUNT", message, ("observations",))
    events: list[scenarios.Event] = []
    for position, observation_input in enumerate(observations):
        observation = observation_input.to_domain(Party.FIRST_PARTY)
        problem = observation if isinstance(observation, Problem) else check(observation, FAR_FUTURE)
        if problem is not None or isinstance(observation, Problem):
            assert problem is not None
            raise InvalidInput(problem.code, problem.message, ("observations", position, *problem.path))
        id = observation.id or f"observation {position + 1}"
        seen_at = (position + 1) * SECOND if observation.seen_at is None else observation.seen_at
        events.append(scenarios.ObservationEvent(replace(observation, id=id, seen_at=seen_at)))
    return scenarios.Scenario(info.context.graph.rules_control.parse(rules), tuple(events), None)
