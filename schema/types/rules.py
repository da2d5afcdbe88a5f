"""The rules in GraphQL."""

import strawberry

from graph.commands.rules_rollout import Progress
from graph.domain.model.rules import KeptRules
from graph.queries.rules_preview import Difference, Preview, PreviewState
from graph.queries.rules_preview import Sample as DomainSample
from schema.shared.enums import described
from schema.shared.problems import Problem
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierName

described(
    PreviewState,
    "PreviewState",
    "How a preview stands.",
    RUNNING="It goes on.",
    DONE="It has come to its end.",
    CANCELLED="It was cancelled.",
    FAILED="The database did not answer in between.",
)


@strawberry.type(description="How far a version of the rules has got; everything is served meanwhile.")
class RulesProgress:
    """Progress in GraphQL."""

    version: int = strawberry.field(description="The version.")
    done: int = strawberry.field(description="Observations that were read under it since the service started.")
    total: int = strawberry.field(description="All observations.")
    running: bool = strawberry.field(description="Whether it goes on.")

    @classmethod
    def of(cls, progress: Progress) -> "RulesProgress":
        """From the domain's value."""
        return cls(version=progress.version, done=progress.done, total=progress.total, running=progress.running)


@strawberry.type(description="The rules in force.")
class RulesVersion:
    """A version of the rules in GraphQL."""

    version: int = strawberry.field(description="Its number: `expectedVersion` of the next `applyRules`.")
    at: Timestamp = strawberry.field(description="Since when.")
    text: str = strawberry.field(description="The rules file.")
    progress: RulesProgress = strawberry.field(description="How far it has got.")

    @classmethod
    def of(cls, kept: KeptRules, progress: Progress) -> "RulesVersion":
        """From the domain's values."""
        return cls(version=kept.version, at=Timestamp(kept.at), text=kept.text, progress=RulesProgress.of(progress))


@strawberry.type(description="Customers of now, and the groups of identifiers that they would come to.")
class PreviewSample:
    """A sample in GraphQL."""

    customer_ids: list[strawberry.ID] = strawberry.field(description="The customers of now.")
    groups: list[list[IdentifierName]] = strawberry.field(description="The groups; up to 20 identifiers of each.")

    @classmethod
    def of(cls, sample: DomainSample) -> "PreviewSample":
        """From the domain's value."""
        groups = [[IdentifierName.of(key) for key in keys] for keys in sample.groups]
        return cls(customer_ids=[strawberry.ID(id) for id in sample.ids], groups=groups)


@strawberry.type(description="What other rules would change.")
class RulesDifference:
    """A difference in GraphQL."""

    customers_now: int = strawberry.field(description="Customers now.")
    customers_then: int = strawberry.field(description="Customers under the other rules.")
    merging: int = strawberry.field(description="Customers of now that would go together with others.")
    splitting: int = strawberry.field(description="Customers of now that would fall apart.")
    changed: int = strawberry.field(description="Customers of now to which either happens, or that lose all.")
    refused: int = strawberry.field(
        description="Observations that count now and would be refused; they stay stored and return with other rules."
    )
    accepted: int = strawberry.field(description="Observations that are refused now and would count.")
    merges: list[PreviewSample] = strawberry.field(description="Some that would go together.")
    splits: list[PreviewSample] = strawberry.field(description="Some that would fall apart.")

    @classmethod
    def of(cls, one: Difference) -> "RulesDifference":
        """From the domain's value."""
        return cls(
            customers_now=one.customers_now,
            customers_then=one.customers_then,
            merging=one.merging,
            splitting=one.splitting,
            changed=one.changed,
            refused=one.refused,
            accepted=one.accepted,
            merges=[PreviewSample.of(sample) for sample in one.merges],
            splits=[PreviewSample.of(sample) for sample in one.splits],
        )


@strawberry.type(description="A preview of other rules on what is stored. Nothing is written.")
class RulesPreview:
    """A preview in GraphQL."""

    id: strawberry.ID = strawberry.field(description="For `rulesPreview` and `cancelPreview`, in this process.")
    state: PreviewState = strawberry.field(description="How it stands.")
    done: int = strawberry.field(description="Observations read.")
    total: int = strawberry.field(description="All observations.")
    difference: RulesDifference | None = strawberry.field(description="What was found, once it is done.")

    @classmethod
    def of(cls, preview: Preview) -> "RulesPreview":
        """From the domain's value."""
        found = preview.difference
        return cls(
            id=strawberry.ID(preview.id),
            state=preview.state,
            done=preview.done,
            total=preview.total,
            difference=None if found is None else RulesDifference.of(found),
        )


@strawberry.type(description="A preview that was begun, or what is wrong with the request.")
class PreviewPayload:
    """The payload of `previewRules` and `cancelPreview`."""

    preview: RulesPreview | None = strawberry.field(description="The preview; null if `errors` is not empty.")
    errors: list[Problem] = strawberry.field(description="What is wrong with the request.")


@strawberry.type(description="New rules that are in force, or what is wrong with the request.")
class ApplyRulesPayload:
    """The payload of `applyRules`."""

    progress: RulesProgress | None = strawberry.field(description="How far they have got; null with `errors`.")
    errors: list[Problem] = strawberry.field(description="What is wrong with the request.")
