"""Consent in GraphQL."""

from collections.abc import Sequence

import strawberry

from graph.domain.access.scopes import CONSENT_OF_ADDRESS, CONSENT_PROOF, CONSENT_READ, OBSERVATION_ID
from graph.domain.profile.consents import EVERY_CHANNEL, RecordedDecision
from graph.domain.profile.deliverability import UndeliverableAddress as DomainUndeliverableAddress
from schema.shared.channels import Channel
from schema.shared.consent_enums import Decision
from schema.shared.context import Info
from schema.shared.evidence_tier import SOURCE_PARTY, Party
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.consent_proof import ConsentProof
from schema.types.identifier import IdentifierRef
from schema.types.observation_ref import OBSERVATION, ObservationRef

_PROOF = "All decisions that were ever stored of the identifier for the purpose and the channel, also revoked ones."


@requires(CONSENT_OF_ADDRESS, observation=OBSERVATION_ID)
@strawberry.type(description="A consent decision, as reported by a source.")
class ConsentRecord:
    """A consent record in GraphQL."""

    decision: Decision = strawberry.field(description="The decision.")
    channel: Channel | None = strawberry.field(
        description="The channel that the decision applies to. Null if it applies to all channels."
    )
    decided_at: Timestamp = strawberry.field(description="When the person decided.")
    source: str = strawberry.field(description="The source that reported the decision. E.g. `web-shop`.")
    party: Party = strawberry.field(description=SOURCE_PARTY)
    policy_version: str | None = strawberry.field(
        description="The version of the consent text that the person saw. E.g. `2026-03`."
    )
    observation: ObservationRef = strawberry.field(description=OBSERVATION)

    @classmethod
    def of(cls, record: RecordedDecision) -> "ConsentRecord":
        """Convert the domain's value."""
        return cls(
            decision=record.decision,
            channel=_shown(record.channel),
            decided_at=Timestamp(record.decided_at),
            source=record.source,
            party=record.party,
            policy_version=record.policy_version or None,
            observation=ObservationRef(source=record.source, id=record.observation_id),
        )


@requires(CONSENT_READ, proof=CONSENT_PROOF)
@strawberry.type(description="The consent of one identifier for one purpose and channel, with its history.")
class Consent:
    """A consent in GraphQL."""

    key: strawberry.Private[str]
    identifier: IdentifierRef = strawberry.field(
        description="The identifier that the decisions mention. E.g. an email address."
    )
    purpose: str = strawberry.field(description="The purpose of the data use. E.g. `newsletter`.")
    channel: Channel | None = strawberry.field(description="The channel. Null if the decision applies to all channels.")
    decision: Decision = strawberry.field(description="The decision in effect.")
    current: ConsentRecord = strawberry.field(description="The record of the decision in effect.")
    history: list[ConsentRecord] = strawberry.field(description="All records that apply, newest first.")

    @strawberry.field(description=_PROOF)
    async def proof(self, info: Info) -> ConsentProof:
        """Return the proof of the decisions of the identifier for the purpose and the channel."""
        proof = await info.context.loaders.consent_proofs.load(self.key)
        return ConsentProof.of(proof.on(self.purpose, self.channel or EVERY_CHANNEL))


@requires(CONSENT_OF_ADDRESS, proof=CONSENT_PROOF)
@strawberry.type(description="The consent decision in effect for an identifier or a customer.")
class ConsentStatus:
    """A consent status in GraphQL. `asked` is the identifier that a query asks for, "" if it asks for a customer."""

    asked: strawberry.Private[str]
    purpose: strawberry.Private[str]
    decision: Decision = strawberry.field(description="The decision in effect. `NONE` if no decision is recorded.")
    identifier: IdentifierRef | None = strawberry.field(
        description="The identifier whose decision is in effect. Null if no decision is recorded."
    )
    current: ConsentRecord | None = strawberry.field(
        description="The record of the decision in effect. Null if no decision is recorded."
    )

    @strawberry.field(
        description="All decisions that were ever stored of the identifier for the purpose, on any channel. Of a "
        "customer, those of the identifier whose decision is in effect; null without one."
    )
    async def proof(self, info: Info) -> ConsentProof | None:
        """Return the proof of the decisions of the identifier for the purpose."""
        if not self.asked:
            return None
        proof = await info.context.loaders.consent_proofs.load(self.asked)
        return ConsentProof.of(proof.on(self.purpose, None))

    @classmethod
    def of(cls, record: RecordedDecision | None, purpose: str, asked: str = "") -> "ConsentStatus":
        """Convert the domain's value."""
        if record is None:
            return cls(asked=asked, purpose=purpose, decision=Decision.NONE, identifier=None, current=None)
        return cls(
            asked=asked or record.key,
            purpose=purpose,
            decision=record.decision,
            identifier=IdentifierRef.of(record.key),
            current=ConsentRecord.of(record),
        )


@requires(CONSENT_READ)
@strawberry.type(description="An address that refuses emails for good.")
class UndeliverableAddress:
    """An undeliverable address in GraphQL."""

    identifier: IdentifierRef = strawberry.field(description="The address. E.g. an email address.")
    since: Timestamp = strawberry.field(description="When the first email bounced after which none arrived.")

    @classmethod
    def of(cls, address: DomainUndeliverableAddress) -> "UndeliverableAddress":
        """Convert the domain's value."""
        return cls(identifier=IdentifierRef.of(address.key), since=Timestamp(address.since))


def _shown(channel: str) -> Channel | None:
    return None if channel == EVERY_CHANNEL else Channel(channel)


def consents(newest_first: Sequence[RecordedDecision], purpose: str | None, channel: str | None) -> list[Consent]:
    """Return the consent of each identifier, purpose and channel with a decision, the newest decision first."""
    subjects = dict.fromkeys(
        (record.key, record.purpose, record.channel)
        for record in newest_first
        if purpose in (None, record.purpose) and channel in (None, record.channel)
    )
    result: list[Consent] = []
    for key, record_purpose, record_channel in subjects:
        # A decision for all channels applies to this one too, as in `decision_of_address`.
        history = [
            ConsentRecord.of(record)
            for record in newest_first
            if record.key == key
            and record.purpose == record_purpose
            and record.channel in (EVERY_CHANNEL, record_channel)
        ]
        result.append(
            Consent(
                key=key,
                identifier=IdentifierRef.of(key),
                purpose=record_purpose,
                channel=_shown(record_channel),
                decision=history[0].decision,
                current=history[0],
                history=history,
            )
        )
    return result
