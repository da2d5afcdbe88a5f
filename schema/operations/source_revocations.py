"""Queries and mutations of source revocations."""

from typing import Annotated

import strawberry

from graph.domain.access.scopes import SOURCE_READ, SOURCE_REVOKE
from graph.domain.model.errors import InvalidInput
from graph.domain.model.source_revocations import SourceWindow
from graph.domain.profile.pages import Page
from schema.operations.actors import ACTOR, REASON
from schema.operations.rules import MASK_VALUES, preview_payload
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp, require_valid
from schema.types.rules import PreviewPayload
from schema.types.source_revocation import SourceRevocation, SourceRevocationPayload

_ID = "The id of the source revocation."


@strawberry.input
class SourceWindowInput:
    """The fields that say what of a source is revoked."""

    source: str = strawberry.field(description="The source, 1 to 100 characters. E.g. `loyalty-partner`.")
    recorded_from: Timestamp | None = strawberry.field(
        default=None,
        description="Revoke what was recorded at this time or later, by the clock of the service. Without it, from the "
        "beginning.",
    )
    recorded_to: Timestamp | None = strawberry.field(
        default=None,
        description="Revoke what was recorded before this time, which is not in the future. Without it, until now.",
    )
    include_refusals: bool = strawberry.field(
        default=False,
        description="Whether to revoke consent decisions `REFUSED` and `WITHDRAWN` too. Without it they stay in "
        "effect, so that nobody is written to who said no.",
    )


@strawberry.input(description="The input of `previewRevokeSource`.")
class PreviewRevokeSourceInput(SourceWindowInput):
    """The input of `previewRevokeSource`."""

    mask_values: bool = strawberry.field(default=True, description=MASK_VALUES)


@strawberry.input(description="The input of `revokeSource`.")
class RevokeSourceInput(SourceWindowInput):
    """The input of `revokeSource`."""

    reason: str = strawberry.field(default="", description=f"{REASON}`wrong CRM numbers in the export`.")
    actor: str | None = strawberry.field(default=None, description=ACTOR)


@strawberry.input(description="The input of `previewRestoreSource`.")
class PreviewRestoreSourceInput:
    """The input of `previewRestoreSource`."""

    id: strawberry.ID = strawberry.field(description=_ID)
    mask_values: bool = strawberry.field(default=True, description=MASK_VALUES)


@strawberry.input(description="The input of `restoreSource`.")
class RestoreSourceInput:
    """The input of `restoreSource`."""

    id: strawberry.ID = strawberry.field(description=_ID)
    actor: str | None = strawberry.field(default=None, description=ACTOR)


def _window(input: SourceWindowInput) -> SourceWindow:
    return SourceWindow(
        input.source,
        require_valid(input.recorded_from, "recordedFrom"),
        require_valid(input.recorded_to, "recordedTo"),
        input.include_refusals,
    )


def _failed(error: InvalidInput) -> SourceRevocationPayload:
    return SourceRevocationPayload(revocation=None, created=False, errors=[Problem.of(error.problem())])


@requires(source_revocations=SOURCE_READ)
@strawberry.type
class SourceRevocationQueries:
    """Queries of source revocations."""

    @strawberry.field(description="The source revocations, in the order in which they were set.")
    async def source_revocations(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        include_restored: Annotated[
            bool, strawberry.argument(description="Whether to return those that were restored, too.")
        ] = False,
    ) -> Connection[SourceRevocation]:
        """Return a page of source revocations; there are few, so all are read."""
        position, size = ("",) if after is None else decode(after, str), page_size(first)
        revocations = [
            revocation
            for revocation in await info.context.graph.source_revocations()
            if (include_restored or revocation.in_effect)
        ]
        ids = [revocation.id for revocation in revocations]
        begin = ids.index(position[0]) + 1 if position[0] in ids else 0
        page = Page(revocations[begin : begin + size], len(revocations) > begin + size)
        masks = info.context.graph.masks
        result: Connection[SourceRevocation] = connection(
            page,
            lambda item: SourceRevocation.of(masks.source_revocation(item)),
            lambda revocation: encode(revocation.id),
            after,
        )
        return result


@requires(
    preview_revoke_source=SOURCE_REVOKE,
    revoke_source=SOURCE_REVOKE,
    preview_restore_source=SOURCE_REVOKE,
    restore_source=SOURCE_REVOKE,
)
@strawberry.type
class SourceRevocationMutations:
    """Mutations of source revocations."""

    @strawberry.mutation(
        description="Calculate what revoking a source would change, without changing any data. A short preview is "
        "returned complete; a long one continues in the background. See `rulesPreview` and `cancelPreview`."
    )
    async def preview_revoke_source(self, info: Info, input: PreviewRevokeSourceInput) -> PreviewPayload:
        """Start a preview of `revokeSource`."""
        try:
            preview = await info.context.graph.preview_revocation(_window(input), input.mask_values)
        except InvalidInput as error:
            return PreviewPayload(preview=None, errors=[Problem.of(error.problem())])
        return await preview_payload(preview)

    @strawberry.mutation(
        description="Revoke everything that a source sent in a window of time: links, orders and all other facts. It "
        "takes effect in the background; the service stays available meanwhile, and continues after a restart. "
        "`restoreSource` undoes it. The same revocation again changes nothing."
    )
    async def revoke_source(self, info: Info, input: RevokeSourceInput) -> SourceRevocationPayload:
        """Revoke a source."""
        try:
            revoked = await info.context.graph.revoke_source(_window(input), input.actor or "", input.reason)
        except InvalidInput as error:
            return _failed(error)
        return SourceRevocationPayload(
            revocation=SourceRevocation.of(info.context.graph.masks.source_revocation(revoked.revocation)),
            created=revoked.created,
            errors=[],
        )

    @strawberry.mutation(
        description="Calculate what restoring a revoked source would change, without changing any data. See "
        "`previewRevokeSource`."
    )
    async def preview_restore_source(self, info: Info, input: PreviewRestoreSourceInput) -> PreviewPayload:
        """Start a preview of `restoreSource`."""
        try:
            preview = await info.context.graph.preview_restoration(str(input.id), input.mask_values)
        except InvalidInput as error:
            return PreviewPayload(preview=None, errors=[Problem.of(error.problem())])
        return await preview_payload(preview)

    @strawberry.mutation(
        description="Restore a revoked source: everything counts again that no other source revocation covers and that "
        "was not revoked by itself. It takes effect in the background, as `revokeSource` does."
    )
    async def restore_source(self, info: Info, input: RestoreSourceInput) -> SourceRevocationPayload:
        """Restore a source."""
        try:
            revocation = await info.context.graph.restore_source(str(input.id), input.actor or "")
        except InvalidInput as error:
            return _failed(error)
        shown = info.context.graph.masks.source_revocation(revocation)
        return SourceRevocationPayload(revocation=SourceRevocation.of(shown), created=False, errors=[])
