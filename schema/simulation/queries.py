"""Rules tried on a text example."""

from typing import Annotated

import strawberry

from graph.domain import scenario as scenarios
from graph.domain.errors import InvalidInput

LONGEST = 200_000


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

    @strawberry.field(description="What the rule makes of the text of a scenario file (see README.md, Scenarios).")
    def simulate(
        self, scenario: Annotated[str, strawberry.argument(description="The text of the file.")]
    ) -> Simulation:
        """Try a scenario."""
        if len(scenario) > LONGEST:
            message = f"scenario has {len(scenario)} characters; {LONGEST} are allowed"
            raise InvalidInput("BAD_SCENARIO", message, ("scenario",))
        parsed = scenarios.parse(scenario)
        outcome = scenarios.simulate(parsed)
        return Simulation(
            customers=outcome.customers,
            suspended=[SimulatedLink(a=a, b=b, reason=reason) for a, b, reason in outcome.suspended],
            refused=[SimulatedRefusal(observation=name, reason=reason) for name, reason in outcome.refused],
            expected=parsed.expect,
            as_expected=None if parsed.expect is None else parsed.expect == outcome.customers,
        )
