"""Queries and mutations of refused records."""

from typing import Annotated

import strawberry

from graph.domain.access.scopes import REFUSED_READ, REFUSED_WRITE
from graph.domain.model.errors import InvalidInput
from graph.domain.model.refused_records import RefusedFilter
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp, require_valid
from schema.types.refused_record import DeleteRefusedRecordsPayload, RefusedRecord, RefusedRecordCount


@strawberry.input(description="The input of `deleteRefusedRecords`.")
class DeleteRefusedRecordsInput:
    """The input of `deleteRefusedRecords`."""

    ids: list[strawberry.ID] = strawberry.field(description="The ids of refused records, 1 to 1,000.")


@requires(refused_records=REFUSED_READ, refused_record_counts=REFUSED_READ)
@strawberry.type
class RefusedRecordQueries:
    """Queries of refused records."""

    @strawberry.field(
        description="The records that could not be taken, those that were delivered last first. They are kept for "
        "`KITH_REFUSED_DAYS`, the newest 10,000 of each source."
    )
    async def refused_records(
        self,
        info: Info,
        source: Annotated[
            str | None, strawberry.argument(description="Only records of this source. E.g. `web-shop`.")
        ] = None,
        code: Annotated[
            str | None, strawberry.argument(description="Only records with this problem. E.g. `NO_VALID_IDENTIFIERS`.")
        ] = None,
        since: Annotated[
            Timestamp | None, strawberry.argument(description="Only records that were delivered at this time or later.")
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[RefusedRecord]:
        """Return a page of refused records."""
        filter = RefusedFilter(source, code, require_valid(since, "since"))
        position = None if after is None else decode(after, int, str)
        page = await info.context.graph.refused_records(
            filter, position and (position[0], position[1]), page_size(first)
        )
        result: Connection[RefusedRecord] = connection(
            page, RefusedRecord.of, lambda record: encode(*record.position), after
        )
        return result

    @strawberry.field(description="How many refused records are kept, by source and code.")
    async def refused_record_counts(self, info: Info) -> list[RefusedRecordCount]:
        """Return the numbers of refused records."""
        return [RefusedRecordCount.of(count) for count in await info.context.graph.refused_counts()]


@requires(delete_refused_records=REFUSED_WRITE)
@strawberry.type
class RefusedRecordMutations:
    """Mutations of refused records."""

    @strawberry.mutation(description="Delete refused records that nobody needs any longer.")
    async def delete_refused_records(self, info: Info, input: DeleteRefusedRecordsInput) -> DeleteRefusedRecordsPayload:
        """Delete refused records."""
        try:
            deleted = await info.context.graph.delete_refused_records(list(map(str, input.ids)))
        except InvalidInput as error:
            return DeleteRefusedRecordsPayload(deleted=0, errors=[Problem.of(error.problem())])
        return DeleteRefusedRecordsPayload(deleted=deleted, errors=[])
