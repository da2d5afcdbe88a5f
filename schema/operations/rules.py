"""Queries and mutations on the rules."""

from typing import Annotated

import strawberry

from graph.domain.model.errors import Conflict, InvalidInput
from schema.shared.context import Info
from schema.shared.problems import Problem
from schema.types.rules import (
    ApplyRulesPayload,
    PreviewPayload,
    RulesPreview,
    RulesProgress,
    RulesVersion,
)

AT_ONCE = 2.0
"""Seconds that a preview is waited for before it is answered as running."""


@strawberry.input(description="Rules to try.")
class PreviewRulesInput:
    """The input of `previewRules`."""

    rules: str = strawberry.field(description="The text of a rules file.")
    masked: bool = strawberry.field(default=True, description="Whether the values in samples are masked.")


@strawberry.input(description="Rules to put in force.")
class ApplyRulesInput:
    """The input of `applyRules`."""

    rules: str = strawberry.field(description="The text of a rules file.")
    expected_version: int = strawberry.field(
        description="The version in force as the caller knows it; another is an error."
    )


@strawberry.type
class RulesQueries:
    """What can be asked of the rules."""

    @strawberry.field(description="The rules in force; null before the service has met its database.")
    async def rules(self, info: Info) -> RulesVersion | None:
        """The newest version."""
        rules = info.context.graph.rules_control
        kept = await rules.newest()
        return None if kept is None else RulesVersion.of(kept, await rules.progress())

    @strawberry.field(description="A preview that was begun in this process.")
    def rules_preview(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> RulesPreview | None:
        """A preview."""
        preview = info.context.graph.rules_previews.get(str(id))
        return None if preview is None else RulesPreview.of(preview)


@strawberry.type
class RulesMutations:
    """What can be done with the rules."""

    @strawberry.mutation(
        description="Find out what other rules would change in what is stored. A short one is answered done, a long "
        "one goes on: see `rulesPreview` and `cancelPreview`. Nothing is written."
    )
    async def preview_rules(self, info: Info, input: PreviewRulesInput) -> PreviewPayload:
        """Begin a preview."""
        try:
            preview = info.context.graph.rules_previews.begin(input.rules, input.masked)
        except InvalidInput as error:
            return PreviewPayload(preview=None, errors=[Problem.of(error.problem())])
        await preview.wait(AT_ONCE)
        return PreviewPayload(preview=RulesPreview.of(preview), errors=[])

    @strawberry.mutation(description="Stop a preview.")
    def cancel_preview(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> PreviewPayload:
        """Cancel a preview."""
        preview = info.context.graph.rules_previews.get(str(id))
        if preview is None:
            error = InvalidInput("UNKNOWN_PREVIEW", f"there is no preview {str(id)[:60]!r}", ("id",))
            return PreviewPayload(preview=None, errors=[Problem.of(error.problem())])
        preview.cancel()
        return PreviewPayload(preview=RulesPreview.of(preview), errors=[])

    @strawberry.mutation(
        description="Put rules in force: at once for what comes in, in the background for what is stored; everything "
        "is served meanwhile, and a restart goes on where it was. Every version is kept."
    )
    async def apply_rules(self, info: Info, input: ApplyRulesInput) -> ApplyRulesPayload:
        """Apply rules."""
        try:
            progress = await info.context.graph.rules_control.apply(input.rules, input.expected_version)
        except (InvalidInput, Conflict) as error:
            return ApplyRulesPayload(progress=None, errors=[Problem.of(error.problem())])
        return ApplyRulesPayload(progress=RulesProgress.of(progress), errors=[])
