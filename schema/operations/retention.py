"""Queries and mutations of retention."""

import strawberry

from graph.domain.access.scopes import RETENTION_READ, RETENTION_RUN
from graph.domain.model.errors import InvalidInput
from schema.operations.actors import ACTOR
from schema.shared.context import Info
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.types.retention import RetentionPreview, RetentionRule, RetentionRules, RetentionRun, RetentionRunPayload

MAX_PAGES = 100
"""Pages of statements that a preview examines, so that it ends within the time of an operation."""
RUN_WAIT_SECONDS = 2.0
"""Seconds that a run may take to be returned complete; a longer one is returned as running."""


@strawberry.input(description="The input of `runRetention`.")
class RunRetentionInput:
    """The input of `runRetention`."""

    actor: str | None = strawberry.field(default=None, description=ACTOR)


@requires(retention_rules=RETENTION_READ, retention_preview=RETENTION_READ, retention_run=RETENTION_READ)
@strawberry.type
class RetentionQueries:
    """Queries of retention."""

    @strawberry.field(description="How long data is kept: the rules of retention.toml.")
    def retention_rules(self, info: Info) -> RetentionRules:
        """Return the rules and holds."""
        retention = info.context.graph.retention.retention
        return RetentionRules(
            rules=list(map(RetentionRule.of, retention.rules)), holds=list(map(RetentionRule.of, retention.holds))
        )

    @strawberry.field(
        description="What has expired of what is stored: what `runRetention` would remove now. Nothing is changed."
    )
    async def retention_preview(self, info: Info) -> RetentionPreview:
        """Return a preview."""
        return RetentionPreview.of(await info.context.graph.retention.preview(MAX_PAGES))

    @strawberry.field(description="The newest run of any process. Null if there was none.")
    async def retention_run(self, info: Info) -> RetentionRun | None:
        """Return the newest run."""
        run = await info.context.graph.retention.newest_run()
        return None if run is None else RetentionRun.of(run)


@requires(run_retention=RETENTION_RUN)
@strawberry.type
class RetentionMutations:
    """Mutations of retention."""

    @strawberry.mutation(
        description="Remove what has expired, for good. A short run is returned complete; a long one continues in the "
        "background: see `retentionRun`. The service does the same each day (`KITH_RETENTION_INTERVAL_SECONDS`)."
    )
    async def run_retention(self, info: Info, input: RunRetentionInput) -> RetentionRunPayload:
        """Run retention."""
        try:
            run = await info.context.graph.run_retention(input.actor or "", RUN_WAIT_SECONDS)
        except InvalidInput as error:
            return RetentionRunPayload(run=None, errors=[Problem.of(error.problem())])
        return RetentionRunPayload(run=None if run is None else RetentionRun.of(run), errors=[])
