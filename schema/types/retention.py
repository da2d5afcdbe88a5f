"""Retention in GraphQL: how long data is kept, and what has expired."""

import strawberry

from graph.commands.retention import RetentionPreview as DomainPreview
from graph.commands.retention import RetentionRun as DomainRun
from graph.domain.access.scopes import HISTORY_READ, RETENTION_READ, RETENTION_RUN
from graph.domain.model.expiry_counts import ExpiryCount as DomainCount
from graph.domain.model.retention import RetainedPart, kind_name
from graph.domain.model.retention import RetentionRule as DomainRule
from schema.shared.enums import describe_enum
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp

describe_enum(
    RetainedPart,
    "RetainedPart",
    "The part of a statement that a rule of retention.toml is about.",
    STATEMENT="The whole statement.",
    IDENTIFIER="Its identifiers of a namespace; the rest of it is kept.",
    TEXT="The free text of an interaction; the rest of it is kept.",
)


@requires(RETENTION_READ)
@strawberry.type(description="A rule of retention.toml: how long something is kept.")
class RetentionRule:
    """A rule, or a hold, in GraphQL."""

    about: str = strawberry.field(
        description="What the rule is about, in the words of the file. E.g. `kind external_segment, party third`."
    )
    part: RetainedPart = strawberry.field(description="The part of statements that the rule is about.")
    days: int = strawberry.field(description="The days after the time of a statement that the part is kept.")
    reason: str = strawberry.field(description="Why it is kept for this long.")

    @classmethod
    def of(cls, rule: DomainRule) -> "RetentionRule":
        """Convert the domain's value."""
        return cls(about=rule.label, part=rule.part, days=rule.days, reason=rule.reason)


@requires(RETENTION_READ)
@strawberry.type(description="The rules of retention.toml.")
class RetentionRules:
    """The rules in GraphQL."""

    rules: list[RetentionRule] = strawberry.field(
        description="The rules by which data expires; of several, the shortest counts."
    )
    holds: list[RetentionRule] = strawberry.field(
        description="How long data is kept at least, whatever the rules say. E.g. orders, because a law says so."
    )


@requires(HISTORY_READ)
@strawberry.type(description="A statement that has expired, or a part of it.")
class ExpiredStatement:
    """The name of a statement in GraphQL."""

    source: str = strawberry.field(description="The source. E.g. `web-shop`.")
    id: str = strawberry.field(description="The id; `revokeObservations` accepts it together with the source.")


@requires(RETENTION_READ, examples=HISTORY_READ)
@strawberry.type(description="How much has expired by one rule, of statements of one kind.")
class ExpiryCount:
    """A count in GraphQL."""

    rule: RetentionRule = strawberry.field(description="The rule.")
    kind: str = strawberry.field(
        description="The kind of the statements: `observation`, `attributes`, `consent`, `interaction`, `order` or "
        "`external_segment`."
    )
    count: int = strawberry.field(description="The number of statements, identifiers or texts, as the rule says.")
    oldest_seen_at: Timestamp = strawberry.field(description="The time of the oldest of these statements.")
    examples: list[ExpiredStatement] = strawberry.field(
        description="Up to 3 of these statements, by source and id. Empty for what was removed."
    )

    @classmethod
    def of(cls, count: DomainCount) -> "ExpiryCount":
        """Convert the domain's value."""
        return cls(
            rule=RetentionRule.of(count.rule),
            kind=kind_name(count.kind),
            count=count.count,
            oldest_seen_at=Timestamp(count.oldest),
            examples=[ExpiredStatement(source=source, id=id) for source, id in count.examples],
        )


@requires(RETENTION_READ)
@strawberry.type(description="What has expired of what is stored, and would be removed by `runRetention`.")
class RetentionPreview:
    """A preview in GraphQL."""

    at: Timestamp = strawberry.field(description="The time at which it has expired.")
    counts: list[ExpiryCount] = strawberry.field(description="How much has expired, the highest number first.")
    complete: bool = strawberry.field(
        description="Whether all stored statements were examined. If not, there are too many for one request: "
        "`kith retention preview` examines all of them."
    )

    @classmethod
    def of(cls, preview: DomainPreview) -> "RetentionPreview":
        """Convert the domain's value."""
        counts = list(map(ExpiryCount.of, preview.counts))
        return cls(at=Timestamp(preview.at), counts=counts, complete=preview.complete)


@requires(RETENTION_READ)
@strawberry.type(description="A run that removes what had expired when it started.")
class RetentionRun:
    """A run in GraphQL."""

    started_at: Timestamp = strawberry.field(description="When it started.")
    active_at: Timestamp = strawberry.field(description="The last time at which it was known to be running.")
    ended_at: Timestamp | None = strawberry.field(
        description="When it ended. Null while it is running, or if it was cut off; the next run continues it."
    )
    actor: str = strawberry.field(description="Who started it. Empty if the service did, by its interval.")
    counts: list[ExpiryCount] = strawberry.field(description="How much it has removed so far.")
    identifiers: int = strawberry.field(
        description="The number of identifiers that it has removed so far because nothing named them any longer."
    )

    @classmethod
    def of(cls, run: DomainRun) -> "RetentionRun":
        """Convert the domain's value."""
        return cls(
            started_at=Timestamp(run.started_at),
            active_at=Timestamp(run.active_at),
            ended_at=None if run.ended_at is None else Timestamp(run.ended_at),
            actor=run.actor,
            counts=list(map(ExpiryCount.of, run.counts)),
            identifiers=run.identifiers,
        )


@requires(RETENTION_RUN, run=RETENTION_READ)
@strawberry.type(description="The result of `runRetention`.")
class RetentionRunPayload:
    """The payload of `runRetention`."""

    run: RetentionRun | None = strawberry.field(description="The run. Null if `errors` is not empty.")
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")
