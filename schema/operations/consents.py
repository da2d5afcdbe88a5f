"""What can be reported and asked of consent."""

from typing import Annotated

import strawberry

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.profile.consents import Channel, ConsentStatement, Decision, at_address, check_purpose
from graph.domain.profile.insights import CONSENTS
from graph.domain.profile.pages import ByKey, Selection
from schema.operations.identifier_input import IdentifierInput
from schema.operations.observation_inputs import Party, own_id, pairs
from schema.operations.observations import taken_in
from schema.shared.context import Info
from schema.shared.scalars import Timestamp, readable
from schema.types.consent import ConsentAnswer
from schema.types.observation import ObservationsPayload


@strawberry.input(
    description="A person's decision, as a source reports it. It holds for each identifier that it names."
)
class ConsentInput:
    """A decision on the way in."""

    source: str = strawberry.field(description="Who reports it: 1 to 100 characters.")
    identifiers: list[IdentifierInput] = strawberry.field(
        description="1 to 20 identifiers that the decision is about: addresses, a card, a cookie."
    )
    purpose: str = strawberry.field(description="What for; the purposes are declared in attributes.toml.")
    decision: Decision = strawberry.field(description="What was decided; not `NONE`.")
    channel: Channel | None = strawberry.field(
        default=None, description="Through which channel it may be used; without one the decision is on every channel."
    )
    text_version: str | None = strawberry.field(
        default=None, description="Which text the person saw, up to 100 characters."
    )
    id: str | None = strawberry.field(
        default=None,
        description="The source's id for it, 1 to 200 characters. Without it the digest of all fields is the id.",
    )
    party: Party = strawberry.field(default=Party.FIRST, description="How near the source is.")
    decided_at: Timestamp | None = strawberry.field(
        default=None, description="When it was decided, at most 5 minutes ahead; without it the time of receipt counts."
    )

    def read(self) -> ConsentStatement | Problem:
        """As the domain's value, or what cannot be read in it."""
        try:
            decided_at, id = readable(self.decided_at, "decidedAt"), own_id(self.id)
        except InvalidInput as error:
            return error.problem()
        return ConsentStatement(
            self.source,
            pairs(self.identifiers),
            self.purpose,
            self.decision,
            self.channel,
            self.text_version or "",
            id,
            self.party.tier,
            decided_at,
        )


@strawberry.input(description="Decisions on consent to take in.")
class RecordConsentsInput:
    """The input of `recordConsents`."""

    decisions: list[ConsentInput] = strawberry.field(description="1 to 1,000 decisions.")


@strawberry.type
class ConsentMutations:
    """What can be reported."""

    @strawberry.mutation(
        description="Take in decisions on consent. The newest decision that names an address counts for it, through "
        "every merge and split; every one is kept. A report is an observation of its identifiers, and revoked like one."
    )
    async def record_consents(self, info: Info, input: RecordConsentsInput) -> ObservationsPayload:
        """Take in decisions."""
        return await taken_in(info, info.context.graph.record_consents, input.decisions)


@strawberry.type
class ConsentQueries:
    """What can be asked of consent."""

    @strawberry.field(
        description="Whether an address may be used for a purpose: by the newest decision that names it. One without a "
        "decision answers `NONE`, whatever was decided of the customer's other addresses."
    )
    async def consent(
        self,
        info: Info,
        identifier: Annotated[IdentifierInput, strawberry.argument(description="The address, card or cookie.")],
        purpose: Annotated[str, strawberry.argument(description="What for.")],
        channel: Annotated[
            Channel | None, strawberry.argument(description="Through which channel; without one, what holds for all.")
        ] = None,
    ) -> ConsentAnswer:
        """One address."""
        graph = info.context.graph
        if problem := check_purpose(purpose, graph.catalogue):
            raise InvalidInput(problem.code, problem.message, problem.path)
        key = graph.key(identifier.namespace, identifier.value, ("identifier",))
        (view,) = await graph.customers([ByKey(key)], Selection.of([CONSENTS]))
        found = [] if view is None else graph.known(view).decided
        return ConsentAnswer.of(at_address(found, key, purpose, channel))

    @strawberry.field(description="The purposes that consent can be given for.")
    def purposes(self, info: Info) -> list[str]:
        """The purposes."""
        return list(info.context.graph.catalogue.purposes)
