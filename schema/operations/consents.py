"""Mutations and queries of consent."""

from typing import Annotated

import strawberry

from graph.domain.access.scopes import CATALOG_READ, CONSENT_OF_ADDRESS, CONSENT_WRITE
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.profile.consents import (
    EVERY_CHANNEL,
    ConsentStatement,
    check_channel,
    check_purpose,
    decision_of_address,
)
from schema.operations.identifier_input import IdentifierInput
from schema.operations.observation_inputs import checked_id, pairs
from schema.operations.observations import record_batch
from schema.shared.channels import Channel, channel_or_every
from schema.shared.consent_enums import ConsentMethod, Decision
from schema.shared.context import Info
from schema.shared.evidence_tier import STATED_PARTY, STATED_SOURCE, Party, party_of
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp, require_valid
from schema.types.consent import ConsentStatus
from schema.types.observation import ObservationsPayload


@strawberry.input(description="A person's consent decision. It applies to each of the identifiers.")
class ConsentInput:
    """A consent decision as a client sends it."""

    source: str = strawberry.field(description=f"The source of the decision, {STATED_SOURCE} E.g. `web-shop`.")
    identifiers: list[IdentifierInput] = strawberry.field(
        description="1 to 20 identifiers that the decision is about. E.g. an email address."
    )
    purpose: str | None = strawberry.field(
        default=None,
        description="The purpose of the data use; attributes.toml lists the allowed ones. Required without `tcString`. "
        "E.g. `newsletter`.",
    )
    decision: Decision | None = strawberry.field(
        default=None,
        description="The decision: any value but `NONE`. Required without `tcString`, which states it and must not be "
        "contradicted.",
    )
    channel: Channel | None = strawberry.field(
        default=None, description="The channel that the decision applies to. Without it, all channels."
    )
    policy_version: str | None = strawberry.field(
        default=None,
        description="The version of the consent text that the person saw, up to 100 characters. E.g. `2026-03`.",
    )
    id: str | None = strawberry.field(
        default=None,
        description="The id of the record at its source, 1 to 200 characters. Without it, a hash of all fields is "
        "the id, so identical records count as one.",
    )
    party: Party | None = strawberry.field(default=None, description=STATED_PARTY)
    decided_at: Timestamp | None = strawberry.field(
        default=None,
        description="When the person decided, at most 5 minutes in the future. Without it, the time of receipt.",
    )
    method: ConsentMethod | None = strawberry.field(default=None, description="How the decision was collected.")
    evidence: str | None = strawberry.field(
        default=None,
        description="What proves the decision, as text or JSON of up to 2,000 characters. E.g. the name and address of "
        "a form, and the id of a confirmation.",
    )
    collected_by: str | None = strawberry.field(
        default=None, description="Who collected the decision, up to 200 characters. E.g. a shop or a campaign."
    )
    requested_at: Timestamp | None = strawberry.field(
        default=None, description="When the message of a double opt-in was sent."
    )
    confirmed_at: Timestamp | None = strawberry.field(
        default=None, description="When the person confirmed. Required for `GIVEN` by `DOUBLE_OPT_IN`."
    )
    language: str | None = strawberry.field(
        default=None, description="The language in which the person saw the text, as a tag of BCP 47. E.g. `de`."
    )
    policy_text: str | None = strawberry.field(
        default=None,
        description="The text that the person saw, up to 20,000 characters, if its version is not recorded by "
        "`recordConsentTexts`. It is stored once for all decisions, and must not contain data of the person.",
    )
    tc_string: str | None = strawberry.field(
        default=None,
        description="The TC string of IAB Europe's framework (TCF 2.2 or later) for the one cookie or device that "
        "`identifiers` names. It states the decision: on `purpose`, or on all purposes that attributes.toml maps to "
        "TCF purposes.",
    )

    def to_domain(self, nearest: Party) -> ConsentStatement | Problem:
        """Convert to the domain's value, or return the first problem; `nearest` is the nearest party of the caller."""
        try:
            decided_at, id = require_valid(self.decided_at, "decidedAt"), checked_id(self.id)
            requested_at = require_valid(self.requested_at, "requestedAt")
            confirmed_at = require_valid(self.confirmed_at, "confirmedAt")
        except InvalidInput as error:
            return error.problem()
        if self.channel == EVERY_CHANNEL:
            return Problem("UNKNOWN_CHANNEL", "channel is empty; leave it out to mean all channels", ("channel",))
        return ConsentStatement(
            self.source,
            pairs(self.identifiers),
            self.purpose or "",
            self.decision or Decision.NONE,
            self.channel or EVERY_CHANNEL,
            self.policy_version or "",
            id,
            party_of(self.party, nearest),
            decided_at,
            self.method,
            self.evidence or "",
            self.collected_by or "",
            requested_at,
            confirmed_at,
            self.language or "",
            self.policy_text or "",
            self.tc_string or "",
        )


