"""Refused records in GraphQL."""

import strawberry

from graph.domain.access.scopes import REFUSED_READ, REFUSED_WRITE
from graph.domain.model.refused_records import RefusedCount
from graph.domain.model.refused_records import RefusedRecord as DomainRefusedRecord
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp

_VALUES = "Null for callers that do not see all values of everybody"


@requires(REFUSED_READ)
@strawberry.type(
    description="A record that a source sent and that could not be taken. It is kept for a while, and has no effect."
)
class RefusedRecord:
    """A refused record in GraphQL."""

    id: strawberry.ID = strawberry.field(
        description="The id; `deleteRefusedRecords` accepts it. The same content refused again with the same code has "
        "the same id. E.g. `rfr_…`."
    )
    source: str = strawberry.field(description="The source that sent the record. E.g. `web-shop`.")
    mapping: str = strawberry.field(description="The mapping that the record was read with. E.g. `segment`.")
    code: str = strawberry.field(
        description="The problem, for programs: a code of problems. E.g. `NO_VALID_IDENTIFIERS`."
    )
    path: list[str] = strawberry.field(
        description='The path to the invalid field within the record. E.g. `["traits", "email"]`.'
    )
    message: str | None = strawberry.field(
        description=f"The problem, for people. {_VALUES}: it may name the value that is invalid."
    )
    record_id: str | None = strawberry.field(
        description=f"The id that the record has in its source, such as a `messageId`. {_VALUES}, and without one."
    )
    content: str | None = strawberry.field(
        description=f"The record as text: JSON, if it was sent as JSON. {_VALUES}: it holds personal data as it was "
        "sent."
    )
    beside: str | None = strawberry.field(
        description=f"What came with the record and its mapping reads, such as headers, as a JSON object. {_VALUES}."
    )
    cut: bool = strawberry.field(
        description="Whether a part of a long record is missing, so that it cannot be taken in again."
    )
    deliveries: int = strawberry.field(description="How often the record was delivered.")
    received_at: Timestamp = strawberry.field(description="When the record was delivered first.")
    last_received_at: Timestamp = strawberry.field(description="When the record was delivered last.")

    @classmethod
    def of(cls, record: DomainRefusedRecord) -> "RefusedRecord":
        """Convert the domain's value."""
        return cls(
            id=strawberry.ID(record.id),
            source=record.source,
            mapping=record.mapping,
            code=record.code,
            path=list(map(str, record.path)),
            message=record.message or None,
            record_id=record.record_id or None,
            content=record.content or None,
            beside=record.beside or None,
            cut=record.is_cut,
            deliveries=record.count,
            received_at=Timestamp(record.received_at),
            last_received_at=Timestamp(record.last_received_at),
        )


@requires(REFUSED_READ)
@strawberry.type(description="How many refused records of a source with a code are kept.")
class RefusedRecordCount:
    """A number of refused records in GraphQL."""

    source: str = strawberry.field(description="The source that sent the records. E.g. `web-shop`.")
    code: str = strawberry.field(description="The code of their problem. E.g. `NO_VALID_IDENTIFIERS`.")
    records: int = strawberry.field(description="How many different records are kept.")
    deliveries: int = strawberry.field(description="How often they were delivered.")
    last_received_at: Timestamp = strawberry.field(description="When one of them was delivered last.")

    @classmethod
    def of(cls, count: RefusedCount) -> "RefusedRecordCount":
        """Convert the domain's value."""
        return cls(
            source=count.source,
            code=count.code,
            records=count.records,
            deliveries=count.deliveries,
            last_received_at=Timestamp(count.last_received_at),
        )


@requires(REFUSED_WRITE)
@strawberry.type(description="The result of `deleteRefusedRecords`.")
class DeleteRefusedRecordsPayload:
    """The payload of `deleteRefusedRecords`."""

    deleted: int = strawberry.field(description="How many of the records there were. Unknown ids are not an error.")
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")
