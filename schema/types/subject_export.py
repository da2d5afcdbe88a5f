"""The export of a person's data in GraphQL."""

from collections.abc import Sequence

import strawberry
from msgspec.json import Decoder, Encoder
from strawberry.scalars import JSON

from graph.domain.access.scopes import SUBJECT_EXPORT
from graph.domain.export.document import SubjectDocument
from graph.domain.export.records import Record
from schema.shared.derived_fields import Derived
from schema.shared.required_scopes import requires

_of_export = Derived["SubjectExport"]()
_encoder, _decoder = Encoder(), Decoder()


@requires(SUBJECT_EXPORT)
@strawberry.type(description="Everything that Kith stores about one person. Identifiers of others are masked.")
class SubjectExport:
    """An export in GraphQL."""

    exported: strawberry.Private[SubjectDocument]
    lines: strawberry.Private[Sequence[Record]]

    customer_id: strawberry.ID = _of_export(lambda self: self.exported.customer.id, "The id of the customer.")
    statement_count: int = _of_export(
        lambda self: len(self.exported.statements), "The number of statements, whatever their status."
    )
    document: JSON = _of_export(
        lambda self: _decoder.decode(_encoder.encode(self.exported)),
        "The data as a JSON document: identifiers, profile, consents, figures with the rules behind them, statements "
        "as they were sent, history, recipients and origins. docs/reference/subject-export.md describes the format.",
    )
    import_lines: str = _of_export(
        lambda self: _encoder.encode_lines(self.lines).decode(),
        "The statements that count, as NDJSON that `kith import` reads, without identifiers of others.",
    )
