"""Rules tried on a text example."""

from typing import Annotated

import strawberry
from msgspec.structs import replace

from graph.domain.model.dates import SECOND
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.observations import check
from graph.domain.resolution import scenario as scenarios
from schema.operations.observation_inputs import ObservationInput
from schema.shared.context import Info

LONGEST = 200_000
MOST_ITEMS = 1_000
FAR = 2**62
"""No clock to hold times against: nothing is stored."""


@strawberry.type(description="A link that lost, in a simulation.")
class SimulatedLink:
    """A suspended link in GraphQL."""

    a: str = strawberry.field(description="One end, as `namespace=value`.")
    b: str = strawberry.field(description="The other end.")
    reason: str = strawberry.field(description="Why it lost.")


@strawberry.type(description="An observation that was refused, in a simulation.")
class SimulatedRefusal:
    """A refusal in GraphQL."""

    observation: str = strawberry.field(description="Its name in the scenario.")
    reason: str = strawberry.field(description="Why.")


@strawberry.type(description="What the rule makes of a scenario. Nothing is stored.")
class Simulation:
    """An outcome in GraphQL."""

    customers: list[list[str]] = strawberry.field(
        description="Each customer's identifiers, sorted; as expected or not."
    )
    suspended: list[SimulatedLink] = strawberry.field(description="The links that lost.")
    refused: list[SimulatedRefusal] = strawberry.field(description="The observations that were refused.")
    expected: list[list[str]] | None = strawberry.field(description="What the scenario expects; null if it does not.")
    as_expected: bool | None = strawberry.field(description="Whether that is what came out.")


@strawberry.type
class SimulationQueries:
    """What can be tried."""

    @strawberry.field(description="What the rule makes of the text of a scenario file, or of observations under rules.")
    def simulate(
        self,
        info: Info,
        scenario: Annotated[str | None, strawberry.argument(description="The text of a scenario file.")] = None,
        rules: Annotated[
            str | None, strawberry.argument(description="The text of a rules file, with `observations`.")
        ] = None,
        observations: Annotated[
            list[ObservationInput] | None, strawberry.argument(description="1 to 1,000 observations, in their order.")
        ] = None,
    ) -> Simulation:
        """Try a scenario, or rules on observations."""
        if rules is not None and observations is not None and scenario is None:
            return _of(scenarios.simulate(_scenario(info, rules, observations)), None)
        if scenario is None or rules is not None or observations is not None:
            message = "give either scenario, or rules and observations"
            raise InvalidInput("BAD_SCENARIO", message, ("scenario",))
        if len(scenario) > LONGEST:
            message = f"scenario has {len(scenario)} characters; {LONGEST} are allowed"
            raise InvalidInput("BAD_SCENARIO", message, ("scenario",))
        parsed = scenarios.parse(scenario)
        return _of(scenarios.simulate(parsed), parsed.expect)


def _of(outcome: scenarios.Outcome, expect: scenarios.Customers | None) -> Simulation:
    return Simulation(
        customers=outcome.customers,
        suspended=[SimulatedLink(a=a, b=b, reason=reason) for a, b, reason in outcome.suspended],
        refused=[SimulatedRefusal(observation=name, reason=reason) for name, reason in outcome.refused],
        expected=expect,
        as_expected=None if expect is None else expect == outcome.customers,
    )


def _scenario(info: Info, rules: str, observations: list[ObservationInput]) -> scenarios.Scenario:
    """Rules and observations as a scenario; an observation without a time is seen at its position, in seconds."""
    if not 1 <= len(observations) <= MOST_ITEMS:
        message = f"observations holds {len(observations)} entries; 1 to {MOST_ITEMS} are allowed"
        raise InvalidInput("BAD_COUNT", message, ("observations",))
    events: list[scenarios.Event] = []
    for place, one in enumerate(observations):
        seen = one.read()
        problem = seen if isinstance(seen, Problem) else check(seen, FAR)
        if problem is not None or isinstance(seen, Problem):
            assert problem is not None
            raise InvalidInput(problem.code, problem.message, ("observations", place, *problem.path))
        seen_at = (place + 1) * SECOND if seen.seen_at is None else seen.seen_at
        events.append(scenarios.Seen(replace(seen, id=seen.id or f"observation {place + 1}", seen_at=seen_at)))
    return scenarios.Scenario(info.context.graph.rules_control.parse(rules), tuple(events), None)
