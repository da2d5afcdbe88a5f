"""The rules, their rollout and previews of other rules in GraphQL."""

import strawberry

from graph.commands.rules_rollout import RolloutProgress
from graph.domain.access.scopes import RULES_APPLY, RULES_READ
from graph.domain.model.rules import StoredRules
from graph.queries.rules_preview import PreviewImpact, PreviewState, PreviewStatus
from graph.queries.rules_preview import Sample as DomainSample
from schema.shared.enums import describe_enum
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierRef

describe_enum(
    PreviewState,
    "PreviewState",
    "The state of a preview.",
    RUNNING="The preview is running.",
    COMPLETED="The preview is complete.",
    CANCELLED="The preview was canceled.",
    FAILED="The preview failed because the database was unavailable.",
)


@requires(RULES_READ)
@strawberry.type(
    description="The progress of applying rules to stored observations. Queries and mutations are served meanwhile."
)
class RulesRollout:
    """A rollout in GraphQL."""

    version: int = strawberry.field(description="The version of the rules.")
    processed: int = strawberry.field(
        description="The number of observations processed under these rules since the service started."
    )
    total: int = strawberry.field(description="The total number of observations.")
    running: bool = strawberry.field(description="Whether the rollout is running.")

    @classmethod
    def of(cls, progress: RolloutProgress) -> "RulesRollout":
        """Convert the domain's value."""
        return cls(
            version=progress.version, processed=progress.processed, total=progress.total, running=progress.running
        )


@requires(RULES_READ)
@strawberry.type(description="A version of the rules.")
class RulesVersion:
    """A version of the rules in GraphQL."""

    version: int = strawberry.field(
        description="The version number; `expectedVersion` of the next `applyRules` must be equal to it."
    )
    created_at: Timestamp = strawberry.field(description="When this version was applied.")
    text: str = strawberry.field(description="The text of the rules file, in TOML.")
    progress: RulesRollout = strawberry.field(
        description="The progress of applying these rules to stored observations."
    )

    @classmethod
    def of(cls, stored: StoredRules, progress: RolloutProgress) -> "RulesVersion":
        """Convert the domain's values."""
        return cls(
            version=stored.version,
            created_at=Timestamp(stored.created_at),
            text=stored.text,
            progress=RulesRollout.of(progress),
        )


@requires(RULES_READ)
@strawberry.type(description="An example of customers that would be merged or split.")
class PreviewSample:
    """A sample in GraphQL."""

    customer_ids: list[strawberry.ID] = strawberry.field(description="The ids of the customers now.")
    groups: list[list[IdentifierRef]] = strawberry.field(
        description="The customers that would result, as groups of identifiers; up to 20 identifiers per group."
    )

    @classmethod
    def of(cls, sample: DomainSample) -> "PreviewSample":
        """Convert the domain's value."""
        groups = [[IdentifierRef.of(key) for key in keys] for keys in sample.groups]
        return cls(customer_ids=[strawberry.ID(id) for id in sample.ids], groups=groups)


@requires(RULES_READ)
@strawberry.type(description="What other rules would change, or revoking or restoring a source.")
class RulesImpact:
    """The impact of other rules in GraphQL."""

    current_customers: int = strawberry.field(description="The number of customers now.")
    projected_customers: int = strawberry.field(description="The number of customers that would result.")
    merging_customers: int = strawberry.field(
        description="The number of current customers that would be merged with others."
    )
    splitting_customers: int = strawberry.field(description="The number of current customers that would be split.")
    changed_customers: int = strawberry.field(
        description="The number of current customers that would be merged, split or lose all their identifiers."
    )
    newly_rejected: int = strawberry.field(
        description="The number of valid observations that would no longer count: rejected by the rules (`INACTIVE`), "
        "or of a revoked source (`SOURCE_REVOKED`). They would stay stored."
    )
    newly_accepted: int = strawberry.field(
        description="The number of observations that are `INACTIVE` or `SOURCE_REVOKED` now and would become valid."
    )
    sample_merges: list[PreviewSample] = strawberry.field(
        description="Up to 5 examples of customers that would be merged."
    )
    sample_splits: list[PreviewSample] = strawberry.field(
        description="Up to 5 examples of customers that would be split."
    )

    @classmethod
    def of(cls, impact: PreviewImpact) -> "RulesImpact":
        """Convert the domain's value."""
        return cls(
            current_customers=impact.current_customers,
            projected_customers=impact.projected_customers,
            merging_customers=impact.merging_customers,
            splitting_customers=impact.splitting_customers,
            changed_customers=impact.changed_customers,
            newly_rejected=impact.newly_rejected,
            newly_accepted=impact.newly_accepted,
            sample_merges=[PreviewSample.of(sample) for sample in impact.sample_merges],
            sample_splits=[PreviewSample.of(sample) for sample in impact.sample_splits],
        )


@requires(RULES_READ)
@strawberry.type(
    description="A preview of what other rules, or revoking or restoring a source, would change. It changes no data."
)
class RulesPreview:
    """A preview in GraphQL."""

    id: strawberry.ID = strawberry.field(
        description="The id; `rulesPreview` and `cancelPreview` accept it until the service restarts."
    )
    state: PreviewState = strawberry.field(description="The state of the preview.")
    processed: int = strawberry.field(description="The number of observations processed.")
    total: int = strawberry.field(description="The total number of observations.")
    impact: RulesImpact | None = strawberry.field(description="What would change. Null until the preview is complete.")

    @classmethod
    def of(cls, preview: PreviewStatus) -> "RulesPreview":
        """Convert the domain's value."""
        impact = preview.impact
        return cls(
            id=strawberry.ID(preview.id),
            state=preview.state,
            processed=preview.processed,
            total=preview.total,
            impact=None if impact is None else RulesImpact.of(impact),
        )


@requires(RULES_READ)
@strawberry.type(description="The result of the mutations `preview…` and of `cancelPreview`.")
class PreviewPayload:
    """The payload of the mutations that start or cancel a preview."""

    preview: RulesPreview | None = strawberry.field(description="The preview. Null if `errors` is not empty.")
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")


@requires(RULES_APPLY)
@strawberry.type(description="The result of `applyRules`.")
class ApplyRulesPayload:
    """The payload of `applyRules`."""

    progress: RulesRollout | None = strawberry.field(
        description="The progress of applying the rules to stored observations. Null if `errors` is not empty."
    )
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")
