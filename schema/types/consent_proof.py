"""The proof of consent in GraphQL."""

import strawberry

from graph.domain.access.decision_log import LogEntry
from graph.domain.access.scopes import CONSENT_PROOF
from graph.domain.profile.consents import EVERY_CHANNEL
from graph.queries.consent_proof import ConsentProof as DomainConsentProof
from graph.queries.consent_proof import ProvenDecision as DomainProvenDecision
from graph.queries.consent_proof import ShownText
from schema.shared.channels import Channel
from schema.shared.consent_enums import ConsentMethod, Decision, LogState
from schema.shared.evidence_tier import SOURCE_PARTY, Party
from schema.shared.observation_status import ObservationStatus
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp


@requires(CONSENT_PROOF)
@strawberry.type(description="The text that a person saw before deciding.")
class ConsentText:
    """A consent text in GraphQL."""

    sha256: str = strawberry.field(description="The SHA-256 of the text in UTF-8, in hexadecimal digits.")
    text: str | None = strawberry.field(
        description="The text. Null if the store does not have it anymore, or has another text in its place."
    )
    recorded_at: Timestamp | None = strawberry.field(
        description="When the version was recorded. Null if the text came with the decision."
    )
    recorded_by: str | None = strawberry.field(
        description="The caller that recorded the version. Null if the text came with the decision."
    )

    @classmethod
    def of(cls, text: ShownText) -> "ConsentText":
        """Convert the domain's value."""
        recorded_at = None if text.recorded_at is None else Timestamp(text.recorded_at)
        return cls(sha256=text.sha256, text=text.content, recorded_at=recorded_at, recorded_by=text.recorded_by or None)


@requires(CONSENT_PROOF)
@strawberry.type(description="An entry of the audit log about a consent decision.")
class ConsentLogEntry:
    """An entry of the log in GraphQL."""

    place: str = strawberry.field(description="The file of the log and the number of the entry in it.")
    time: Timestamp = strawberry.field(description="When the entry was written.")
    received_from: str | None = strawberry.field(description="The caller that sent the decision.")
    received_at: Timestamp = strawberry.field(description="When the decision arrived first.")

    @classmethod
    def of(cls, entry: LogEntry) -> "ConsentLogEntry":
        """Convert the domain's value."""
        return cls(
            place=entry.place,
            time=Timestamp(entry.time),
            received_from=entry.caller or None,
            received_at=Timestamp(entry.received_at),
        )


@requires(CONSENT_PROOF)
@strawberry.type(description="A consent decision that was stored, with how it was collected and through whom it came.")
class ProvenDecision:
    """A decision with its proof in GraphQL."""

    source: str = strawberry.field(description="The source that reported the decision. E.g. `web-shop`.")
    id: str = strawberry.field(
        description="The id of the decision at its source; `revokeObservations` accepts it together with the source."
    )
    party: Party | None = strawberry.field(description=SOURCE_PARTY)
    status: ObservationStatus = strawberry.field(description="Whether the decision counts. E.g. `REVOKED`.")
    purpose: str = strawberry.field(description="The purpose of the data use. E.g. `newsletter`.")
    channel: Channel | None = strawberry.field(description="The channel. Null if the decision is for all channels.")
    decision: Decision = strawberry.field(description="The decision.")
    decided_at: Timestamp = strawberry.field(description="When the person decided.")
    received_at: Timestamp = strawberry.field(description="When the decision arrived first.")
    received_from: str | None = strawberry.field(
        description="The caller through whom it came: the name of a key, or the issuer and client of a token. Null for "
        "decisions that arrived before callers were stored."
    )
    method: ConsentMethod | None = strawberry.field(description="How the decision was collected, as its source states.")
    evidence: str | None = strawberry.field(description="What proves it, as its source states. E.g. the id of a form.")
    collected_by: str | None = strawberry.field(description="Who collected it, as its source states.")
    requested_at: Timestamp | None = strawberry.field(
        description="When the message of a double opt-in was sent, as its source states."
    )
    confirmed_at: Timestamp | None = strawberry.field(
        description="When the person confirmed a double opt-in, as its source states."
    )
    policy_version: str | None = strawberry.field(description="The version of the consent text. E.g. `2026-03`.")
    language: str | None = strawberry.field(description="The language in which the person saw the text. E.g. `de`.")
    text: ConsentText | None = strawberry.field(
        description="The text that the person saw. Null if neither it nor its version was recorded."
    )
    tc_string: str | None = strawberry.field(
        description="The TC string of IAB Europe's framework that states the decision."
    )
    log: LogState | None = strawberry.field(
        description="How the decision compares with the audit log. Null if this service keeps no audit log."
    )
    log_entry: ConsentLogEntry | None = strawberry.field(description="The first entry of the log about the decision.")

    @classmethod
    def of(cls, proven: DomainProvenDecision) -> "ProvenDecision":
        """Convert the domain's value."""
        receipt, stated, check = proven.receipt, proven.stated, proven.check
        return cls(
            source=receipt.source,
            id=receipt.id,
            party=receipt.tier.party,
            status=receipt.status,
            purpose=stated.purpose,
            channel=None if stated.channel == EVERY_CHANNEL else Channel(stated.channel),
            decision=stated.decision,
            decided_at=Timestamp(receipt.seen_at),
            received_at=Timestamp(receipt.received_at),
            received_from=receipt.received_from or None,
            method=stated.method,
            evidence=stated.evidence or None,
            collected_by=stated.collected_by or None,
            requested_at=None if stated.requested_at is None else Timestamp(stated.requested_at),
            confirmed_at=None if stated.confirmed_at is None else Timestamp(stated.confirmed_at),
            policy_version=stated.policy_version or None,
            language=stated.language or None,
            text=None if proven.text is None else ConsentText.of(proven.text),
            tc_string=stated.tc_string or None,
            log=None if check is None else check.state,
            log_entry=None if check is None or check.entry is None else ConsentLogEntry.of(check.entry),
        )


@requires(CONSENT_PROOF)
@strawberry.type(description="All consent decisions that were ever stored of an identifier, and what became of them.")
class ConsentProof:
    """A proof in GraphQL."""

    decisions: list[ProvenDecision] = strawberry.field(
        description="The decisions for the purpose and the channel, newest first, also those that do not count."
    )
    removed: list[ConsentLogEntry] = strawberry.field(
        description="The entries of the audit log about decisions that name the identifier, for whatever purpose, and "
        "are not stored anymore: they were removed outside Kith."
    )
    erased: list[ConsentLogEntry] = strawberry.field(
        description="The same for decisions that went when the person was erased."
    )

    @classmethod
    def of(cls, proof: DomainConsentProof) -> "ConsentProof":
        """Convert the domain's value."""
        return cls(
            decisions=list(map(ProvenDecision.of, proof.decisions)),
            removed=list(map(ConsentLogEntry.of, proof.removed)),
            erased=list(map(ConsentLogEntry.of, proof.erased)),
        )
