"""The query that exports everything about a person."""

from typing import Annotated

import strawberry

from graph.domain.access.scopes import SUBJECT_EXPORT
from schema.operations.customers import CustomerBy
from schema.shared.context import Info
from schema.shared.required_scopes import requires
from schema.types.subject_export import SubjectExport


@requires(export_subject=SUBJECT_EXPORT)
@strawberry.type
class SubjectExportQueries:
    """Exports of what is stored about people."""

    @strawberry.field(
        description="Everything that Kith stores about a person, to be handed to that person. Null if no customer has "
        "this id or identifier. Of a person with more than 20,000 statements it is `EXPORT_TOO_LARGE`: "
        "`kith subject export` writes any number."
    )
    async def export_subject(
        self,
        info: Info,
        by: Annotated[CustomerBy, strawberry.argument(description="The id or an identifier of the person.")],
    ) -> SubjectExport | None:
        """Return the export of one person."""
        graph = info.context.graph
        export = await graph.export_subject(by.ref(graph), info.context.audit)
        if export is None:
            return None
        document, lines = await export.read()
        return SubjectExport(exported=document, lines=lines)
