"""The query of the record of processing activities."""

from typing import cast

import strawberry

from graph.domain.access.scopes import PROCESSING_READ
from schema.shared.context import Info
from schema.shared.required_scopes import requires
from schema.types.processing_record import ProcessingRecord


@requires(processing_record=PROCESSING_READ)
@strawberry.type
class ProcessingRecordQueries:
    """Queries of the record of processing activities."""

    @strawberry.field(
        description="The record of processing activities (Art. 30 GDPR), from what is declared in attributes.toml, "
        "access.toml and rules.toml, from keys, and from settings. What nobody has declared is named in `gaps`."
    )
    async def processing_record(self, info: Info) -> ProcessingRecord:
        """Return the record as of now."""
        return cast(ProcessingRecord, await info.context.processing.record())
