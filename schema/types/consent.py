"""Consent in GraphQL: what an address may be used for, by whose decision."""

import strawberry

from graph.domain.profile.consents import Channel, Decided, Decision
from schema.shared.enums import described
from schema.shared.evidence_tier import Tier
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierName

described(
    Decision,
    "ConsentDecision",
    "What was decided.",
    NONE="Nothing: nobody may assume anything.",
    GIVEN="It may be used.",
    REFUSED="It may not be used: the person said no when asked.",
    WITHDRAWN="It may not be used any more.",
)
described(
    Channel,
    "ConsentChannel",
    "How somebody is reached.",
    EMAIL="E-mail.",
    PHONE="Calls.",
    SMS="Text messages.",
    POST="Letters.",
    PUSH="Messages of an app or a browser.",
    WEB="What a page shows.",
)


@strawberry.type(description="A decision as a source reported it.")
class ReportedDecision:
    """A decision in GraphQL."""

    decision: Decision = strawberry.field(description="What was decided.")
    channel: Channel | None = strawberry.field(description="For which channel; null for every one.")
    decided_at: Timestamp = strawberry.field(description="When.")
    source: str = strawberry.field(description="Who reported it.")
    party: Tier = strawberry.field(description="How near the source is.")
    text_version: str | None = strawberry.field(description="Which text the person saw.")

    @classmethod
    def of(cls, one: Decided) -> "ReportedDecision":
        """From the domain's value."""
        return cls(
            decision=one.decision,
            channel=one.channel,
            decided_at=Timestamp(one.at),
            source=one.source,
            party=one.tier,
            text_version=one.text_version or None,
        )


@strawberry.type(
    description="What counts for one address, one purpose and one channel, and all that was decided of it."
)
class Consent:
    """A consent in GraphQL."""

    identifier: IdentifierName = strawberry.field(description="The address, or any other identifier.")
    purpose: str = strawberry.field(description="What for.")
    channel: Channel | None = strawberry.field(description="Through which channel; null for every one.")
    decision: Decision = strawberry.field(description="What counts.")
    counts: ReportedDecision = strawberry.field(description="The decision that counts, with its origin.")
    history: list[ReportedDecision] = strawberry.field(description="All decisions on it, newest first.")


@strawberry.type(description="What may be done with an address or a customer.")
class ConsentAnswer:
    """An answer in GraphQL."""

    decision: Decision = strawberry.field(description="What counts; `NONE` where nobody decided.")
    identifier: IdentifierName | None = strawberry.field(description="The address whose decision counts.")
    counts: ReportedDecision | None = strawberry.field(description="The decision that counts, with its origin.")

    @classmethod
    def of(cls, one: Decided | None) -> "ConsentAnswer":
        """From the domain's value."""
        if one is None:
            return cls(decision=Decision.NONE, identifier=None, counts=None)
        return cls(decision=one.decision, identifier=IdentifierName.of(one.key), counts=ReportedDecision.of(one))


def consents(newest_first: list[Decided], purpose: str | None, channel: Channel | None) -> list[Consent]:
    """Each address, purpose and channel that anything was decided of, with what counts, newest first."""
    wanted = dict.fromkeys(
        (one.key, one.purpose, one.channel)
        for one in newest_first
        if purpose in (None, one.purpose) and channel in (None, one.channel)
    )
    result: list[Consent] = []
    for key, what, where in wanted:
        # A word on every channel holds for this one too, as in `at_address`.
        history = [
            ReportedDecision.of(one)
            for one in newest_first
            if one.key == key and one.purpose == what and one.channel in (None, where)
        ]
        name = IdentifierName.of(key)
        result.append(
            Consent(
                identifier=name,
                purpose=what,
                channel=where,
                decision=history[0].decision,
                counts=history[0],
                history=history,
            )
        )
    return result
