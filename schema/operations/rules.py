"""Queries and mutations of the rules."""

from typing import Annotated

import strawberry

from graph.domain.access.scopes import CONTACT_READ, RULES_APPLY, RULES_PREVIEW, RULES_READ
from graph.domain.model.errors import InvalidInput, VersionConflict
from graph.queries.rules_preview import Preview
from schema.shared.context import Info
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.types.rules import (
    ApplyRulesPayload,
    PreviewPayload,
    RulesPreview,
    RulesRollout,
    RulesVersion,
)

MASK_VALUES = (
    f"Whether to mask the values of identifiers in the samples. `false` requires the scope `{CONTACT_READ}`, here and "
    "to read the preview later."
)
"""The description of every input field that says whether to mask the samples of a preview."""
PREVIEW_WAIT_SECONDS = 2.0
"""Seconds that a preview may take to be returned complete; a longer one is returned as running."""


async def preview_payload(preview: Preview) -> PreviewPayload:
    """Return a preview that has started, complete if it takes no longer than `PREVIEW_WAIT_SECONDS`."""
    await preview.wait(PREVIEW_WAIT_SECONDS)
    return PreviewPayload(preview=RulesPreview.of(preview.status), errors=[])


@strawberry.input(description="The input of `previewRules`.")
class PreviewRulesInput:
    """The input of `previewRules`."""

    rules: str = strawberry.field(description="The text of a rules file, in TOML.")
    mask_values: bool = strawberry.field(default=True, description=MASK_VALUES)


@strawberry.input(description="The input of `applyRules`.")
class ApplyRulesInput:
    """The input of `applyRules`."""

    rules: str = strawberry.field(description="The text of a rules file, in TOML.")
    expected_version: int = strawberry.field(
        description="The version that the new rules replace. If it is not the current version, the result is "
        "`VERSION_CONFLICT`."
    )


@requires(rules=RULES_READ, rules_preview=RULES_READ)
@strawberry.type
class RulesQueries:
    """Queries of the rules."""

    @strawberry.field(description="The rules in effect. Null until the service has connected to its database.")
    async def rules(self, info: Info) -> RulesVersion | None:
        """Return the newest version."""
        rules = info.context.graph.rules_control
        stored = await rules.newest()
        return None if stored is None else RulesVersion.of(stored, await rules.progress())

    @strawberry.field(
        description="The preview with this id: of other rules, or of revoking or restoring a source. Null if it does "
        "not exist."
    )
    async def rules_preview(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The id of the preview.")]
    ) -> RulesPreview | None:
        """Return a preview."""
        preview = await info.context.graph.preview(str(id))
        return None if preview is None else RulesPreview.of(preview)


@requires(preview_rules=RULES_PREVIEW, cancel_preview=RULES_PREVIEW, apply_rules=RULES_APPLY)
@strawberry.type
class RulesMutations:
    """Mutations of the rules."""

    @strawberry.mutation(
        description="Calculate what other rules would change, without changing any data. A short preview is returned "
        "complete; a long one continues in the background. See `rulesPreview` and `cancelPreview`."
    )
    async def preview_rules(self, info: Info, input: PreviewRulesInput) -> PreviewPayload:
        """Start a preview."""
        try:
            preview = info.context.graph.preview_rules(input.rules, input.mask_values)
        except InvalidInput as error:
            return PreviewPayload(preview=None, errors=[Problem.of(error.problem())])
        return await preview_payload(preview)

    @strawberry.mutation(description="Cancel a preview: of other rules, or of revoking or restoring a source.")
    async def cancel_preview(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The id of the preview.")]
    ) -> PreviewPayload:
        """Cancel a preview."""
        preview = await info.context.graph.preview(str(id), cancel=True)
        if preview is None:
            error = InvalidInput("PREVIEW_NOT_FOUND", f"preview {str(id)[:60]!r} does not exist", ("id",))
            return PreviewPayload(preview=None, errors=[Problem.of(error.problem())])
        return PreviewPayload(preview=RulesPreview.of(preview), errors=[])

    @strawberry.mutation(
        description="Apply new rules: to new data at once, to stored data in the background. The service stays "
        "available meanwhile, and continues after a restart. All versions are stored."
    )
    async def apply_rules(self, info: Info, input: ApplyRulesInput) -> ApplyRulesPayload:
        """Apply rules."""
        try:
            progress = await info.context.graph.rules_control.apply(input.rules, input.expected_version)
        except (InvalidInput, VersionConflict) as error:
            return ApplyRulesPayload(progress=None, errors=[Problem.of(error.problem())])
        return ApplyRulesPayload(progress=RulesRollout.of(progress), errors=[])