@strawberry.input(description="The input of `recordConsents`.")
class RecordConsentsInput:
    """The input of `recordConsents`."""

    consents: list[ConsentInput] = strawberry.field(description="1 to 1,000 consent decisions.")


@requires(record_consents=CONSENT_WRITE)
@strawberry.type
class ConsentMutations:
    """Mutations of consent."""

    @strawberry.mutation(
        description="Record consent decisions. For each identifier, the newest decision is in effect, even after "
        "merges and splits; all decisions are stored. A record also links its identifiers, and `revokeObservations` "
        "revokes it."
    )
    async def record_consents(self, info: Info, input: RecordConsentsInput) -> ObservationsPayload:
        """Record consent decisions."""
        return await record_batch(info, info.context.graph.record_consents, input.consents)


@requires(
    consent=CONSENT_OF_ADDRESS,
    contactable=CONSENT_OF_ADDRESS,
    consent_purposes=CATALOG_READ,
    consent_channels=CATALOG_READ,
)
@strawberry.type
class ConsentQueries:
    """Queries of consent."""

    @strawberry.field(
        description="The consent of one identifier for a purpose. `NONE` if no decision mentions this identifier, even "
        "if the customer decided for another one."
    )
    async def consent(
        self,
        info: Info,
        identifier: Annotated[
            IdentifierInput, strawberry.argument(description="The identifier. E.g. an email address.")
        ],
        purpose: Annotated[str, strawberry.argument(description="The purpose of the data use. E.g. `newsletter`.")],
        channel: Annotated[
            Channel | None,
            strawberry.argument(description="The channel. Without it, only decisions for all channels apply."),
        ] = None,
    ) -> ConsentStatus:
        """Return the consent status of one identifier."""
        graph = info.context.graph
        if problem := check_purpose(purpose, graph.catalog.purposes):
            raise InvalidInput(problem.code, problem.message, problem.path)
        chosen = channel_or_every(channel, graph.catalog)
        key = graph.key(identifier.namespace, identifier.raw, ("identifier",))
        return ConsentStatus.of(decision_of_address(await graph.consents_of(key), key, purpose, chosen), purpose, key)

    @strawberry.field(
        description="Whether one identifier may be contacted now: consent for the purpose and the channel is given for "
        "it, it is not blocked, its customer is not restricted, and, for emails, it is not undeliverable."
    )
    async def contactable(
        self,
        info: Info,
        identifier: Annotated[
            IdentifierInput,
            strawberry.argument(description="The identifier, an address of the channel. E.g. an email address."),
        ],
        purpose: Annotated[str, strawberry.argument(description="The purpose of the message. E.g. `newsletter`.")],
        channel: Annotated[Channel, strawberry.argument(description="The channel of the message. E.g. `EMAIL`.")],
    ) -> bool:
        """Return whether an identifier may be contacted."""
        graph = info.context.graph
        if problem := check_purpose(purpose, graph.catalog.purposes) or check_channel(channel, graph.catalog.channels):
            raise InvalidInput(problem.code, problem.message, problem.path)
        key = graph.key(identifier.namespace, identifier.raw, ("identifier",))
        return await graph.is_contactable(key, purpose, channel)

    @strawberry.field(description="The purposes for which consent can be recorded. E.g. `newsletter`.")
    def consent_purposes(self, info: Info) -> list[str]:
        """Return the purposes."""
        return list(info.context.graph.catalog.purposes)

    @strawberry.field(description="The channels for which consent can be recorded. E.g. `EMAIL`.")
    def consent_channels(self, info: Info) -> list[Channel]:
        """Return the channels."""
        return [Channel(name) for name in info.context.graph.catalog.channels]
